"""Bodies and views of consents and of the safe contact."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from libs.events.catalogue.arrivals import ConsentGiven, SafeContactTold
from libs.events.codes import ConsentPurpose, ContactChannel, RecipientClass
from libs.wire.values import Flag
from services.registration.consent.rules import ConsentMethod, GivenBy


class ConsentTold(ConsentGiven):
    """A consent as sent by REST: fields that state a decision of the person have no default."""

    given_by: GivenBy
    """Who gave it."""
    revocation_explained: Flag
    """True if the person was told how to withdraw it."""


@dataclass(frozen=True, slots=True)
class NewConsent:
    """A consent to record, of a person whose row is locked or new."""

    returnee_id: UUID
    body: ConsentGiven
    discloser: str
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class NewSafeContact:
    """A safe contact to record, of a person whose row is locked or new."""

    returnee_id: UUID
    body: SafeContactTold
    traceparent: str | None


class ConsentView(BaseModel):
    """A consent with its nine elements, and when it was withdrawn."""

    id: UUID
    discloser: str = Field(description="Who may share the data")
    purpose: ConsentPurpose
    recipient_class: RecipientClass
    data_described: str = Field(examples=["My identity, my needs and how to reach me safely."])
    given_by: GivenBy
    method: ConsentMethod
    language: str
    staff_reference: str
    witness_reference: str | None = Field(default=None, description="Who heard a consent that was spoken")
    revocation_explained: bool
    given_at: datetime
    expires_at: datetime
    recorded_at: datetime
    withdrawn_at: datetime | None
    standing: bool = Field(description="Whether it is valid now: neither withdrawn nor expired")


class SafeContactView(BaseModel):
    """A safe way to reach a person; each access is recorded."""

    channel: ContactChannel
    address: str | None = Field(examples=["+50251234567"])
    language: str | None = Field(description="Null if it was not stated")
    hours_from: int | None = Field(description="Null if it was not stated: ask before you rely on any hour")
    hours_until: int | None
    may_leave_message: bool
    confirmed_at: datetime
    version: int
