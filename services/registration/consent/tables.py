"""Consents and their withdrawals (both append-only), the version of a person's consent, and the safe contact.

The reference of the staff member who took a consent may contain any text, so it is sealed under the person's key.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from libs.events.codes import ConsentPurpose, ContactChannel, RecipientClass
from libs.events.people_codes import AddressOwner
from services.registration.consent.rules.consents import ConsentMethod, GivenBy
from services.registration.database import Table, moment, one_of, sealed
from services.registration.vault.sealing import DataKey


class Consent(Table, table=True):
    """One consent with its nine elements (domain P2): discloser, recipients, subject, purpose, which data, the right to
    withdraw it, its end, who gave it and how, and when. A trigger refuses every change except an erasure and the
    sealing of the reference of the staff member."""

    __tablename__ = "consent"
    __table_args__ = (
        one_of("purpose", list(ConsentPurpose), name="consent_purpose"),
        one_of("recipient_class", list(RecipientClass), name="consent_recipient_class"),
        one_of("given_by", list(GivenBy), name="consent_given_by"),
        one_of("method", list(ConsentMethod), name="consent_method"),
        CheckConstraint("expires_at > given_at", name="consent_ends_after_given"),
        CheckConstraint(
            "num_nonnulls(recipient_class, recipient_organization_id) = 1 OR data_described_sealed IS NULL",
            name="consent_one_recipient",
        ),
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
    recipient_class: str | None = None
    """None if it names one organisation, or did so before the person was erased."""
    recipient_organization_id: UUID | None = None
    recipient_name_sealed: bytes | None = Field(default=None, sa_column=sealed())
    """The name of that organisation, as it was read to the person."""
    data_described_sealed: bytes | None = Field(sa_column=sealed())
    """None after the person is erased."""
    given_by: str
    method: str
    language: str
    staff_reference: str = ""
    """Empty after it is sealed or the person is erased."""
    staff_reference_sealed: bytes | None = Field(default=None, sa_column=sealed())
    """None while it is in clear, as older versions wrote it, and after the person is erased."""
    witness_reference_sealed: bytes | None = Field(default=None, sa_column=sealed())
    """Who heard a consent that was spoken; None for others, for older ones, and after the person is erased."""
    revocation_explained: bool
    given_at: datetime = Field(sa_column=moment())
    expires_at: datetime = Field(sa_column=moment())
    recorded_at: datetime = Field(sa_column=moment())


class ConsentWithdrawal(Table, table=True):
    """The withdrawal of a consent, without a reason. It is never changed."""

    __tablename__ = "consent_withdrawal"

    consent_id: UUID = Field(primary_key=True, foreign_key="consent.id")
    withdrawn_at: datetime = Field(sa_column=moment())
    recorded_by: str


class ConsentState(Table, table=True):
    """The number of changes of a person's consents: the version of `consent.changed`."""

    __tablename__ = "consent_state"

    returnee_id: UUID = Field(primary_key=True, foreign_key="returnee.id")
    version: int


class SafeContact(Table, table=True):
    """A safe way to reach a person (domain P9). The address is sealed under the person's key."""

    __tablename__ = "safe_contact"
    __table_args__ = (
        one_of("channel", list(ContactChannel), name="safe_contact_channel"),
        CheckConstraint("hours_from BETWEEN 0 AND 23 AND hours_until BETWEEN 1 AND 24", name="safe_contact_hours"),
        CheckConstraint("hours_until > hours_from", name="safe_contact_hours_in_order"),
        CheckConstraint("(channel = 'none') = (address_sealed IS NULL)", name="safe_contact_address"),
        one_of("address_owner", list(AddressOwner), name="safe_contact_address_owner"),
        CheckConstraint("channel <> 'none' OR expires_at IS NULL", name="safe_contact_nobody_has_no_end"),
    )

    returnee_id: UUID = Field(primary_key=True, foreign_key="returnee.id")
    version: int
    channel: str
    address_sealed: bytes | None = Field(default=None, sa_column=sealed())
    language: str | None = None
    """None if it was not stated; the same applies to the hours."""
    hours_from: int | None = None
    hours_until: int | None = None
    may_leave_message: bool
    confirmed_at: datetime = Field(sa_column=moment())
    """When the person last said that this is safe."""
    address_owner: str | None = None
    code_word_sealed: bytes | None = Field(default=None, sa_column=sealed())
    may_name_organization: bool = Field(default=False, sa_column_kwargs={"server_default": text("FALSE")})
    expires_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """The end that was told. None: `retention.safe_contact_days` of the pack count from the confirmation."""


def sealed_reference(told: str, key: DataKey) -> bytes:
    """The reference in the form that the table stores."""
    return key.seal(told, table="consent", column="staff_reference")


def staff_reference(sealed: bytes | None, in_clear: str, key: DataKey) -> str:
    """The decrypted reference, or the one in clear that an older version wrote; `VaultError` if it cannot be
    decrypted."""
    return in_clear if sealed is None else key.open(sealed, table="consent", column="staff_reference")
