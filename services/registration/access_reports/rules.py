"""Proofs of identity, the languages of a report, and what the person may not know yet (pure)."""

from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from libs.chassis.errors import FieldError
from services.registration.audit.rules import RESTRICTED

_OF_LEGAL_REQUESTS = f"{RESTRICTED}legal_request."


class Proof(StrEnum):
    """How a person proved who they are, with or without papers."""

    DOCUMENT_SEEN = "document_seen"
    QUESTIONS_ANSWERED = "questions_answered"
    """The person answered questions of the staff about what is known of them."""
    IDENTITY_CHECK = "identity_check"
    """The person answered the questions of a check, which must be named."""
    KNOWN_TO_STAFF = "known_to_staff"
    VOUCHED_FOR = "vouched_for"
    """A witness whom the staff know says who it is."""
    GUARDIAN_OR_AUTHORITY = "guardian_or_authority"
    """Who decides for a child asks for it."""


class Given(NamedTuple):
    """The proof that was given, with the check if it is one."""

    proof: Proof
    identity_check_id: UUID | None = None

    @property
    def faults(self) -> list[FieldError]:
        """The fault of a check that is missing, or that does not belong to the proof."""
        if (self.proof is Proof.IDENTITY_CHECK) == (self.identity_check_id is not None):
            return []
        return [FieldError("identity_check_id", "with-its-proof", "Name a check if, and only if, it is the proof.")]

    @property
    def fields(self) -> list[str]:
        """What the record of access says of it."""
        check = [] if self.identity_check_id is None else [f"identity_check.{self.identity_check_id}"]
        return [f"proof.{self.proof.value}", *check]


class ReportLanguage(StrEnum):
    """The languages of the page."""

    ES = "es"
    EN = "en"


def shows_entry(action: str, *, all_told: bool) -> bool:
    """Whether an entry of the record of access belongs in the report. Those about requests of authorities do only if
    the person may know of all of them, because an entry does not say to which request it belongs."""
    return all_told or not action.startswith(_OF_LEGAL_REQUESTS)
