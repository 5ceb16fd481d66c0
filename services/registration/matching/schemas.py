"""Bodies and views of matches and of the arrivals of one person."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.events.codes import Sex
from services.registration.matching.rules import DifferentReason, MatchBand, MatchStatus, MergeReason
from services.registration.people.schemas import IdentityView


class Body(BaseModel):
    """Base of request bodies. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class MergeBody(Body):
    """Two records are one person: which record continues, and how that is known."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"into": "01956f00-0000-7000-8000-000000000001", "reason": "document_seen"}]},
    )

    into: UUID = Field(description="The record that continues: one of the two")
    reason: MergeReason


class DifferentBody(Body):
    """Two records are two people, or a merge was wrong: how that is known."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "relatives"}]})

    reason: DifferentReason


class PersonOfMatch(BaseModel):
    """One of the two people. Of a person whom the caller may not see, only the day and the place are shown."""

    registered_on: date
    reception_place: str | None = Field(examples=["GT01"])
    returnee_id: UUID | None = Field(description="Null, like all below, if you may not see this person")
    case_code: str | None = Field(examples=["GT-7K3M-9QXC"])
    arrived_at: datetime | None
    version: int | None = Field(description="The version of the record, for `If-Match`")
    merged: bool | None = Field(description="Whether the person continues under another record")


class MatchView(BaseModel):
    """Two records that may be one person."""

    id: UUID
    version: int
    status: MatchStatus
    band: MatchBand = Field(description="`same`: almost certainly one person; `review`: it has to be looked at")
    weight: float | None = Field(description="How much speaks for one person; null if you may not see both")
    reasons: list[str] = Field(
        description="What agrees and what does not, as codes; empty if you may not see both",
        examples=[["document_number.exact"]],
    )
    found_at: datetime
    can_be_decided: bool = Field(description="Whether you may see both people, and so decide")
    people: list[PersonOfMatch]


class ComparedPerson(PersonOfMatch):
    """One of the two people, to compare them."""

    identity: IdentityView | None
    sex: Sex | None
    destination: str | None


class ComparedMatch(MatchView):
    """A match with the identity of the people whom the caller may see. Each access is recorded."""

    people: list[ComparedPerson]  # type: ignore[assignment]  # narrower


class MatchesOfPerson(BaseModel):
    """Who may be the same person."""

    compared: bool = Field(description="False if facts of the person have just changed: ask again")
    items: list[MatchView]


class ArrivalOfPerson(BaseModel):
    """One arrival of a person: one dated return."""

    returnee_id: UUID
    case_code: str = Field(examples=["GT-7K3M-9QXC"])
    arrived_at: datetime
    reception_place: str | None = Field(examples=["GT01"])
    arrival_batch_id: UUID | None
    merged: bool = Field(description="Whether the person continues under another of these records")


class ArrivalsOfPerson(BaseModel):
    """The arrivals of a person that the caller may see, newest first."""

    items: list[ArrivalOfPerson]
