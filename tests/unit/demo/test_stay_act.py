"""The act of the stay is told only where each of its parts was seen and recorded."""

from typing import Any

import pytest

from deploy.demo.stay_act import EXITS, LEAVING, Stayed, stay_act

NAMES = {"s1": "First shelter"}
ITEMS = {"family_reached": {"status": "done"}, "money": {"status": "open"}}
RECORD = (
    ("referral.alarm_stay", "alarm_1", 3), ("referral.alarm_stay", "alarm_2", 4), ("referral.alarm_stay", "alarm_3", 5),
    ("referral.run_out", None, 6), ("referral.complete", None, 7),
)  # fmt: skip


def stayed(record: tuple[tuple[str, str | None, int], ...] = RECORD, *, status: str = "met") -> Stayed:
    stay = {
        "provider_service_id": "s1", "started_at": "2026-03-02T12:00:00+00:00", "ends_at": "2026-03-05T12:00:00+00:00",
        "next_step": "unknown", "items": ITEMS, "planned": False,
    }  # fmt: skip
    steps = [
        {"step": step, "reason": reason, "at": f"2026-03-0{day}T12:00:00+00:00", "referral_id": "r"}
        for step, reason, day in record
    ]
    return Stayed(
        "GT-1", "n", "r", plan_at_first=stay, plan_in_part=stay, plan_at_last={**stay, "planned": True},
        owners={48: ("shelter-desk", "stay_ending"), 60: ("steward", "owner_silent"), 72: ("steward", "owner_silent")},
        listed={(48, LEAVING): {"open_items": ["money"]}, (72, EXITS): {"over": True, "desk": "steward"}},
        completed=True,
        journey={"needs": [{"id": "n", "category": "shelter", "status": status}], "steps": steps},
    )  # fmt: skip


def test_it_is_told_hour_by_hour_on_the_installations_clock() -> None:
    lines = stay_act(stayed(), NAMES).lines
    assert lines[0] == "02 Mar 12:00:00 GT-1, shelter: hour 0 at First shelter, until 05 Mar 12:00:00"
    assert "04 Mar 12:00:00 hour 48: the second alarm; shelter-desk is the owner (stay_ending)" in lines
    assert lines[-1] == "07 Mar 12:00:00 they leave after three nights; the need is met"


@pytest.mark.parametrize("lost", range(len(RECORD)))
def test_without_any_step_of_the_record_it_did_not_happen(lost: int) -> None:
    assert not stay_act(stayed((*RECORD[:lost], *RECORD[lost + 1 :])), NAMES).happened


def test_without_a_desk_a_list_an_outcome_or_a_plan_it_did_not_happen() -> None:
    def changed(**more: Any) -> Stayed:
        one = stayed()
        for name, value in more.items():
            setattr(one, name, value)
        return one

    for one in (
        None,
        stayed(status="open"),
        changed(owners={48: None}),
        changed(owners={48: ("shelter-desk", "candidates_spent")}),
        changed(listed={(72, EXITS): {"over": True, "desk": "steward"}}),
        changed(listed={(48, LEAVING): {"open_items": ["money"]}}),
        changed(completed=False),
        changed(plan_at_last={"planned": False}),
    ):
        assert not stay_act(one, NAMES).happened
