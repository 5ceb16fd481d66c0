"""Finds the faults of needs before they are stored, and orders them by their prerequisites (pure)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from libs.chassis.errors import FieldError
from libs.events.codes import NeedCategory, Urgency


class NeedStatus(StrEnum):
    """The status of a need at registration. Referral knows its further state."""

    REPORTED = "reported"
    WITHDRAWN = "withdrawn"


class SecondNeedReason(StrEnum):
    """Why a person has two open needs of one kind, as a desk has decided."""

    ANOTHER_PLACE = "another_place"
    ANOTHER_TIME = "another_time"
    ANOTHER_SERVICE = "another_service"


BY_URGENCY = (Urgency.EMERGENCY, Urgency.URGENT, Urgency.NORMAL)
"""The urgencies, highest first."""


def is_more_urgent(one: Urgency, than: Urgency) -> bool:
    """Whether the first urgency is higher than the second."""
    return BY_URGENCY.index(one) < BY_URGENCY.index(than)


@dataclass(frozen=True, slots=True)
class ToldNeed:
    """The data of a reported need that decide on its position among the others."""

    category: NeedCategory
    people_count: int
    after_category: NeedCategory | None


def need_faults(
    needs: Sequence[ToldNeed],
    *,
    known: Mapping[NeedCategory, UUID],
    restricted: Collection[NeedCategory],
    has_household: bool,
    pointer: str,
) -> list[FieldError]:
    """The faults of needs that are to be reported.

    `known` are the categories that the person has reported before. A need of more than one person requires a household.
    A prerequisite must be a need of the person. No need may be its own prerequisite. An ordinary need never waits for a
    restricted one, because its waiting would reveal the other need to everybody.
    """
    told = {need.category for need in needs}
    faults = []
    for place, need in enumerate(needs):
        where = f"{pointer}/{place}"
        if need.people_count > 1 and not has_household:
            faults.append(
                FieldError(
                    f"{where}/people_count", "household-required", "A need of several people requires a household."
                )
            )
        if need.after_category in restricted and need.category not in restricted:
            faults.append(prerequisite_fault(f"{where}/after_category"))
        elif need.after_category is not None and need.after_category not in told and need.after_category not in known:
            faults.append(
                FieldError(f"{where}/after_category", "need-known", "The person has no open need of that category.")
            )
        elif _waits_for_itself(need.category, needs):
            faults.append(FieldError(f"{where}/after_category", "no-circle", "A need cannot be its own prerequisite."))
    return faults


def prerequisite_fault(pointer: str) -> FieldError:
    """The refusal of an ordinary need that would wait for a restricted one, whether that one exists or not."""
    return FieldError(
        pointer, "ordinary-prerequisite", "The prerequisite of a need cannot be of a restricted category."
    )


def _waits_for_itself(category: NeedCategory, needs: Sequence[ToldNeed]) -> bool:
    after = {need.category: need.after_category for need in needs if need.after_category is not None}
    seen: set[NeedCategory] = set()
    here = after.get(category)
    while here is not None and here not in seen:
        if here is category:
            return True
        seen.add(here)
        here = after.get(here)
    return False


def in_order(needs: Sequence[ToldNeed]) -> list[int]:
    """The positions of the needs, ordered so that each comes after its prerequisite; otherwise in the order of the
    report."""
    placed: list[int] = []
    done: set[NeedCategory] = set()
    waiting = list(range(len(needs)))
    told = {need.category for need in needs}
    while waiting:
        ready = [
            place
            for place in waiting
            if needs[place].after_category is None
            or needs[place].after_category in done
            or needs[place].after_category not in told
        ] or waiting
        placed += ready
        done |= {needs[place].category for place in ready}
        waiting = [place for place in waiting if place not in ready]
    return placed
