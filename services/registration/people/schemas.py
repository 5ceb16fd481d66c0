"""Bodies and views of returnees."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from libs.events.catalogue.arrivals import AgeTold, DocumentNumber, Identity, Profile, ReturnFacts
from libs.events.codes import (
    AccessNeed,
    AgeBand,
    CountryCode,
    DocumentKind,
    IdentityDocumentStatus,
    LanguageCode,
    PlaceCode,
    ProtectionFlag,
    Sex,
)
from libs.events.people_codes import AgeBasis, AgeGroup, ClientKind
from libs.wire.names import Name
from libs.wire.values import Day

CaseCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}-[2-9A-Z]{4}-[2-9A-Z]{4}$")]


@dataclass(frozen=True, slots=True)
class NewReturnee:
    """A person to register, with all data that decide about the row."""

    id: UUID
    arrival_key: bytes
    manifest_key: bytes | None
    source: str
    sender_reference: str
    organization_id: UUID | None
    arrival_batch_id: UUID | None
    reception_place: str | None
    household_id: UUID | None
    arrived_at: datetime
    today: date
    """The present date at the place of reception, from which the age is calculated."""
    identity: Identity
    profile: Profile
    return_facts: ReturnFacts
    traceparent: str | None


class Body(BaseModel):
    """Base of request bodies. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class IdentityCorrection(Body):
    """The parts of an identity to correct; omitted parts do not change."""

    given_names: Name | None = None
    family_names: Name | None = None
    birth_date: Day | None = None
    document_number: DocumentNumber | None = None


class ProfileCorrection(Body):
    """The parts of the routing profile to set; omitted parts do not change."""

    age: AgeTold | None = None
    client_kind: ClientKind | None = None
    sex: Sex | None = None
    nationality: CountryCode | None = None
    identity_document: IdentityDocumentStatus | None = None
    documents_held: Annotated[list[DocumentKind], Field(max_length=10)] | None = None
    languages: Annotated[list[LanguageCode], Field(min_length=1, max_length=10)] | None = None
    destination: PlaceCode | None = None
    access_needs: Annotated[list[AccessNeed], Field(max_length=10)] | None = None
    protection_flags: Annotated[list[ProtectionFlag], Field(max_length=10)] | None = None
    avoid_places: Annotated[list[PlaceCode], Field(max_length=40)] | None = None
    avoid_organizations: Annotated[list[UUID], Field(max_length=40)] | None = None
    avoid_countries: Annotated[list[CountryCode], Field(max_length=40)] | None = None
    """States of whose authorities and consulates the person is afraid."""


class ReturneeCorrection(Body):
    """Further facts or corrections. For `birth_date`, `document_number` and `destination`, null deletes the value."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"profile": {"languages": ["mam", "spa"], "destination": "GT12"}}]},
    )

    identity: IdentityCorrection = IdentityCorrection()
    profile: ProfileCorrection = ProfileCorrection()
    return_facts: ReturnFacts = ReturnFacts()
    """Only the named facts change; for `kind`, `order` and `mode`, null deletes the value."""
    reception_place: PlaceCode | None = None
    """Only of a person who came without a flight or bus."""

    @model_validator(mode="after")
    def _keeps_what_must_be(self) -> Self:
        for part, clearable in ((self.identity, {"birth_date", "document_number"}), (self.profile, {"destination"})):
            for name in part.model_fields_set - clearable:
                if getattr(part, name) is None:
                    raise ValueError(f"{name} cannot be cleared")
        if "reception_place" in self.model_fields_set and self.reception_place is None:
            raise ValueError("reception_place cannot be cleared")
        return self

    @property
    def pointers(self) -> list[str]:
        """The fields that are told, as JSON pointers."""
        parts = {"identity": self.identity, "profile": self.profile, "return_facts": self.return_facts}
        told = [f"/{name}/{field}" for name, part in parts.items() for field in sorted(part.model_fields_set)]
        return told + (["/reception_place"] if "reception_place" in self.model_fields_set else [])


class ProfileView(BaseModel):
    """The facts that routing may use."""

    age_band: AgeBand
    age_group: AgeGroup
    age_basis: AgeBasis | None = Field(description="Null if only the birth date says it, or nobody has said anything")
    client_kind: ClientKind
    sex: Sex
    nationality: str
    identity_document: IdentityDocumentStatus
    documents_held: list[DocumentKind]
    languages: list[str]
    destination: str | None
    access_needs: list[AccessNeed]
    protection_flags: list[ProtectionFlag]
    avoid_places: list[str]
    avoid_organizations: list[UUID]
    avoid_countries: list[str]


class IdentityView(BaseModel):
    """Who the person is."""

    given_names: str = Field(examples=["Sample Given"])
    family_names: str = Field(examples=["Sample Family"])
    birth_date: date | None
    document_number: str | None


class RegisteredView(BaseModel):
    """A registered returnee without identity: the response to a registration."""

    id: UUID
    case_code: str = Field(examples=["GT-7K3M-9QXC"])
    version: int
    arrival_batch_id: UUID | None
    reception_place: str | None
    household_id: UUID | None
    arrived_at: datetime
    registered_at: datetime
    profile: ProfileView
    return_facts: ReturnFacts
    merged: bool = Field(description="Whether the person continues under another record: see their arrivals")


class ReturneeView(RegisteredView):
    """A returnee with identity; each access is recorded."""

    identity: IdentityView
    sender_reference: str


class ReturneeSearch(Body):
    """Facts about the person to find: a word of at least two letters of the names, a complete document number or a
    case code, and optionally the birth date. Names are compared word by word, without case and accents."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"names": "Sample Family", "birth_date": "1990-05-17"}]}
    )

    names: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)] | None = None
    birth_date: Day | None = None
    document_number: Annotated[str, StringConstraints(min_length=1, max_length=60)] | None = None
    case_code: CaseCode | None = None


class FoundReturnees(BaseModel):
    """The matches, newest first, on one page. There is no next page; search again with more facts instead."""

    items: list[ReturneeView]
    more: bool = Field(description="More people match: search again with more facts about the person")
    next: None = Field(default=None, description="Always null: a search has one page")
