"""What each service that keeps a record of access tells of its seals, so that nobody can rewrite it unnoticed.

Nobody subscribes: auditors read the topics, under rights of their own. Each service has its topic, because one topic
has one writer.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from libs.events.codes import Version
from libs.events.event import Event
from libs.wire.values import Moment

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""32 bytes in hexadecimal digits."""


class AuditSealed(Event):
    """One seal over the record of who read or wrote personal data, as it stands in the service's database."""

    type: ClassVar[str] = "audit.sealed.v1"
    key_field: ClassVar[str] = "service"

    seal_id: Version
    """Its number, from 1 without gaps."""
    from_transaction: Version
    """The first transaction whose entries it may cover."""
    up_to_transaction: Version
    """Before which transaction it ends."""
    entries_count: Version
    """How many entries it covers."""
    last_entry_id: Version
    """The highest id of an entry that it covers."""
    previous_hash: Digest
    """The hash of the seal before."""
    hash: Digest
    """The hash after its entries."""
    mac: Digest
    """Keyed hash of the seal: who owns the database, but not the key, cannot make it."""
    at: Moment
    """When it was made, on the installation's clock."""


class RegistrationAuditSealed(AuditSealed):
    """One seal over registration's record of access."""

    topic: ClassVar[str] = "enlace.registration-audit"

    service: Literal["registration"] = "registration"
    """Whose record it is."""


class ReferralAuditSealed(AuditSealed):
    """One seal over referral's record of access."""

    topic: ClassVar[str] = "enlace.referral-audit"

    service: Literal["referral"] = "referral"
    """Whose record it is."""


EVENTS: tuple[type[Event], ...] = (RegistrationAuditSealed, ReferralAuditSealed)
