"""The database of keys: one wrapped data key per subject, and the list of the erased."""

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
    """Which master key wraps it."""
    created_at: datetime = Field(sa_column=moment())


class ErasedSubject(KeyTable, table=True):
    """Whose key has been destroyed: every restore replays this list, so that no backup brings a person back."""

    __tablename__ = "erased_subject"
    __table_args__ = (one_of("kind", [SubjectKind.PERSON, SubjectKind.MANIFEST], name="erased_subject_kind"),)

    subject_id: UUID = Field(primary_key=True)
    kind: str
    erased_at: datetime = Field(sa_column=moment())
    arrival_key: bytes | None = Field(default=None, sa_column=sealed())
    """Of a person, as in the other database's list; forgotten after days."""
