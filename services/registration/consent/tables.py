"""Consents and their withdrawals (both append-only), the version of a person's consent, and the safe contact.

The reference of the staff member who took a consent may hold any text: it is sealed under the person's key.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from libs.events.codes import ConsentPurpose, ContactChannel, RecipientClass
from services.registration.consent.rules import ConsentMethod, GivenBy
from services.registration.database import Table, moment, one_of, sealed
from services.registration.vault.sealing import DataKey


class Consent(Table, table=True):
    """One consent with its nine elements (domain P2): discloser, recipients, subject, purpose, which data, the right
    to take it back, its end, who gave it and how, and when. Never changed but by
    erasure, and when the reference of who took it is sealed: a trigger refuses all else."""

    __tablename__ = "consent"
    __table_args__ = (
        one_of("purpose", list(ConsentPurpose), name="consent_purpose"),
        one_of("recipient_class", list(RecipientClass), name="consent_recipient_class"),
        one_of("given_by", list(GivenBy), name="consent_given_by"),
        one_of("method", list(ConsentMethod), name="consent_method"),
        CheckConstraint("expires_at > given_at", name="consent_ends_after_given"),
        CheckConstraint("revocation_explained", name="consent_revocation_explained"),
        CheckConstraint("staff_reference = '' OR staff_reference_sealed IS NULL", name="consent_staff_reference_once"),
        Index("consent_of_returnee", "returnee_id", "id"),
        Index("consent_in_clear", "id", postgresql_where=text("staff_reference <> ''")),
    )

    id: UUID = Field(primary_key=True)
    returnee_id: UUID = Field(foreign_key="returnee.id")
    discloser: str
    """Who may share the data: the client or source that recorded it."""
    purpose: str
    recipient_class: str
    data_described_sealed: bytes | None = Field(sa_column=sealed())
    """None once the person is erased."""
    given_by: str
    method: str
    language: str
    staff_reference: str = ""
    """Empty once it is sealed, or the person erased."""
    staff_reference_sealed: bytes | None = Field(default=None, sa_column=sealed())
    """None while it stands in clear, as a process of before wrote it, and once the person is erased."""
    revocation_explained: bool
    given_at: datetime = Field(sa_column=moment())
    expires_at: datetime = Field(sa_column=moment())
    recorded_at: datetime = Field(sa_column=moment())


class ConsentWithdrawal(Table, table=True):
    """A consent has been taken back, without a reason. Never changed."""

    __tablename__ = "consent_withdrawal"

    consent_id: UUID = Field(primary_key=True, foreign_key="consent.id")
    withdrawn_at: datetime = Field(sa_column=moment())
    recorded_by: str


class ConsentState(Table, table=True):
    """How often the consents of a person have changed: the version of `consent.changed`."""

    __tablename__ = "consent_state"

    returnee_id: UUID = Field(primary_key=True, foreign_key="returnee.id")
    version: int


class SafeContact(Table, table=True):
    """How a person may be reached without harm (domain P9); the address is sealed under the person's key."""

    __tablename__ = "safe_contact"
    __table_args__ = (
        one_of("channel", list(ContactChannel), name="safe_contact_channel"),
        CheckConstraint("hours_from BETWEEN 0 AND 23 AND hours_until BETWEEN 1 AND 24", name="safe_contact_hours"),
        CheckConstraint("hours_until > hours_from", name="safe_contact_hours_in_order"),
        CheckConstraint("(channel = 'none') = (address_sealed IS NULL)", name="safe_contact_address"),
    )

    returnee_id: UUID = Field(primary_key=True, foreign_key="returnee.id")
    version: int
    channel: str
    address_sealed: bytes | None = Field(default=None, sa_column=sealed())
    language: str | None = None
    """None, as with the hours: not told."""
    hours_from: int | None = None
    hours_until: int | None = None
    may_leave_message: bool
    confirmed_at: datetime = Field(sa_column=moment())
    """When the person last said that this is safe."""


def sealed_reference(told: str, key: DataKey) -> bytes:
    """The reference as the table keeps it."""
    return key.seal(told, table="consent", column="staff_reference")


def staff_reference(sealed: bytes | None, in_clear: str, key: DataKey) -> str:
    """The reference again, also where a process of before wrote it in clear; `VaultError` where it does not open."""
    return in_clear if sealed is None else key.open(sealed, table="consent", column="staff_reference")
