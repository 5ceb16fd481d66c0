"""The class in which a need is counted, and what a caller of the numbers may count. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_AREA = re.compile(r"[A-Z]{2}([0-9]{2,6})?")
HOURS_MAX: Final = 168
"""The longest period of waiting times: a week. The cost of a request grows with the offers of its period."""
BATCHES_MAX: Final = 50


class NeedClass(StrEnum):
    """Where a need is. Each need is in exactly one class."""

    SEEKING = "seeking"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    IN_SERVICE = "in_service"
    MET = "met"
    REFUSED = "refused"
    CLOSED = "closed"
    WAITLISTED = "waitlisted"
    BLOCKED = "blocked"
    AWAITING_REVIEW = "awaiting_review"
    OWNED_BY_DESK = "owned_by_desk"


STAYS_ITS_OWN: Final = (NeedClass.OFFERED, NeedClass.ACCEPTED, NeedClass.IN_SERVICE, NeedClass.AWAITING_REVIEW)
"""Classes that an owner does not change: a provider has the need, or the desk that owns it has to review it."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a caller of the numbers may count."""

    restricted: bool
    """If False, needs of restricted categories are not counted."""
    areas: tuple[str, ...] | None
    """Only people who were received at these places. None: all."""
    staff: bool
    """True for staff of the network, whose rows row-level security shows; no row of referral belongs to a reception."""


def sight_of(*, restricted: bool, reception_places: tuple[str, ...], staff: bool, country: str) -> Sight:
    """A caller with reception places counts the people who were received there; staff without any count all.

    A code includes every place whose code begins with it. Codes of another form are left out: the empty text would
    include every place.
    """
    if not reception_places:
        return Sight(restricted, None if staff else (), staff)
    areas = known_areas(reception_places)
    return Sight(restricted, None if country in areas else areas, staff)


def known_areas(codes: Iterable[str]) -> tuple[str, ...]:
    """The codes that have the form of a country or place code."""
    return tuple(code for code in codes if _AREA.fullmatch(code))
