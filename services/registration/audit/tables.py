"""The record of who read or wrote which personal data, and its seals. Both are append-only: triggers refuse changes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Column, Identity, Index, Text, text
from sqlmodel import Field

from libs.chassis.sealed_log import SealedLog
from services.registration.audit.rules import AccessKind, AccessPurpose
from services.registration.database import Table, codes, moment, one_of, sealed


class AuditEntry(Table, table=True):
    """One read or write of one subject's data (domain P19). It contains the names of the fields, never their values."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        one_of("kind", list(AccessKind), name="audit_entry_kind"),
        one_of("purpose", list(AccessPurpose), name="audit_entry_purpose"),
        Index("audit_entry_of_subject", "subject_id", "id"),
        Index("audit_entry_in_order", "transaction_id", "id"),
        # It costs a write next to nothing. The record grows in the order of its times.
        Index(
            "audit_entry_by_time",
            "at",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 32, "autosummarize": "on"},
        ),
    )

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    transaction_id: int = Field(
        sa_column=Column(BigInteger, nullable=False, server_default=text("(pg_current_xact_id()::text::bigint)"))
    )
    """The transaction that wrote it. Entries of all transactions below a snapshot's horizon are final."""
    at: datetime = Field(sa_column=moment())
    subject_id: UUID
    """The returnee; or the arrival batch if its manifest was read or written."""
    kind: str
    action: str
    """The verb, such as `returnee.read`."""
    who: str
    """Subject of the token, or the source of an event."""
    client_id: str
    organization_id: UUID | None = None
    purpose: str
    fields: list[str] = Field(sa_column=codes())
    referral_id: UUID | None = None
    offer_id: UUID | None = None
    trace_id: str | None = None
    acting_as: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text), nullable=True))
    """The roles and desks of the reader at that moment. None if the token had neither, and in older entries."""


class AuditSeal(Table, table=True):
    """One link of the hash chain: covers every entry of the transactions from `from_transaction` to before
    `up_to_transaction`, in the order of transaction and id."""

    __tablename__ = "audit_seal"

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    from_transaction: int = Field(sa_column=Column(BigInteger, nullable=False))
    up_to_transaction: int = Field(sa_column=Column(BigInteger, nullable=False, unique=True))
    entries_count: int
    last_entry_id: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    """The highest id that it covers; None in seals of an older version, like `mac`."""
    previous_hash: bytes = Field(sa_column=sealed(nullable=False))
    hash: bytes = Field(sa_column=sealed(nullable=False))
    sealed_at: datetime = Field(sa_column=moment())
    mac: bytes | None = Field(default=None, sa_column=sealed())
    """The keyed hash of the seal. The key is not in the database."""


AUDIT = SealedLog(
    entries="audit_entry",
    seals="audit_seal",
    covered=(
        "id", "transaction_id", "at", "subject_id", "kind", "action", "who", "client_id", "organization_id", "purpose",
        "fields", "referral_id", "offer_id", "trace_id",
    ),
    covered_later=("acting_as",),
)  # fmt: skip
"""The description of the record for the sealer in the chassis."""
