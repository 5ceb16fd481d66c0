"""Which kinds of data registration has, and when each ends (pure; domain P20)."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final


class Gone(StrEnum):
    """What is deleted at its end, as it is counted."""

    PEOPLE = "people"
    """Identity data of people who were erased; one for each record of a person."""
    MANIFESTS = "manifests"
    """Names of people who were announced and not met; one for each flight or bus."""
    ARRIVAL_KEYS = "arrival_keys"
    """Keyed hashes that recognise a repeated arrival of an erased person."""
    DEVICE_RESULTS = "device_results"
    """Results of operations that devices made without a line."""
    SETTLED_CONFLICTS = "settled_conflicts"
    """Values that lost against a later change, after a person or a rule has decided."""
    SILENT_DEVICES = "silent_devices"
    """Devices that were not seen any more."""


@dataclass(frozen=True, slots=True)
class Clock:
    """When one kind of data ends. Without `days` it does not end by time, and `ends` says why."""

    data: str
    ends: str
    days: int | None = None
    counted_as: Gone | None = None


_WITH_PERSON: Final = "with the erasure of the person"
_AS_RECORD: Final = "none: it proves what was done, and contains ids, codes and times; the law of the country decides"
WITHOUT_TIME: Final = (
    Clock("identity data, safe contact, consents, answers, needs", _WITH_PERSON, counted_as=Gone.PEOPLE),
    Clock("keyed hashes for search and matching", _WITH_PERSON, counted_as=Gone.PEOPLE),
    Clock("doubtful parts of arrivals, conflicts that wait", f"{_WITH_PERSON}; nothing is lost before a decision"),
    Clock("legal requests", f"their words {_WITH_PERSON}; the codes stay, because they prove what was answered"),
    Clock("record of access", _AS_RECORD),
    Clock("incidents, erasures, spent case codes", _AS_RECORD),
    Clock("profile facts without a name", "none: statistics need them; nothing in them identifies a person"),
)


def clocks(*, manifest_days: int, arrival_key_days: int, device_days: int, event_days: int) -> list[Clock]:
    """All kinds of data with their ends, those with a time first."""
    return [
        Clock("names in manifests", "days after landing, by the pack", manifest_days, Gone.MANIFESTS),
        Clock("keys of erased arrivals", "days after the erasure", arrival_key_days, Gone.ARRIVAL_KEYS),
        Clock("results of devices", "days after the operation", device_days, Gone.DEVICE_RESULTS),
        Clock("conflicts that are settled", "days after the decision", device_days, Gone.SETTLED_CONFLICTS),
        Clock("devices", "days after the last call", device_days, Gone.SILENT_DEVICES),
        Clock("events in archives and inboxes, parked events", "days; whole days are dropped, uncounted", event_days),
        *WITHOUT_TIME,
    ]


def is_span(since: date, until: date) -> bool:
    """Whether the first day is not after the last one."""
    return since <= until
