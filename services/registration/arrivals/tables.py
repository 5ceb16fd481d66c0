"""Arrival batches, with the sender's reference, the carrier and the place of departure.

These words are sealed; a keyed hash of the sender's reference finds the batch.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from libs.events.codes import TransportMode
from services.registration.arrivals.rules import BatchStatus, CancelReason
from services.registration.database import Table, moment, one_of, sealed
from services.registration.vault.sealing import MasterKey


class ArrivalBatch(Table, table=True):
    """A flight or bus. It is known from its announcement, its landing, or the first person who names it.

    The sender's reference, the carrier and the place of departure are sealed (`arrivals.references`).
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
        one_of("cancelled_because", list(CancelReason), name="arrival_batch_cancelled_because"),
        CheckConstraint(
            "(cancelled_at IS NULL) = (cancelled_because IS NULL) AND (cancelled_at IS NULL OR landed_at IS NULL)",
            name="arrival_batch_cancelled",
        ),
        CheckConstraint("people_count >= 0", name="arrival_batch_people_count"),
        CheckConstraint("registered_count >= 0", name="arrival_batch_registered_count"),
        CheckConstraint(
            "status NOT IN ('landed', 'intake_completed') OR (landed_at IS NOT NULL AND people_count IS NOT NULL "
            "AND mode IS NOT NULL AND reception_place IS NOT NULL)",
            name="arrival_batch_landed",
        ),
        Index("arrival_batch_by_status", "status", "id"),
        Index("arrival_batch_completed", "landed_at", postgresql_where=text("status = 'intake_completed'")),
        Index("arrival_batch_manifest_due", "manifest_until", postgresql_where=text("manifest_until IS NOT NULL")),
    )

    id: UUID = Field(primary_key=True)
    source: str
    reference_key: bytes | None = Field(default=None, sa_column=sealed())
    """A keyed hash of source and reference. None while these are in clear, as older versions wrote them."""
    words_sealed: bytes | None = Field(default=None, sa_column=sealed())
    sender_reference: str | None = None
    """None after it is sealed; the same applies to carrier and origin."""
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
    """When the key of its manifest will be destroyed; None if there is no manifest."""
    manifest_aged_out_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    announced_as_of: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """The time of the newest announcement. An announcement that is older and arrives after it changes nothing."""
    landed_as_of: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """The time of the newest message about the landing."""
    cancelled_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """When it was reported that it does not come; None again after it is announced again or lands."""
    cancelled_because: str | None = None
    diverted_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    diverted_from: str | None = None
    """The reception place that expected it before."""
    version: int = 1
    traceparent: str | None = None
    created_at: datetime = Field(sa_column=moment())


_PLACE = {"table": "arrival_batch", "column": "words"}


@dataclass(frozen=True, slots=True)
class Words:
    """The sender's reference of a batch, its carrier and its place of departure."""

    sender_reference: str
    carrier: str | None = None
    origin: str | None = None


def reference_key(master: MasterKey, source: str, reference: str) -> bytes:
    """The keyed hash that finds a batch."""
    return master.blind("arrival_batch", source, reference)


def sealed_words(words: Words, master: MasterKey, *, batch_id: UUID) -> bytes:
    """The words in the form that the table stores."""
    return master.seal_words(json.dumps(asdict(words)), **_PLACE, row_id=batch_id)


def words_of(row: ArrivalBatch | Mapping[str, Any], master: MasterKey) -> Words:
    """The words of a batch; `VaultError` if they cannot be decrypted.

    If a row has both sealed words and words in clear, those in clear are newer. They were written by a process of an
    older version, which does not know the sealed ones.
    """
    told = row.model_dump() if isinstance(row, ArrivalBatch) else row
    sealed = told["words_sealed"]
    opened = {} if sealed is None else json.loads(master.open_words(sealed, **_PLACE, row_id=told["id"]))
    in_clear = {name: told[name] for name in Words.__slots__ if told[name] is not None}
    return Words(**(opened | in_clear))


def keep_words(row: ArrivalBatch, words: Words, master: MasterKey) -> None:
    """Seal the words into the locked row.

    A reference in clear stays until `arrivals.loop` removes it. Its column belongs to a unique key, so a change would
    wait for every transaction that registers people in the batch, and those transactions wait for this row.
    """
    row.reference_key = reference_key(master, row.source, words.sender_reference)
    row.words_sealed = sealed_words(words, master, batch_id=row.id)
    row.carrier = row.origin = None
