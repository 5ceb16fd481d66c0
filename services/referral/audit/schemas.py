"""The view of the record of access, for the person or for staff who act for them."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from services.referral.audit.rules import AccessKind, AccessPurpose


class AccessView(BaseModel):
    """One read or write of the data that referral has about a person."""

    at: datetime
    kind: AccessKind
    action: str = Field(examples=["read_journey"])
    who: str = Field(description="Subject of the token", examples=["igm-shelter-desk"])
    client_id: str = Field(examples=["igm-shelter-desk"])
    organization_id: UUID | None = Field(description="The provider; null for staff of the network")
    purpose: AccessPurpose
    fields: list[str] = Field(
        description="The names of the fields, never their values", examples=[["case_code", "status"]]
    )
    record_ids: list[UUID] = Field(description="Which data of this person were shown or changed")
    trace_id: str | None
    acting_as: list[str] = Field(
        description="Roles and desks of the token at that moment; empty if it had none, and in old entries",
        examples=[["desk:conamigua", "role:lead_desk"]],
    )
