"""The database of keys: one wrapped data key per subject, and the list of erased subjects."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from services.registration.database import KeyTable, moment, one_of, sealed
from services.registration.vault.rules import SubjectKind


class DataKeyRow(KeyTable, table=True):
    """The wrapped key of one subject. A destroyed key leaves no row here and one in `erased_subject`."""

    __tablename__ = "data_key"
    __table_args__ = (one_of("kind", list(SubjectKind), name="data_key_kind"),)

    subject_id: UUID = Field(primary_key=True)
    kind: str
    wrapped: bytes = Field(sa_column=sealed(nullable=False))
    master_key_id: str
    """The name of the master key that wraps it."""
    created_at: datetime = Field(sa_column=moment())


class ErasedSubject(KeyTable, table=True):
    """A subject whose key has been destroyed. After a restore the erasures on this list are repeated, so that no backup
    brings a person back."""

    __tablename__ = "erased_subject"
    __table_args__ = (one_of("kind", [SubjectKind.PERSON, SubjectKind.MANIFEST], name="erased_subject_kind"),)

    subject_id: UUID = Field(primary_key=True)
    kind: str
    erased_at: datetime = Field(sa_column=moment())
    arrival_key: bytes | None = Field(default=None, sa_column=sealed())
    """For a person, as in the list of the other database; deleted after some days."""
