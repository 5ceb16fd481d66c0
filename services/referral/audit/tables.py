"""The record of who read or changed which person's data, and its seals. Triggers refuse any change of either."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, Identity, Index, LargeBinary, Text, Uuid, text
from sqlmodel import Field

from libs.chassis.sealed_log import SealedLog
from services.referral.audit.rules import AccessKind, AccessPurpose
from services.referral.database import Table, array_of, is_one_of, moment


class AccessEntryRow(Table, table=True):
    """One request's read or write (domain P19): of one person, or of all people on a page."""

    __tablename__ = "access_entry"
    __table_args__ = (
        CheckConstraint(is_one_of("kind", AccessKind), name="kind"),
        CheckConstraint(is_one_of("purpose", AccessPurpose), name="purpose"),
        CheckConstraint("cardinality(returnee_ids) = cardinality(record_ids)", name="pairs"),
        Index("ix_access_entry_returnee_ids", "returnee_ids", postgresql_using="gin"),
        Index("ix_access_entry_in_order", "transaction_id", "id"),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    transaction_id: int = Field(
        sa_column=Column(BigInteger, nullable=False, server_default=text("(pg_current_xact_id()::text::bigint)"))
    )
    """The transaction that wrote it. When all transactions up to a number have ended, their entries are final."""
    at: datetime = moment()
    kind: str
    action: str
    """The name of the route, such as `read_journey`."""
    who: str
    """Subject of the token."""
    client_id: str
    organization_id: UUID | None = None
    purpose: str
    fields: list[str] = array_of()
    """The names of the fields that were shown, never their values."""
    restricted: bool
    """True if the records are of restricted categories. Then only callers that may see these can see the entry."""
    returnee_ids: list[UUID] = Field(sa_column=Column(ARRAY(Uuid()), nullable=False))
    """The people whose data were shown. The index finds all accesses to the data of one person."""
    record_ids: list[UUID] = Field(sa_column=Column(ARRAY(Uuid()), nullable=False))
    """For each person the record that was shown or changed: a need, referral, offer, review, or the returnee."""
    trace_id: str | None = None
    acting_as: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text()), nullable=True))
    """The roles and desks of the reader at that moment. None if the token had neither, and in older entries."""


class AccessSealRow(Table, table=True):
    """One link of the hash chain, over all entries of a range of transactions."""

    __tablename__ = "access_seal"

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    from_transaction: int = Field(sa_column=Column(BigInteger, nullable=False))
    up_to_transaction: int = Field(sa_column=Column(BigInteger, nullable=False, unique=True))
    entries_count: int
    last_entry_id: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    """The highest id that the seal covers. None in seals of an older version, as is `mac`."""
    previous_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sealed_at: datetime = moment()
    mac: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    """A keyed hash of the seal. The key is not in the database."""


AUDIT = SealedLog(
    entries="access_entry",
    seals="access_seal",
    covered=(
        "id", "transaction_id", "at", "kind", "action", "who", "client_id", "organization_id", "purpose", "fields",
        "restricted", "returnee_ids", "record_ids", "trace_id",
    ),
    covered_later=("acting_as",),
)  # fmt: skip
"""The description of the record for the sealer in `libs/chassis`."""
