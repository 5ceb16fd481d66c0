"""Requests of authorities: kinds, answers with their grounds, and the notice to the person (pure)."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Final

from libs.chassis.errors import FieldError


class Authority(StrEnum):
    """Who asks."""

    COURT = "court"
    PROSECUTOR = "prosecutor"
    POLICE = "police"
    MIGRATION_AUTHORITY = "migration_authority"
    CHILD_PROTECTION_AUTHORITY = "child_protection_authority"
    HUMAN_RIGHTS_INSTITUTION = "human_rights_institution"
    TAX_OR_LABOUR_AUTHORITY = "tax_or_labour_authority"
    FOREIGN_AUTHORITY = "foreign_authority"
    OTHER = "other"


class Asked(StrEnum):
    """The kinds of data that a request asks for."""

    IDENTITY = "identity"
    CONTACT = "contact"
    WHEREABOUTS = "whereabouts"
    ARRIVAL = "arrival"
    HOUSEHOLD = "household"
    NEEDS = "needs"
    SERVICES = "services"
    ANSWERS = "answers"
    ACCESS_LOG = "access_log"


class RequestStatus(StrEnum):
    """Whether the request has an answer."""

    OPEN = "open"
    ANSWERED = "answered"


class RequestAnswer(StrEnum):
    """What the data protection officer answered."""

    REFUSED = "refused"
    PARTLY = "partly"
    GIVEN = "given"


class Ground(StrEnum):
    """Why."""

    NO_LEGAL_BASIS = "no_legal_basis"
    NOT_COMPETENT = "not_competent"
    TOO_BROAD = "too_broad"
    DANGER_TO_PERSON = "danger_to_person"
    NOT_KNOWN = "not_known"
    COURT_ORDER = "court_order"
    LAW_REQUIRES = "law_requires"
    CONSENT_OF_PERSON = "consent_of_person"
    VITAL_INTEREST = "vital_interest"


class Notice(StrEnum):
    """Whether the person has been told."""

    GIVEN = "given"
    DEFERRED = "deferred"


class NoticeReason(StrEnum):
    """Why the person is told later."""

    ORDERED_BY_COURT = "ordered_by_court"
    DANGER_TO_PERSON = "danger_to_person"
    DANGER_TO_OTHERS = "danger_to_others"
    NO_SAFE_CONTACT = "no_safe_contact"


GROUNDS_TO_GIVE: Final = frozenset(
    {Ground.COURT_ORDER, Ground.LAW_REQUIRES, Ground.CONSENT_OF_PERSON, Ground.VITAL_INTEREST}
)
"""Only these grounds allow that something is given; the others are grounds to refuse."""


def answer_faults(
    answer: RequestAnswer, ground: Ground, given: Collection[Asked], *, asked: Collection[Asked]
) -> list[FieldError]:
    """What is wrong with an answer."""
    faults = []
    if (answer is RequestAnswer.REFUSED) == (ground in GROUNDS_TO_GIVE):
        faults.append(FieldError("/ground", "allowed", "This ground does not allow this answer."))
    if answer is RequestAnswer.REFUSED and given:
        faults.append(FieldError("/given", "empty", "After a refusal nothing is given."))
    if answer is not RequestAnswer.REFUSED and not given:
        faults.append(FieldError("/given", "missing", "Name what was given."))
    if not set(given) <= set(asked):
        faults.append(FieldError("/given", "asked", "More was given than was asked for."))
    if answer is RequestAnswer.GIVEN and set(asked) - set(given):
        faults.append(FieldError("/given", "complete", "Not all that was asked for was given: the answer is partly."))
    return faults


def notice_faults(
    notice: Notice, reason: NoticeReason | None, due_at: datetime | None, *, at: datetime
) -> list[FieldError]:
    """What is wrong with a notice."""
    deferred = notice is Notice.DEFERRED
    faults = [
        FieldError(f"/notice/{name}", "deferred", "Needed if the notice is deferred, and only then.")
        for name, value in (("reason", reason), ("due_at", due_at))
        if (value is not None) != deferred
    ]
    if deferred and due_at is not None and due_at <= at:
        faults.append(FieldError("/notice/due_at", "in-future", "A notice is deferred to a later time."))
    return faults


def may_be_told(notice: str | None, due_at: datetime | None, *, at: datetime) -> bool:
    """Whether the person may learn of the request now. Before the answer nobody has decided that."""
    if notice is None:
        return False
    return notice == Notice.GIVEN.value or (due_at is not None and due_at <= at)
