"""Devices, the operations that were taken in from them, and the conflicts that wait for a person."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from services.registration.database import Table, moment, one_of, sealed
from services.registration.sync.rules import ConflictKind, Held, Outcome, ResolutionReason, Settled

_STORED = [Outcome.DONE, Outcome.UNCHANGED, Outcome.SUPERSEDED, Outcome.CONFLICT]


class SyncDevice(Table, table=True):
    """A device of an organisation, or of the network's reception. Its row is locked while one operation is taken in."""

    __tablename__ = "sync_device"
    __table_args__ = (Index("sync_device_seen", "seen_at"),)

    owner: UUID = Field(primary_key=True)
    """The organisation of the caller; the nil UUID for the reception of the network."""
    device_id: UUID = Field(primary_key=True)
    last_sequence: int = Field(sa_column=Column(BigInteger, nullable=False))
    """The highest sequence number that was taken in."""
    last_at: datetime = Field(sa_column=moment())
    """The time of that operation by our clock: later operations are never earlier."""
    seen_at: datetime = Field(sa_column=moment())


class SyncOperation(Table, table=True):
    """An operation that was taken in, with its result. A refused one has no row: sent again, it is judged again."""

    __tablename__ = "sync_operation"
    __table_args__ = (
        one_of("outcome", _STORED, name="sync_operation_outcome"),
        UniqueConstraint("owner", "device_id", "sequence", name="sync_operation_in_sequence"),
        Index(
            "sync_operation_person",
            "owner",
            "client_person_id",
            unique=True,
            postgresql_where=text("client_person_id IS NOT NULL"),
        ),
        Index("sync_operation_done", "done_at"),
        Index("sync_operation_of_returnee", "returnee_id"),
    )

    owner: UUID = Field(primary_key=True)
    device_id: UUID = Field(primary_key=True)
    operation_id: UUID = Field(primary_key=True)
    sequence: int = Field(sa_column=Column(BigInteger, nullable=False))
    kind: str
    fingerprint: bytes | None = Field(default=None, sa_column=sealed())
    """A keyed hash of the whole operation: the same id with other content is another operation. None once the person is
    erased."""
    client_person_id: UUID | None = None
    """The id that the device made for the person whom it registered."""
    returnee_id: UUID | None = Field(default=None, foreign_key="returnee.id")
    created_id: UUID | None = None
    """The need, consent, household or exclusion that was created."""
    outcome: str
    superseded: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    """The fields, as JSON pointers, that had changed later than the device changed them."""
    conflict_ids: list[UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))
    done_at: datetime = Field(sa_column=moment())


class SyncConflict(Table, table=True):
    """Two changes of one field, of which neither knew the other. Both values are sealed under the person's key.

    A field of safety or consent waits for a person, and meanwhile the safer value holds. Of other fields the last
    change counts, and the value that lost is kept for some days.
    """

    __tablename__ = "sync_conflict"
    __table_args__ = (
        one_of("kind", list(ConflictKind), name="sync_conflict_kind"),
        one_of("held", list(Held), name="sync_conflict_held"),
        one_of("resolution", list(Settled), name="sync_conflict_resolution"),
        one_of("reason", list(ResolutionReason), name="sync_conflict_reason"),
        CheckConstraint("(resolved_at IS NULL) = (resolution IS NULL)", name="sync_conflict_resolved"),
        Index("sync_conflict_open", "id", postgresql_where=text("resolved_at IS NULL")),
        Index("sync_conflict_of_returnee", "returnee_id", "id"),
        Index("sync_conflict_resolved_at", "resolved_at", postgresql_where=text("resolved_at IS NOT NULL")),
    )

    id: UUID = Field(primary_key=True)
    returnee_id: UUID = Field(foreign_key="returnee.id")
    kind: str
    field: str
    """A JSON pointer, such as `/profile/protection_flags`."""
    held: str
    """Which value holds until somebody decides."""
    stored_sealed: bytes | None = Field(default=None, sa_column=sealed())
    """What was stored when the device told something else; JSON."""
    told_sealed: bytes | None = Field(default=None, sa_column=sealed())
    """What the device told; JSON."""
    other_returnee_id: UUID | None = Field(default=None, foreign_key="returnee.id")
    """Who was registered before for the same entry of a manifest."""
    device_id: UUID
    operation_id: UUID
    made_at: datetime = Field(sa_column=moment())
    found_at: datetime = Field(sa_column=moment())
    version: int
    resolution: str | None = None
    reason: str | None = None
    resolved_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    resolved_by: str | None = None
