"""The views of a manifest, and a claimed entry."""

from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.events.codes import Sex
from services.registration.manifests.rules import AbsenceReason, EntryStatus


@dataclass(frozen=True, slots=True)
class Claim:
    """A person who arrived and was announced as this entry."""

    arrival_batch_id: UUID
    entry_key: bytes
    returnee_id: UUID


@dataclass(frozen=True, slots=True)
class EntryCounts:
    """The counts of the entries of a manifest."""

    entries_count: int = 0
    open_count: int = 0
    """Neither registered nor marked absent."""
    absent_count: int = 0


class ManifestEntryView(BaseModel):
    """An announced person. Names are shown until the person is registered or the manifest is deleted."""

    id: UUID
    status: EntryStatus
    absent_because: AbsenceReason | None = Field(description="Only of an absent person")
    returnee_id: UUID | None
    sender_reference: str | None
    given_names: str | None = Field(examples=["Sample Given"])
    family_names: str | None = Field(examples=["Sample Family"])
    birth_date: str | None
    sex: Sex
    nationality: str | None


class AbsenceBody(BaseModel):
    """Why an announced person did not arrive."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "left_at_earlier_stop"}]})

    reason: AbsenceReason = AbsenceReason.NOT_STATED
