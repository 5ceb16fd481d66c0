"""The views of a packet for an accepting provider."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.events.codes import (
    AccessNeed,
    AgeBand,
    DocumentKind,
    IdentityDocumentStatus,
    NeedCategory,
    NeedKind,
    Sex,
)
from libs.events.people_codes import AgeGroup
from services.registration.consent.schemas import ContactElements
from services.registration.packets.rules import GrantFault

EXAMPLE_GRANT = "eyJhbGciOiJFZDI1NTE5In0.eyJpc3MiOiJ1cm46ZW5sYWNlIn0.c2lnbmF0dXJl"  # pragma: allowlist secret


class PacketPerson(BaseModel):
    """The data of a person that the service type needs; everything else is omitted."""

    given_names: str | None = Field(default=None, examples=["Sample Given"])
    family_names: str | None = Field(default=None, examples=["Sample Family"])
    birth_date: date | None = None
    age_band: AgeBand | None = None
    age_group: AgeGroup | None = Field(
        default=None, description="Shown with `age_band`: what was told or decided if the birth date is not known"
    )
    sex: Sex | None = None
    nationality: str | None = None
    identity_document: IdentityDocumentStatus | None = None
    document_number: str | None = None
    documents_held: list[DocumentKind] | None = None
    languages: list[str] | None = None
    destination: str | None = None
    access_needs: list[AccessNeed] | None = None


class PacketView(BaseModel):
    """The packet of one accepted offer. `fields` lists what it may contain; facts that were not stated are null."""

    offer_id: UUID
    referral_id: UUID
    case_code: str = Field(examples=["GT-7K3M-9QXC"])
    category: NeedCategory
    service_type: str
    kind: NeedKind | None = Field(default=None, description="The kind that the service gives")
    people_count: int
    fields: list[str]
    person: PacketPerson
    safe_contact: ContactElements | None = Field(
        default=None, description="Null if none was stated, and from its end on"
    )
    household_members: list[PacketPerson] | None = None
    members_withheld_count: int = Field(
        default=0, description="The number of members without consent to share their data with providers"
    )
    accepted_at: datetime
    closes_at: datetime | None = Field(
        description="The time until which it can be fetched; null while the service runs"
    )
    grant: str = Field(
        default="",
        examples=[EXAMPLE_GRANT],
        description="A signed JWT that says for whom, for what and until when you may use these data",
    )


class GrantBody(BaseModel):
    """The grant of a packet, as it was received."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grant: str = Field(min_length=1, max_length=16_384)


class GrantCheckView(BaseModel):
    """Whether a grant is valid now. The reason contains no fact about the person."""

    offer_id: UUID
    valid: bool
    reason: GrantFault | None = Field(description="Why it is not valid; null if it is valid")
    expires_at: datetime = Field(description="The time after which it is not valid in any case")
    checked_at: datetime


class GrantKey(BaseModel):
    """A public key (RFC 7517, RFC 8037)."""

    kid: str
    kty: str = Field(examples=["OKP"])
    crv: str = Field(examples=["Ed25519"])
    x: str
    use: str = Field(examples=["sig"])
    alg: str = Field(examples=["Ed25519"])


class GrantKeysView(BaseModel):
    """The keys that verify grants (JWK Set), the one that signs now first."""

    keys: list[GrantKey]
