"""The view of the record of access, for the person or for those who answer the person."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from services.registration.audit.rules import AccessKind, AccessPurpose


class AccessView(BaseModel):
    """One read or write of a person's data."""

    at: datetime
    kind: AccessKind
    action: str = Field(examples=["packet.read"])
    who: str = Field(description="Subject of the token, or source of the event", examples=["casa-del-migrante"])
    client_id: str = Field(examples=["casa-del-migrante"])
    organization_id: UUID | None
    purpose: AccessPurpose
    fields: list[str] = Field(
        description="The names of the fields, never their values", examples=[["given_names", "languages"]]
    )
    referral_id: UUID | None
    offer_id: UUID | None
    trace_id: str | None
    acting_as: list[str] = Field(
        description="Roles and desks of the token at that moment; empty if it had none, and in old entries",
        examples=[["desk:child_desk", "role:reception_clerk"]],
    )
