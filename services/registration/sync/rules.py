"""Which of two changes of a field counts, and which value is safer until a person has decided (pure)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from libs.events.people_codes import AgeGroup

OPERATIONS_MAX: Final = 500
KEEP_DAYS: Final = 90
"""How long the results of operations and the values that lost are kept, if the pack names no other number. An erasure
may set the time of a result back to the start of its month, so this is longer than `TAKEN_DAYS` by more than a month.
The bound of the pack is too."""
TAKEN_DAYS: Final = 45
"""The greatest age of an operation. An older one could be a repetition of which the result is already deleted."""
SHOWN_DAYS: Final = 45
"""How long after the registration a person is shown to devices."""
CLOCK_SLACK: Final = timedelta(minutes=2)
"""A device whose clock differs less than this counts as right: the way of the request takes time too."""
NETWORK: Final = UUID(int=0)
"""The owner of devices of the network's own reception."""

BIRTH_DATE: Final = "/identity/birth_date"
AGE: Final = "/profile/age"
AGE_FIELDS: Final = frozenset({BIRTH_DATE, AGE})
"""Both say whether the person is a child: a change of one meets a change of the other."""
UNIONS: Final = frozenset(
    {
        "/profile/protection_flags",
        "/profile/avoid_organizations",
        "/profile/avoid_places",
        "/profile/avoid_countries",
        "/return_facts/signs",
    }
)
"""Lists of which every entry protects: until a person decides, the entries of both sides hold."""
SAFE_CONTACT: Final = "/safe_contact"
SAFETY: Final = AGE_FIELDS | UNIONS | {SAFE_CONTACT}
"""The fields in which no clock decides. Consents are compared in the same way, each with its withdrawals."""
MANIFEST_ENTRY: Final = "/manifest_reference"
HOUSEHOLD: Final = "/household"


class Outcome(StrEnum):
    """What became of an operation."""

    DONE = "done"
    UNCHANGED = "unchanged"
    """It was so already, such as a consent that somebody else had withdrawn."""
    SUPERSEDED = "superseded"
    """Every field that it changes was changed later by somebody else."""
    CONFLICT = "conflict"
    """At least one part waits for a person (`conflict_ids`); the rest is done."""
    REFUSED = "refused"
    """Nothing was stored; `problem` says why."""
    NOT_PROCESSED = "not_processed"
    """Nothing was stored, because a system did not answer: send it again."""


class ConflictKind(StrEnum):
    """Why a value is kept here."""

    SAFETY = "safety"
    SAME_ENTRY = "same_entry"
    """Two devices met the same entry of a manifest; both people are registered."""
    SUPERSEDED = "superseded"
    """A value of an ordinary field that lost against a later change."""


class Held(StrEnum):
    """What holds until a person has decided."""

    STORED = "stored"
    TOLD = "told"
    BOTH = "both"
    """The entries of both lists; or both people of one entry of a manifest."""
    NOBODY = "nobody"
    """Nobody contacts the person (channel `none`)."""
    WITHDRAWN = "withdrawn"
    """The consent does not count."""


class Settled(StrEnum):
    """How a conflict ended."""

    HELD = "held"
    STORED = "stored"
    TOLD = "told"
    MENDED = "mended"
    LAST_WRITER = "last_writer"
    """By itself: the later change counts."""


class ResolutionReason(StrEnum):
    """Why a person decided in this way."""

    ASKED_THE_PERSON = "asked_the_person"
    ASKED_THE_CLERK = "asked_the_clerk"
    DOCUMENT_SEEN = "document_seen"
    NOT_MEANT = "not_meant"
    CANNOT_BE_KNOWN = "cannot_be_known"


class Kind(StrEnum):
    """The kinds of operations."""

    REGISTER = "register"
    CORRECT = "correct"
    REPORT_NEED = "report_need"
    WITHDRAW_NEED = "withdraw_need"
    GIVE_CONSENT = "give_consent"
    WITHDRAW_CONSENT = "withdraw_consent"
    SET_SAFE_CONTACT = "set_safe_contact"
    MARK_ABSENT = "mark_absent"
    JOIN_HOUSEHOLD = "join_household"
    EXCLUDE_PERSON = "exclude_person"


_CREATING = {Kind.REGISTER, Kind.REPORT_NEED, Kind.GIVE_CONSENT, Kind.JOIN_HOUSEHOLD, Kind.EXCLUDE_PERSON}
SCOPES: Final = {
    Kind.GIVE_CONSENT: "consents:write",
    Kind.WITHDRAW_CONSENT: "consents:write",
    Kind.MARK_ABSENT: "arrivals:write",
}
"""The scopes of the routes that do the same with a line; all others need `returnees:write`."""


def status_of(kind: Kind, outcome: Outcome, *, has_created: bool) -> int:
    """The status that a request for this operation alone would have."""
    return 201 if kind in _CREATING and outcome in (Outcome.DONE, Outcome.CONFLICT) and has_created else 200


class Verdict(StrEnum):
    """What is done with one field of an operation."""

    APPLY = "apply"
    OVERWRITE = "overwrite"
    """Applied over a change that the device did not know; the earlier value is kept."""
    SAME = "same"
    SUPERSEDED = "superseded"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Change:
    """The last change of a field."""

    revision: int
    changed_at: datetime
    device_id: UUID | None


@dataclass(frozen=True, slots=True)
class Made:
    """When and on what an operation was made."""

    at: datetime
    """By our clock."""
    device_id: UUID
    base_revision: int | None
    """The newest revision of the person that the device had read; None: none."""


def knew(made: Made, last: Change | None) -> bool:
    """Whether the device knew the last change of a field: it made the change itself, or had read it."""
    if last is None or last.device_id == made.device_id:
        return True
    return made.base_revision is not None and last.revision <= made.base_revision


def verdict(field: str, *, told: Any, stored: Any, last: Change | None, made: Made) -> Verdict:
    """What is done with one field. What a device knew is decided by revisions. Clocks decide only between two changes
    of which neither knew the other, and never about safety."""
    if last is not None and last.device_id == made.device_id and made.at < last.changed_at:
        return Verdict.SUPERSEDED  # an earlier operation of the same device that comes after a later one
    if last is None or knew(made, last):
        return Verdict.APPLY
    if plain(told) == plain(stored):
        return Verdict.SAME
    if field in SAFETY:
        return Verdict.CONFLICT
    return Verdict.OVERWRITE if made.at > last.changed_at else Verdict.SUPERSEDED


def plain(value: Any) -> Any:
    """A value in the form in which two are compared: the order of a list of codes means nothing."""
    return sorted(map(str, value)) if isinstance(value, list) else value


def united(stored: list[str], told: list[str]) -> list[str]:
    """The entries of both lists, each once."""
    return list(dict.fromkeys([*map(str, stored), *map(str, told)]))


_MOST_CAREFUL = (AgeGroup.CHILD, AgeGroup.UNSURE, AgeGroup.ADULT)


def is_more_careful(told: AgeGroup, stored: AgeGroup) -> bool:
    """In doubt a child (decision 0008): whether `told` protects more than `stored`."""
    return _MOST_CAREFUL.index(told) < _MOST_CAREFUL.index(stored)


def offset_of(sent_at: datetime, *, received_at: datetime) -> timedelta:
    """How far the device's clock is behind ours; negative if it is ahead."""
    return received_at - sent_at


def shift_of(offset: timedelta) -> timedelta:
    """By how much times in the data of an operation are moved: in whole minutes, and only if the clock is really wrong.
    So an operation that is sent again has the same times."""
    if abs(offset) < CLOCK_SLACK:
        return timedelta(0)
    return timedelta(minutes=round(offset / timedelta(minutes=1)))


def moved(moment: datetime, *, by: timedelta, at: datetime) -> datetime:
    """A time in the data of an operation by our clock. What the rounding puts into the future is now; a time that is
    further ahead is a mistake, which the rules of the action refuse."""
    moment += by
    return at if at < moment <= at + CLOCK_SLACK else moment


def corrected(moment: datetime, *, by: timedelta, at: datetime) -> datetime:
    """A time of the device by our clock, never in the future."""
    return min(moment + by, at)


def in_order(moment: datetime, *, sequence: int, last_sequence: int, last_at: datetime) -> datetime:
    """The time of an operation, not before those that the device did earlier: its clock may have been set back between
    them, while its sequence numbers only rise."""
    return max(moment, last_at) if sequence > last_sequence else moment


def is_too_old(moment: datetime, *, at: datetime) -> bool:
    """Whether the result of such an operation may already be deleted."""
    return at - moment > timedelta(days=TAKEN_DAYS)
