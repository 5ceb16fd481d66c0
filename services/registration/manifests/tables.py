"""The people who are announced with an arrival batch."""

from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from libs.events.codes import Sex
from services.registration.database import Table, one_of, sealed
from services.registration.manifests.rules import AbsenceReason, EntryStatus


class ManifestEntry(Table, table=True):
    """A person who is announced and whom staff have not met yet. The data are sealed under the batch's key and deleted
    as soon as the person is registered."""

    __tablename__ = "manifest_entry"
    __table_args__ = (
        UniqueConstraint("arrival_batch_id", "entry_key", name="manifest_entry_of_sender"),
        one_of("status", list(EntryStatus), name="manifest_entry_status"),
        one_of("sex", list(Sex), name="manifest_entry_sex"),
        one_of("absent_because", list(AbsenceReason), name="manifest_entry_absent_because"),
        CheckConstraint("(status = 'registered') = (returnee_id IS NOT NULL)", name="manifest_entry_registered"),
        Index("manifest_entry_of_batch", "arrival_batch_id", "id"),
        Index("manifest_entry_open", "arrival_batch_id", postgresql_where=text("status = 'expected'")),
    )

    id: UUID = Field(primary_key=True)
    arrival_batch_id: UUID = Field(foreign_key="arrival_batch.id")
    entry_key: bytes | None = Field(default=None, sa_column=sealed())
    """The keyed hash of the batch and the sender's reference of the entry; None after the manifest was deleted because
    of its age."""
    status: str
    returnee_id: UUID | None = Field(default=None, foreign_key="returnee.id")
    absent_because: str | None = None
    """Of an absent person; it stays if they come after all."""
    sex: str
    nationality: str | None = None
    sender_reference_sealed: bytes | None = Field(default=None, sa_column=sealed())
    given_names_sealed: bytes | None = Field(default=None, sa_column=sealed())
    family_names_sealed: bytes | None = Field(default=None, sa_column=sealed())
    birth_date_sealed: bytes | None = Field(default=None, sa_column=sealed())
