"""Arrival batches."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from libs.events.codes import TransportMode
from services.registration.arrivals.rules import BatchStatus
from services.registration.database import Table, moment, one_of, sealed


class ArrivalBatch(Table, table=True):
    """A flight or bus: known from its announcement, its landing, or the first person who names it.

    What its sender calls it, who carries it and from where are sealed (`arrivals.references`).
    """

    __tablename__ = "arrival_batch"
    __table_args__ = (
        UniqueConstraint("source", "sender_reference", name="arrival_batch_of_sender"),
        Index(
            "arrival_batch_by_key",
            "reference_key",
            unique=True,
            postgresql_where=text("reference_key IS NOT NULL"),
        ),
        Index(
            "arrival_batch_in_clear",
            "id",
            postgresql_where=text("sender_reference IS NOT NULL OR carrier IS NOT NULL OR origin IS NOT NULL"),
        ),
        CheckConstraint("reference_key IS NOT NULL OR sender_reference IS NOT NULL", name="arrival_batch_has_a_name"),
        CheckConstraint("(reference_key IS NULL) = (words_sealed IS NULL)", name="arrival_batch_words_with_key"),
        one_of("status", list(BatchStatus), name="arrival_batch_status"),
        one_of("mode", list(TransportMode), name="arrival_batch_mode"),
        CheckConstraint("people_count >= 0", name="arrival_batch_people_count"),
        CheckConstraint("registered_count >= 0", name="arrival_batch_registered_count"),
        CheckConstraint(
            "status NOT IN ('landed', 'intake_completed') OR (landed_at IS NOT NULL AND people_count IS NOT NULL "
            "AND mode IS NOT NULL AND reception_place IS NOT NULL)",
            name="arrival_batch_landed",
        ),
        Index("arrival_batch_by_status", "status", "id"),
        Index("arrival_batch_manifest_due", "manifest_until", postgresql_where=text("manifest_until IS NOT NULL")),
    )

    id: UUID = Field(primary_key=True)
    source: str
    reference_key: bytes | None = Field(default=None, sa_column=sealed())
    """A keyed hash of source and reference; None while these stand in clear, as a process of before wrote them."""
    words_sealed: bytes | None = Field(default=None, sa_column=sealed())
    sender_reference: str | None = None
    """None once it is sealed, as with carrier and origin."""
    organization_id: UUID | None = None
    status: str
    mode: str | None = None
    carrier: str | None = None
    origin: str | None = None
    reception_place: str | None = None
    expected_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    landed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    people_count: int | None = None
    registered_count: int = 0
    intake_completed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    manifest_until: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """When the key of its manifest will be destroyed; None while there is none."""
    manifest_aged_out_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    announced_as_of: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """When the newest announcement was told: one that was told before it and comes after it changes nothing."""
    landed_as_of: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """When the newest landing was told."""
    version: int = 1
    traceparent: str | None = None
    created_at: datetime = Field(sa_column=moment())
