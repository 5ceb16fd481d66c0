"""The progress of an intake over HTTP. It names nobody."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from libs.events.codes import TransportMode
from services.registration.arrivals.rules import BatchStatus


class BatchProgressView(BaseModel):
    """A flight or bus, and the progress of its intake in numbers."""

    batch_id: UUID
    mode: TransportMode | None
    carrier: str | None = Field(examples=["Sample Air 101"])
    origin: str | None
    reception_place: str | None = Field(examples=["GT01"])
    expected_at: datetime | None
    landed_at: datetime | None
    status: BatchStatus
    people_count: int | None = Field(description="The number of people who arrived; null before landing")
    announced: int = Field(description="The number of people on the manifest")
    registered: int = Field(description="People registered, with those who were not on the manifest")
    absent: int = Field(description="Announced people whom staff have marked absent")
    not_yet_met: int = Field(description="Announced people neither registered nor marked absent")
    returned_again: int = Field(
        description="Registered people who had returned before, as far as staff have merged their records: an outcome"
        " that is counted, and that no rule and no score reads"
    )
    intake_completed_at: datetime | None
