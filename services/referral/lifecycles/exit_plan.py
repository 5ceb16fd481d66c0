"""What comes after a stay: a checklist and a coded next step. Pure. It contains only codes, no address, no name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class ExitItem(StrEnum):
    """What must be arranged before a person leaves (domain C3)."""

    FAMILY_REACHED = "family_reached"
    MONEY = "money"
    TRANSPORT = "transport"
    NEXT_ADDRESS = "next_address"
    DOCUMENTS = "documents"


class ItemStatus(StrEnum):
    """The state of one item of the checklist."""

    OPEN = "open"
    DONE = "done"
    NOT_NEEDED = "not_needed"


class NextStep(StrEnum):
    """Where a person goes after a stay, as a coarse code."""

    FAMILY = "family"
    OWN_HOME = "own_home"
    OTHER_SHELTER = "other_shelter"
    ONWARD_TRANSPORT = "onward_transport"
    INSTITUTION = "institution"
    NOT_TOLD = "not_told"
    """The person was asked and does not want to say. People are free to leave."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One item of the checklist, with who changed it last and when."""

    status: ItemStatus = ItemStatus.OPEN
    at: datetime | None = None
    by: str | None = None
    """The subject of a token."""


Checklist = dict[ExitItem, PlanItem]


def empty_checklist() -> Checklist:
    """A checklist with every item open, as it is at hour 0."""
    return {item: PlanItem() for item in ExitItem}


def is_complete(checklist: Checklist, next_step: NextStep) -> bool:
    """True if no item is open and the next step is known."""
    return next_step is not NextStep.UNKNOWN and not open_items(checklist)


def open_items(checklist: Checklist) -> list[ExitItem]:
    """The items that are still open, in the order of the checklist."""
    return [item for item in ExitItem if checklist[item].status is ItemStatus.OPEN]


def changed(checklist: Checklist, told: Mapping[ExitItem, ItemStatus], *, at: datetime, by: str) -> Checklist:
    """The checklist with these states. An item whose state does not change keeps its last author and time."""
    return {
        item: known if known.status is told[item] else PlanItem(told[item], at, by) for item, known in checklist.items()
    }


def as_document(checklist: Checklist) -> dict[str, dict[str, str | None]]:
    """The checklist in the form in which it is stored."""
    return {
        item.value: {"status": one.status.value, "at": None if one.at is None else one.at.isoformat(), "by": one.by}
        for item, one in checklist.items()
    }


def from_document(document: Mapping[str, Mapping[str, Any]]) -> Checklist:
    """The checklist from its stored form. An item that did not exist when it was stored is open."""
    found = empty_checklist()
    for name, one in document.items():
        at = one["at"]
        found[ExitItem(name)] = PlanItem(
            ItemStatus(one["status"]), None if at is None else datetime.fromisoformat(at), one["by"]
        )
    return found
