"""Bodies and views of consents and of the safe contact."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from pydantic import BaseModel, Field

from libs.events.catalogue.arrivals import SafeContactTold
from libs.events.catalogue.consents import ConsentElements, ConsentGiven, NamedConsentGiven, OrganizationName
from libs.events.codes import ConsentPurpose, ContactChannel, RecipientClass
from libs.events.people_codes import AddressOwner
from libs.wire.values import Flag
from services.registration.consent.rules.consents import ConsentMethod, GivenBy, recipient_key
from services.registration.consent.rules.contacts import ContactState


class ConsentTold(ConsentGiven):
    """A consent as sent by REST: fields that state a decision of the person have no default."""

    given_by: GivenBy
    """Who gave it."""
    revocation_explained: Flag
    """True if the person was told how to withdraw it."""


class NamedConsentTold(NamedConsentGiven):
    """A consent for one organisation as sent by REST: fields that state a decision of the person have no default."""

    given_by: GivenBy
    """Who gave it."""
    revocation_explained: Flag
    """True if the person was told how to withdraw it."""


class AnyConsentTold(ConsentElements):
    """A consent as sent by REST, for a recipient class or for one organisation: exactly one of the two."""

    recipient_class: RecipientClass | None = None
    """All organisations of this class; omitted if the consent is for one organisation."""
    recipient_organization_id: UUID | None = None
    """The only organisation that it is for, by its id in the directory."""
    recipient_name: OrganizationName | None = None
    """With `recipient_organization_id`: its name, as it was read to the person. The receipt shows it."""
    given_by: GivenBy
    """Who gave it."""
    revocation_explained: Flag
    """True if the person was told how to withdraw it."""


class Recipient(NamedTuple):
    """Who may get the data: a class, or one organisation with the name that was read to the person."""

    recipient_class: RecipientClass | None
    organization_id: UUID | None
    name: str | None

    @property
    def key(self) -> str:
        """The recipients in pointers."""
        return recipient_key(self.recipient_class, self.organization_id)


def recipient_of(body: ConsentElements) -> Recipient:
    """The recipients of a consent in whichever form it was told."""
    if isinstance(body, NamedConsentGiven):
        return Recipient(None, body.recipient_organization_id, body.recipient_name)
    if isinstance(body, AnyConsentTold):
        return Recipient(body.recipient_class, body.recipient_organization_id, body.recipient_name)
    assert isinstance(body, ConsentGiven), "a consent names its recipients"
    return Recipient(body.recipient_class, None, None)


@dataclass(frozen=True, slots=True)
class NewConsent:
    """A consent to record, of a person whose row is locked or new."""

    returnee_id: UUID
    body: ConsentElements
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
    recipient_class: RecipientClass | None = Field(description="Null if it is for one organisation")
    recipient_organization_id: UUID | None = Field(default=None, description="The only organisation that it is for")
    recipient_name: str | None = Field(
        default=None, description="The name of the organisation, as it was read to the person"
    )
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


class ContactElements(BaseModel):
    """A safe way to reach a person, with the conditions under which it is safe."""

    channel: ContactChannel
    address: str | None = Field(examples=["+50251234567"])
    address_owner: AddressOwner | None = Field(description="Whose it is; null if it was not stated")
    code_word: str | None = Field(
        examples=["zanate"], description="What you must say first; null if the person wants no code word"
    )
    may_name_organization: bool = Field(description="Whether you may say from which organisation you call")
    language: str | None = Field(description="Null if it was not stated")
    hours_from: int | None = Field(description="Null if it was not stated: ask before you rely on any hour")
    hours_until: int | None
    may_leave_message: bool
    expires_at: datetime | None = Field(
        description="Do not use it from this time on; null if the person must not be contacted"
    )


class SafeContactView(ContactElements):
    """A safe way to reach a person; each access is recorded."""

    confirmed_at: datetime
    version: int


class ContactStateView(BaseModel):
    """Whether a safe contact is known, without the contact."""

    state: ContactState = Field(
        description="`missing` or `ended`: ask the person. `nobody`: the person must not be contacted"
    )
    expires_at: datetime | None
