"""What an export may contain, how long it is open, and how its file is written (pure)."""

import csv
import io
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from libs.chassis.errors import FieldError
from libs.events.codes import AgeBand
from services.registration.audit.rules import AccessPurpose
from services.registration.file_matching.rules import safe_cell

REASON_MAX: Final = 2000
PLACES_MAX: Final = 50
PERIOD_DAYS_MAX: Final = 366
IDENTIFIED_DAYS_MAX: Final = 92
"""The longest period of arrival of an identified export."""
PEOPLE_MAX: Final = 50_000
IDENTIFIED_PEOPLE_MAX: Final = 5_000
"""The most people of an identified export: its file is made in memory, and each person gets an entry in the record."""
EXPORTS_PER_DAY_MAX: Final = 20
"""The most exports that one caller asks for in 24 hours."""
DOWNLOADS_MAX: Final = 10
"""The most downloads of one export."""
DECIDE_WITHIN: Final = timedelta(days=7)
"""A request for an identified export that nobody decides lapses after this time."""
NOT_TOLD: Final = "not_told"
"""A value that is left out because too few people share it."""


class ExportKind(StrEnum):
    """Whether the file says who the people are."""

    DEIDENTIFIED = "deidentified"
    IDENTIFIED = "identified"


class ExportPurpose(StrEnum):
    """What the file is for. Each is a purpose of consents; without the consent of a person they are not in the file."""

    STATISTICS = "statistics"
    RESEARCH = "research"
    REGISTRATION_SERVICES = "registration_services"
    REFERRAL = "referral"
    FAMILY_CONTACT = "family_contact"
    FOLLOW_UP = "follow_up"


PURPOSES: Final = {
    ExportKind.DEIDENTIFIED: frozenset({ExportPurpose.STATISTICS, ExportPurpose.RESEARCH}),
    ExportKind.IDENTIFIED: frozenset(ExportPurpose) - {ExportPurpose.STATISTICS, ExportPurpose.RESEARCH},
}
ACCESS_PURPOSES: Final = {
    ExportPurpose.REGISTRATION_SERVICES: AccessPurpose.REGISTRATION,
    ExportPurpose.REFERRAL: AccessPurpose.REFERRAL,
    ExportPurpose.FAMILY_CONTACT: AccessPurpose.FAMILY_CONTACT,
    ExportPurpose.FOLLOW_UP: AccessPurpose.FOLLOW_UP,
}
"""How the purpose of an identified export is called in the record of access."""


class ExportField(StrEnum):
    """All that an identified export can contain. There is no need, no answer, no flag and no contact among them."""

    CASE_CODE = "case_code"
    GIVEN_NAMES = "given_names"
    FAMILY_NAMES = "family_names"
    BIRTH_DATE = "birth_date"
    DOCUMENT_NUMBER = "document_number"
    AGE_GROUP = "age_group"
    SEX = "sex"
    NATIONALITY = "nationality"
    LANGUAGES = "languages"
    RECEPTION_PLACE = "reception_place"
    ARRIVED_ON = "arrived_on"
    DESTINATION = "destination"


class ExportDecision(StrEnum):
    """What the second person decided."""

    APPROVED = "approved"
    REJECTED = "rejected"


class ExportState(StrEnum):
    """Where an export is at a moment. It follows from the decision and the times."""

    WAITING = "waiting"
    OPEN = "open"
    REJECTED = "rejected"
    LAPSED = "lapsed"
    """Nobody decided in time."""
    ENDED = "ended"


def state_of(decision: str | None, *, asked_at: datetime, ends_at: datetime | None, at: datetime) -> ExportState:
    """The state at a moment. An export without an end is one that nobody has approved."""
    if decision == ExportDecision.REJECTED:
        return ExportState.REJECTED
    if ends_at is None:
        return ExportState.WAITING if at < asked_at + DECIDE_WITHIN else ExportState.LAPSED
    return ExportState.OPEN if at < ends_at else ExportState.ENDED


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for, as far as its parts depend on each other."""

    kind: ExportKind
    purpose: ExportPurpose
    arrived_from: date
    arrived_until: date
    has_recipient: bool
    has_reason: bool
    has_fields: bool


def request_faults(asked: Asked, *, today: date) -> list[FieldError]:
    """The faults of a request that its form cannot show."""
    faults = _period_faults(asked, today=today)
    if asked.purpose not in PURPOSES[asked.kind]:
        faults.append(FieldError("/purpose", "purpose-of-kind", "This kind of export is not made for this purpose."))
    needed = asked.kind is ExportKind.IDENTIFIED
    for pointer, present in (
        ("/recipient", asked.has_recipient),
        ("/reason", asked.has_reason),
        ("/fields", asked.has_fields),
    ):
        if needed and not present:
            faults.append(FieldError(pointer, "required-if-identified", "An identified export needs this field."))
        if present and not needed:
            faults.append(FieldError(pointer, "only-if-identified", "A de-identified export has no such field."))
    return faults


def _period_faults(asked: Asked, *, today: date) -> list[FieldError]:
    first, last, identified = asked.arrived_from, asked.arrived_until, asked.kind is ExportKind.IDENTIFIED
    if last < first:
        return [FieldError("/arrived_until", "not-before-from", "The last day is before the first one.")]
    most, faults = IDENTIFIED_DAYS_MAX if identified else PERIOD_DAYS_MAX, []
    if (last - first).days >= most:
        faults.append(FieldError("/arrived_until", "period", f"The period has more than {most} days."))
    if identified and last > today:
        faults.append(FieldError("/arrived_until", "not-in-future", "This day is in the future."))
    if not identified and (first.day != 1 or (last + timedelta(days=1)).day != 1):
        faults.append(FieldError("/arrived_from", "whole-months", "A de-identified export has whole months."))
    elif not identified and last >= today:
        faults.append(FieldError("/arrived_until", "month-is-over", "The last month is not over yet."))
    return faults


@dataclass(frozen=True, slots=True)
class Facts:
    """One person in a de-identified export: every fact that is told. `age` is a band, later a group."""

    month: str
    area: str
    age: str
    sex: str
    nationality: str
    return_kind: str
    needs: str


FACTS: Final = ("month", "area", "age", "sex", "nationality", "return_kind", "needs")
_Coarser = Callable[[Facts], Facts]
_GROUP_OF_BAND: Final = {
    AgeBand.UNDER_5.value: "child",
    AgeBand.FROM_5_TO_11.value: "child",
    AgeBand.FROM_12_TO_17.value: "child",
    AgeBand.UNKNOWN.value: "unsure",
}
STEPS: Final[tuple[_Coarser, ...]] = (
    lambda facts: replace(facts, needs=NOT_TOLD),
    lambda facts: replace(facts, age=_GROUP_OF_BAND.get(facts.age, "adult")),
    lambda facts: replace(facts, return_kind=NOT_TOLD),
    lambda facts: replace(facts, nationality=NOT_TOLD),
    lambda facts: replace(facts, sex=NOT_TOLD),
    lambda facts: replace(facts, age=NOT_TOLD),
)
"""What a row loses, one after the other, until enough people share it. Month and area are never lost."""


@dataclass(frozen=True, slots=True)
class Told:
    """The rows of one block, and how many people were left out: the number is rounded up to a multiple of `least`."""

    rows: list[Facts]
    left_out: int


def told_of_block(block: Sequence[Facts], *, least: int) -> Told:
    """The rows of the people of one month and one reception place, each shared by `least` people or more.

    A row that fewer people share loses one fact after the other. Who is still alone at the end is left out. The result
    depends on the block alone, so two exports that overlap tell the same of it, and their difference tells nothing.
    """
    rows, rest = [], list(block)
    for step in (None, *STEPS):
        rest = rest if step is None else [step(facts) for facts in rest]
        counts = _counts(rest)
        rows += [facts for facts in rest if counts[facts] >= least]
        rest = [facts for facts in rest if counts[facts] < least]
    return Told(rows, -(-len(rest) // least) * least)


def told_of(facts: Iterable[tuple[tuple[str, str], Facts]], *, least: int) -> Told:
    """The rows of all blocks. `facts` come with place and month, and in the order of these."""
    rows: list[Facts] = []
    left_out = 0
    for block in _blocks_of(facts):
        told = told_of_block(block, least=least)
        rows += told.rows
        left_out += told.left_out
    return Told(rows, left_out)


def _counts(rows: Iterable[Facts]) -> dict[Facts, int]:
    counts: dict[Facts, int] = {}
    for facts in rows:
        counts[facts] = counts.get(facts, 0) + 1
    return counts


def _blocks_of(rows: Iterable[tuple[tuple[str, str], Facts]]) -> Iterator[list[Facts]]:
    block: list[Facts] = []
    before: tuple[str, str] | None = None
    for key, facts in rows:
        if key != before and block:
            yield block
            block = []
        before = key
        block.append(facts)
    if block:
        yield block


@dataclass(frozen=True, slots=True)
class Mark:
    """What every row of every file says: spreadsheets keep columns when they sort, filter or copy rows."""

    export_id: UUID
    recipient: str
    purpose: str
    until: date

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells of the mark, in the order of `MARK`."""
        return (str(self.export_id), self.recipient, self.purpose, self.until.isoformat())


MARK: Final = ("export", "for", "purpose", "delete_by")


def file_name(kind: ExportKind, mark: Mark) -> str:
    """The name of a file, which says the same as its rows."""
    return f"enlace-{kind}-{mark.export_id}-until-{mark.until.isoformat()}.csv"


def written(header: Sequence[str], rows: Iterable[Sequence[str]], *, mark: Mark) -> bytes:
    """The file as CSV in UTF-8 with a mark of the encoding, because spreadsheets else break accents. A cell that a
    spreadsheet would run as a formula begins with an apostrophe."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow((*MARK, *header))
    for row in rows:
        writer.writerow([safe_cell(cell) for cell in (*mark.cells, *row)])
    return out.getvalue().encode("utf-8-sig")


def needs_cell(categories: Iterable[str], *, restricted: Collection[str]) -> str:
    """The categories of a person's needs without restricted ones, in the order of their codes."""
    return " ".join(sorted(set(categories) - set(restricted)))
