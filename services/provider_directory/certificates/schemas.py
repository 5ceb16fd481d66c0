"""Bodies and views of certificates."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.taxonomy.questions import Code
from libs.wire.values import Day
from services.provider_directory.certificates.rules import HOLDER_MAX, RevocationReason
from services.provider_directory.organizations.schemas import Body, Name

Holder = Annotated[str, StringConstraints(min_length=1, max_length=HOLDER_MAX, pattern=r"^[\x21-\x7e]+$")]


class CertificateBody(Body):
    """A certificate as the steward enters it."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "kind": "protection_screening",
                    "holder": "screener-1",
                    "issuing_body": "National school of public administration (sample)",
                    "valid_from": "2026-01-01",
                    "valid_until": "2027-12-31",
                }
            ]
        },
    )

    kind: Code = Field(description="A kind of `certificates.yaml` of the country pack")
    holder: Holder = Field(
        description="The claim `sub` of the holder's tokens, character by character. It must be no name: give people"
        " subjects that say nothing about them. No blanks"
    )
    organization_id: UUID | None = Field(
        default=None, description="The organisation for which the holder works; null: the network itself"
    )
    issuing_body: Name
    valid_from: Day = Field(description="The first valid day")
    valid_until: Day = Field(description="The last valid day")


class RevocationBody(Body):
    """Why a certificate is not valid any more, from now on."""

    reason: RevocationReason = Field(examples=["left"])


class CertificateView(BaseModel):
    """A certificate. Whether it is valid today is decided where it is needed, at the moment of the act."""

    id: UUID
    kind: str
    holder: str
    organization_id: UUID | None
    issuing_body: str
    valid_from: date
    valid_until: date
    revoked_at: datetime | None
    revocation_reason: RevocationReason | None
    version: int
    created_at: datetime
    changed_at: datetime
