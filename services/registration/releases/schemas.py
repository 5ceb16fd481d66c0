"""Bodies and views of releases of children."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from libs.events.catalogue.arrivals import DocumentNumber
from libs.events.codes import LanguageCode, PlaceCode
from libs.wire.names import Name
from libs.wire.values import Flag, Moment
from services.registration.releases.rules import (
    REFERENCE_MAX,
    WORDS_MAX,
    Cancellation,
    NotHeard,
    Relation,
    RelativeShown,
    ReleaseStatus,
    Verified,
    Wish,
    Withdrawal,
)

Reference = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=REFERENCE_MAX)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=WORDS_MAX)]


def _body(*examples: JsonDict) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [*examples]})


class RelativeTold(BaseModel):
    """Who the relative is. It is stored sealed under the key of the child."""

    model_config = ConfigDict(extra="forbid")

    given_names: Name
    family_names: Name
    document_number: DocumentNumber | None = None


class ReleaseBody(BaseModel):
    """To which relative a child may be released."""

    model_config = _body(
        {
            "returnee_id": "01975f7e-6a3a-7c9e-9d51-3b0f6c1d2e4f",
            "relation": "grandparent",
            "relative": {"given_names": "Muestra Abuela", "family_names": "Ejemplo Mayor"},
        }
    )

    returnee_id: UUID
    relation: Relation
    relative: RelativeTold
    namesake_confirmed: Flag = False
    """True after `may-be-excluded`: you have checked that the relative is not the person whom the child excludes."""


class ChildViewBody(BaseModel):
    """What the child says, or why the child could not be heard."""

    model_config = _body(
        {
            "wish": "wants_to_go",
            "heard_by": "psychologist-2",
            "heard_at": "2026-03-02T15:00:00Z",
            "language": "quc",
            "words": "Wants to live with the grandmother (sample)",
        },
        {"not_heard_because": "infant", "heard_by": "nurse-1", "heard_at": "2026-03-02T15:00:00Z"},
    )

    wish: Wish | None = None
    not_heard_because: NotHeard | None = None
    heard_by: Reference
    """Who heard the child, or tried to. It is stored sealed."""
    heard_at: Moment
    language: LanguageCode | None = None
    words: Words | None = None
    """In the words of the child. It is stored sealed."""


class VerificationBody(BaseModel):
    """How it was verified that the person is the relative."""

    model_config = _body({"verified": ["birth_certificate", "home_visit"], "verified_at": "2026-03-03T15:00:00Z"})

    verified: Annotated[list[Verified], Field(min_length=1, max_length=len(Verified))]
    verified_at: Moment


class SignOffBody(BaseModel):
    """The sign-off of the authority."""

    model_config = _body({"reference": "PGN-2026-0142 (sample)"})

    reference: Reference
    """The authority's own reference. It is stored sealed."""


class SignOffWithdrawalBody(BaseModel):
    """Why the sign-off does not hold any more."""

    model_config = _body({"reason": "relative_in_doubt"})

    reason: Withdrawal


class HandoverBody(BaseModel):
    """The handover to the relative of the release."""

    model_config = _body(
        {"handed_over_at": "2026-03-04T15:00:00Z", "relative_shown_by": "document_seen", "place": "GT1401"}
    )

    handed_over_at: Moment
    relative_shown_by: RelativeShown
    place: PlaceCode
    """Where the child will live: a coarse code, no address."""
    namesake_confirmed: Flag = False
    """True after `may-be-excluded`: you have checked that the relative is not the person whom the child excludes."""


class CancellationBody(BaseModel):
    """Why the child is not released to this relative."""

    model_config = _body({"reason": "relative_not_verified"})

    reason: Cancellation


class ReleaseView(BaseModel):
    """One release, in codes and times."""

    id: UUID
    version: int
    returnee_id: UUID
    status: ReleaseStatus
    relation: Relation
    named_at: datetime
    wish: Wish | None
    not_heard_because: NotHeard | None
    heard_at: datetime | None
    heard_language: str | None
    verified: list[Verified]
    verified_at: datetime | None
    authority: str | None = Field(description="Who signed it off", examples=["pgn"])
    signed_at: datetime | None
    sign_off_valid_until: datetime | None
    sign_off_withdrawn_at: datetime | None
    sign_off_withdrawn_because: Withdrawal | None
    released_at: datetime | None
    released_to_place: str | None
    relative_shown_by: RelativeShown | None
    cancelled_at: datetime | None
    cancelled_because: Cancellation | None


class ReleaseWithWords(ReleaseView):
    """The same with the relative, what the child said, and who did what. Each access is recorded."""

    relative: RelativeTold | None = Field(description="Null once the child's data are erased, like the other words")
    heard_by: str | None
    heard_words: str | None
    sign_off_reference: str | None
    named_by: str
    verified_by: str | None
    signed_by: str | None
    released_by: str | None
