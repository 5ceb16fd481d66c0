"""Consents as senders tell them, and what registration publishes of them."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints

from libs.events.catalogue.parts import LongText, Part, Reference
from libs.events.codes import ConsentPurpose, LanguageCode, RecipientClass
from libs.wire.values import Flag, Moment

OrganizationName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
]


class ConsentElements(Part):
    """The elements that 42 CFR 2.31 and the inter-agency form require of each consent (domain P2), except the
    recipients."""

    purpose: ConsentPurpose
    data_described: LongText
    """Which data may be shared, in the words shown to the person."""
    given_by: Annotated[str, StringConstraints(pattern=r"^(self|guardian|authority)$")] = "self"
    """Who gave it. Required: a consent without it is set aside, and the default is not used."""
    method: Annotated[str, StringConstraints(pattern=r"^(signature|voice|witnessed)$")]
    """How it was given."""
    language: LanguageCode
    """The language in which it was explained."""
    staff_reference: Reference
    """The sender's reference of the member of staff who recorded it."""
    witness_reference: Reference | None = None
    """The sender's reference of another person who heard it. Required if it was given by voice or before a witness: a
    consent without it is set aside."""
    given_at: Moment
    """When it was given."""
    expires_at: Moment
    """When it expires."""
    revocation_explained: Flag = True
    """True if the person was told how to withdraw it. Required: a consent without it is set aside."""


class ConsentGiven(ConsentElements):
    """A consent for all organisations of one class."""

    recipient_class: RecipientClass


class NamedConsentGiven(ConsentElements):
    """A consent for one organisation and for no other."""

    recipient_organization_id: UUID
    """The organisation, by its id in the directory."""
    recipient_name: OrganizationName
    """Its name, as it was read to the person. The receipt of the person shows it."""


class ConsentGrant(BaseModel):
    """One purpose and recipient class that the person allows at present."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    purpose: ConsentPurpose
    recipient_class: RecipientClass
    expires_at: Moment
    """When it expires."""


class NamedConsentGrant(BaseModel):
    """One purpose for which the person allows one organisation to get data at present."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    purpose: ConsentPurpose
    organization_id: UUID
    """The only organisation that it allows."""
    expires_at: Moment
    """When it expires."""
