"""The seals that each service with a record of access publishes, so that a changed record is detected.

No service subscribes to them. Auditors read the topics, and have their own rights for this. Each service has a separate
topic, because a topic has one writer.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from libs.events.codes import Version
from libs.events.event import Event
from libs.wire.values import Moment

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""32 bytes in hexadecimal digits."""


class AuditSealed(Event):
    """One seal over the record of who read or wrote personal data, as in the database of the service."""

    type: ClassVar[str] = "audit.sealed.v1"
    key_field: ClassVar[str] = "service"

    seal_id: Version
    """Its number, from 1 without gaps."""
    from_transaction: Version
    """The first transaction whose entries the seal may cover."""
    up_to_transaction: Version
    """The first transaction that the seal does not cover any more."""
    entries_count: Version
    """How many entries it covers."""
    last_entry_id: Version
    """The highest id of an entry that it covers."""
    previous_hash: Digest
    """The hash of the seal before."""
    hash: Digest
    """The hash after its entries."""
    mac: Digest
    """Keyed hash of the seal: the owner of the database cannot create it without the key."""
    at: Moment
    """When it was created, by the clock of the installation."""


class RegistrationAuditSealed(AuditSealed):
    """One seal over the record of access of registration."""

    topic: ClassVar[str] = "enlace.registration-audit"

    service: Literal["registration"] = "registration"
    """Whose record it is."""


class ReferralAuditSealed(AuditSealed):
    """One seal over the record of access of referral."""

    topic: ClassVar[str] = "enlace.referral-audit"

    service: Literal["referral"] = "referral"
    """Whose record it is."""


EVENTS: tuple[type[Event], ...] = (RegistrationAuditSealed, ReferralAuditSealed)
