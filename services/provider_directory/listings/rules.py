"""The rules for listings: age bands, openings, time zones. Pure; times and values are arguments."""

from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from itertools import pairwise
from typing import Final
from zoneinfo import available_timezones

MINIMUM_AGES: Final = (0, 5, 12, 18, 25, 35, 60)
"""The first year of each age band. Routing knows only the band of a person, so no other limit could be applied."""

MAXIMUM_AGES: Final = (4, 11, 17, 24, 34, 59)
"""The last year of each age band that has one."""

MINUTES_OF_DAY: Final = 1440


class LocationType(StrEnum):
    """Kinds of location (HSDS 3.1)."""

    PHYSICAL = "physical"
    POSTAL = "postal"
    VIRTUAL = "virtual"


def ages_admit_anybody(*, minimum: int | None, maximum: int | None) -> bool:
    """False if the lowest age is above the highest."""
    return minimum is None or maximum is None or minimum <= maximum


def is_forward(*, opens_minute: int, closes_minute: int) -> bool:
    """True if it closes after it opens; a shift over midnight is two openings."""
    return 0 <= opens_minute < closes_minute <= MINUTES_OF_DAY


def openings_overlap(openings: Sequence[tuple[int, int, int]]) -> bool:
    """True if two openings (weekday, opens, closes) of one day share a minute."""
    return any(earlier[0] == later[0] and later[1] < earlier[2] for earlier, later in pairwise(sorted(openings)))


@cache
def _time_zones() -> frozenset[str]:
    # Names without a region, such as "localtime", are links to the settings of this machine.
    return frozenset(name for name in available_timezones() if "/" in name or name == "UTC")


def is_time_zone(name: str) -> bool:
    """True for a name of the IANA time zone database."""
    return name in _time_zones()


def lacks_licence(*, unaccompanied_children: bool, licensed: bool, is_admin: bool) -> bool:
    """True if an organisation claims without a licence that it may take unaccompanied children (domain E1, P13).

    Its client may claim this only while an accreditation by the network is valid, for a category that the taxonomy
    marks with `child_licence`.
    """
    return unaccompanied_children and not licensed and not is_admin
