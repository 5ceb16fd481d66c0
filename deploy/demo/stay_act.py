"""The scene about the stay, made from what was read at certain hours and from the recorded journey (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from deploy.demo.acts import Act

HOURS: Final = 72
"""How long people may stay in a shelter (domain C3)."""
LEAVING, EXITS = "leaving-without-next-step", "exits-today"
_TITLE: Final = "A stay of 72 hours: alarms are sent, the desk becomes the owner, nobody leaves without a next step"
_IN_ORDER: Final = (
    "referral.alarm_stay alarm_1", "referral.alarm_stay alarm_2", "referral.alarm_stay alarm_3", "referral.run_out",
    "referral.complete",
)  # fmt: skip
_RECORDED: Final = frozenset(_IN_ORDER)
"""The steps that the journey must contain; if one is missing, the scene did not happen. Alarms have a number."""


@dataclass
class Stayed:
    """What was read about one stay while time passed. Keys are hours after its start."""

    case_code: str
    need_id: str
    referral_id: str
    plan_at_first: Mapping[str, Any] = field(default_factory=dict)
    plan_in_part: Mapping[str, Any] = field(default_factory=dict)
    plan_at_last: Mapping[str, Any] = field(default_factory=dict)
    owners: dict[int, tuple[str, str] | None] = field(default_factory=dict)
    """The desk that owns the need, and the reason."""
    listed: dict[tuple[int, str], Mapping[str, Any]] = field(default_factory=dict)
    """The entry of the stay in a work list, by hour and list."""
    completed: bool = False
    journey: Mapping[str, Any] = field(default_factory=dict)
    """The journey as it is recorded at the end."""


def stay_act(stayed: Stayed | None, names: Mapping[str, str]) -> Act:
    """What happened, hour by hour on the installation's clock; an act without lines if any part is missing."""
    if stayed is None or not stayed.completed or not stayed.plan_at_last.get("planned"):
        return Act(_TITLE)
    steps = {_name(one): str(one["at"]) for one in stayed.journey["steps"] if one["referral_id"] == stayed.referral_id}
    need = next(one for one in stayed.journey["needs"] if one["id"] == stayed.need_id)
    owner, lacking, due = stayed.owners.get(48), stayed.listed.get((48, LEAVING)), stayed.listed.get((HOURS, EXITS))
    if owner is None or lacking is None or due is None or not steps.keys() >= _RECORDED:
        return Act(_TITLE)
    if owner[1] != "stay_ending" or not due["over"] or need["status"] != "met":
        return Act(_TITLE)
    first, second, third, over, left = (_clock(steps[name]) for name in _IN_ORDER)
    return Act(_TITLE, (
        *_beginning(stayed, need, names),
        f"{first} hour 24: the first alarm, the shelter is notified",
        f"{second} hour 48: the second alarm; {owner[0]} is the owner ({owner[1]})",
        f"on the list of people who leave without a next step; missing: {', '.join(lacking['open_items'])}",
        f"{third} hour 60: the third alarm; {_answers(stayed.owners.get(60))}",
        f"{over} hour 72: the time is over and they are still there; {_answers(stayed.owners.get(HOURS))}",
        f"on the list of today's exits, for {due['desk']}",
        f"the shelter completes the exit plan: {_plan(stayed.plan_at_last)}",
        f"{left} they leave after three nights; the need is {need['status']}",
    ))  # fmt: skip


def _beginning(stayed: Stayed, need: Mapping[str, Any], names: Mapping[str, str]) -> tuple[str, str, str]:
    stay = stayed.plan_at_first
    shelter = names.get(stay["provider_service_id"], "?")
    return (
        f"{_clock(stay['started_at'])} {stayed.case_code}, {need['category']}: hour 0 at {shelter}, "
        f"until {_clock(stay['ends_at'])}",
        f"exit plan: {_plan(stay)}",
        f"the shelter fills in what it knows: {_plan(stayed.plan_in_part)}",
    )


def _name(step: Mapping[str, Any]) -> str:
    return f"{step['step']} {step['reason']}" if step["step"] == "referral.alarm_stay" else str(step["step"])


def _plan(stay: Mapping[str, Any]) -> str:
    words = ", ".join(f"{item} {one['status']}" for item, one in stay["items"].items())
    return f"next step {stay['next_step']}; {words}"


def _answers(owner: tuple[str, str] | None) -> str:
    return "no owner yet" if owner is None else f"{owner[0]} is the owner ({owner[1]})"


def _clock(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%d %b %H:%M:%S}"
