"""Publish a batch of outbox rows, grouped by partition and in order, and report which of them Kafka has acknowledged.

The partition is chosen by the CRC-32 of the key, as in librdkafka's `consistent` partitioner, because Java's murmur2
takes fifty times as long in Python. Each of our topics has one writer, so the method only has to stay the same.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any
from zlib import crc32

from aiokafka.errors import (
    InvalidTopicError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from libs.events.hash_tree import LEAVES_MAX
from libs.events.kafka import BATCH_BYTES, Acknowledged, BatchBuilder, Producer
from libs.events.messages.envelope import CONTENT_TYPE, SPEC_VERSION, schema_of
from libs.events.observing import metrics
from libs.events.processes.crashpoints import CrashPoint, crashpoint
from libs.events.relaying.leadership import LeadershipLostError
from libs.events.signing import Header, Signer
from libs.events.topics import Topic

HEADERS_BYTES_MAX = 4_096
"""The headers and the framing of one record are never larger than this."""
METADATA_SECONDS = 5.0
TOPIC_ERRORS = (UnknownTopicOrPartitionError, TopicAuthorizationFailedError, InvalidTopicError, PolicyViolationError)
SIZE_ERRORS = (MessageSizeTooLargeError, RecordListTooLargeError)

Row = Any
"""A row of the outbox: id, event_id, topic, key, type, payload, traceparent, tracestate, created_at."""


@dataclass(slots=True)
class Outcome:
    """The result of one batch of rows."""

    acked_ids: list[int] = field(default_factory=list)
    partitions: list[int] = field(default_factory=list)
    offsets: list[int | None] = field(default_factory=list)
    refused_rows: list[tuple[Row, str]] = field(default_factory=list)
    """Rows that Kafka does not accept, each with the reason; they block their key."""
    refused_topics: dict[str, str] = field(default_factory=dict)
    """Topics to which nothing can be written now, with the reason; they block all their keys."""
    error: BaseException | None = None
    """The error because of which the producer must be replaced, if there is one. Rows that are not acknowledged may
    have arrived or not."""

    def acknowledge(self, rows: Sequence[Row], partition: int, base_offset: int) -> None:
        """Note the rows of one acknowledged batch. Kafka returns -1 for a batch that it already had."""
        known = base_offset >= 0
        self.acked_ids.extend([row[0] for row in rows])
        self.partitions.extend([partition] * len(rows))
        self.offsets.extend(range(base_offset, base_offset + len(rows)) if known else [None] * len(rows))


class Publisher:
    """Sends rows through one producer, and is replaced together with it."""

    def __init__(
        self, producer: Producer, *, source: str, topics: Mapping[str, Topic], signer: Signer | None = None
    ) -> None:
        self._producer = producer
        self._topics = topics
        self._signer = signer
        self._partition_counts: dict[str, int] = {}
        self._fixed: dict[tuple[str, str], tuple[tuple[str, bytes], ...]] = {}
        self._source = source.encode()
        self._rows_max: dict[tuple[str, int], int] = {}
        self._signed = frozenset(name for name, topic in topics.items() if topic.writer is not None)
        self._moment: datetime | None = None
        self._moment_text = b""
        self._may_send: Callable[[], bool] = lambda: True

    async def publish(
        self, rows: Sequence[Row], *, timeout_seconds: float, may_send: Callable[[], bool] = lambda: True
    ) -> Outcome:
        """Send rows, which are in the order of their ids, and wait until each is acknowledged, refused or timed out.

        `may_send` is called before every batch. If it returns false, nothing more is sent, and the error of the outcome
        is a `LeadershipLostError`.
        """
        self._may_send = may_send
        outcome = Outcome()
        groups = await self._grouped(rows, outcome)
        tasks = [
            asyncio.create_task(self._send(topic, partition, group, outcome))
            for (topic, partition), group in groups.items()
        ]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=timeout_seconds)
            if late:
                outcome.error = TimeoutError("Kafka did not acknowledge in time")
                for task in late:
                    task.cancel()
                await asyncio.gather(*late, return_exceptions=True)
        return outcome

    async def _grouped(self, rows: Sequence[Row], outcome: Outcome) -> dict[tuple[str, int], list[Row]]:
        groups: dict[tuple[str, int], list[Row]] = {}
        for topic in {row[2] for row in rows}:
            if topic not in self._partition_counts:
                await self._look_up(topic, outcome)
        counts = self._partition_counts
        for row in rows:
            count = counts.get(row[2])
            if count is not None:
                groups.setdefault((row[2], crc32(row[3].encode()) % count), []).append(row)
        return groups

    async def _look_up(self, topic: str, outcome: Outcome) -> None:
        declared = self._topics.get(topic)
        if declared is not None and not self._may_write(declared):
            outcome.refused_topics[topic] = f"only {declared.writer} may write to it, with its signing key"
            return
        try:
            count = len(await asyncio.wait_for(self._producer.partitions_for(topic), METADATA_SECONDS))
        except TimeoutError:
            # aiokafka asks without end for a topic that does not exist.
            outcome.refused_topics[topic] = "Kafka doesn't know it"
        except TOPIC_ERRORS as error:
            outcome.refused_topics[topic] = _why(error, "DESCRIBE")
        except Exception as error:
            outcome.error = error
        else:
            if declared is not None and count != declared.partitions:
                outcome.refused_topics[topic] = f"it has {count} partitions, not {declared.partitions}"
            else:
                self._partition_counts[topic] = count

    def _may_write(self, topic: Topic) -> bool:
        return topic.writer is None or (self._signer is not None and topic.writer in self._signer.services)

    async def _send(self, topic: str, partition: int, rows: list[Row], outcome: Outcome) -> None:
        """Send the rows of one partition, batch after batch. A batch is sent when the one before it is acknowledged."""
        limit = self._rows_max.get((topic, partition), len(rows))
        refused: set[str] = set()
        for builder, batch in self._batches(rows, limit, refused, outcome):
            if not self._may_send():
                # This process was suspended, or had no contact to PostgreSQL, for longer than its lease.
                outcome.error = LeadershipLostError()
                return
            try:
                acknowledged = await self._enqueue(builder, topic, partition)
            except TOPIC_ERRORS as error:
                outcome.refused_topics[topic] = _why(error, "WRITE")
                return
            except SIZE_ERRORS as error:
                if len(batch) == 1:
                    outcome.refused_rows.append((batch[0], type(error).__name__))
                # A number is missing in the producer's sequence now, so it is replaced. The next producer sends fewer
                # rows at a time, in the end only one.
                self._rows_max[topic, partition] = max(len(batch) // 8, 1)
                outcome.error = error
                return
            except Exception as error:
                outcome.error = error
                return
            crashpoint(CrashPoint.RELAY_AFTER_ACK)
            outcome.acknowledge(batch, partition, acknowledged.offset)

    async def _enqueue(self, builder: BatchBuilder, topic: str, partition: int) -> Acknowledged:
        labels = metrics.messaging("send", "send", topic=topic)
        try:
            return await (await self._producer.send_batch(builder, topic, partition=partition))
        except BaseException as error:
            labels["error.type"] = type(error).__name__
            raise
        finally:
            metrics.sent_messages.add(builder.record_count(), labels)

    def _batches(
        self, rows: list[Row], limit: int, refused: set[str], outcome: Outcome
    ) -> Iterable[tuple[BatchBuilder, list[Row]]]:
        builder = self._producer.create_batch()
        batch: list[Row] = []
        for row, headers in self.with_headers(_that_fit(rows, refused, outcome)):
            key, value = row[3].encode(), row[5]
            if len(batch) == limit or builder.append(timestamp=None, key=key, value=value, headers=headers) is None:
                builder.close()
                yield builder, batch
                builder, batch = self._producer.create_batch(), []
                builder.append(timestamp=None, key=key, value=value, headers=headers)
            batch.append(row)
        if batch:
            builder.close()
            yield builder, batch

    def with_headers(self, rows: Iterable[Row]) -> Iterable[tuple[Row, list[Header]]]:
        """Rows with their headers. Neighbouring rows share a signature, as many as a hash tree can have."""
        for some in _batched(rows, LEAVES_MAX):
            headers = [self.attributes(row) for row in some]
            if some[0][2] in self._signed:
                assert self._signer is not None
                together = [(row[2], row[3].encode(), of, row[5]) for row, of in zip(some, headers, strict=True)]
                for of, signature in zip(headers, self._signer.sign_together(together), strict=True):
                    of.extend(signature)
            yield from zip(some, headers, strict=True)

    def attributes(self, row: Row) -> list[Header]:
        """The CloudEvents attributes of a row in binary mode. The trace is that of the event's creation."""
        fixed = self._fixed.get((row[2], row[4]))
        if fixed is None:
            fixed = self._fixed[row[2], row[4]] = (
                ("ce_specversion", SPEC_VERSION),
                ("ce_source", self._source),
                ("ce_type", row[4].encode()),
                ("ce_dataschema", schema_of(row[2], row[4]).encode()),
                ("content-type", CONTENT_TYPE),
            )
        if row[8] != self._moment:
            # Rows of one transaction have the same time.
            self._moment, self._moment_text = row[8], row[8].isoformat().encode()
        headers = [("ce_id", str(row[1]).encode()), ("ce_time", self._moment_text), *fixed]
        if row[6] is not None:
            trace = row[6].encode()
            headers += (("ce_traceparent", trace), ("traceparent", trace))
            if row[7] is not None:
                headers += (("ce_tracestate", row[7].encode()), ("tracestate", row[7].encode()))
        return headers

    def inherit(self, former: "Publisher | None") -> None:
        """Use the maximum numbers of rows per partition that the former publisher has learned."""
        if former is not None:
            self._rows_max |= former._rows_max


def _that_fit(rows: Iterable[Row], refused: set[str], outcome: Outcome) -> Iterable[Row]:
    """The rows without those that are too large for Kafka, and without later rows of the same keys."""
    for row in rows:
        if row[3] in refused:
            continue
        if len(row[5]) + len(row[3].encode()) > BATCH_BYTES - HEADERS_BYTES_MAX:
            refused.add(row[3])
            outcome.refused_rows.append((row, "MessageSizeTooLargeError"))
            continue
        yield row


def _batched(rows: Iterable[Row], size: int) -> Iterable[list[Row]]:
    remaining = iter(rows)
    while some := list(islice(remaining, size)):
        yield some


def _why(error: Exception, operation: str) -> str:
    """The reason why `operation` failed on a topic."""
    if isinstance(error, TopicAuthorizationFailedError):
        return f"{operation} is missing in its ACLs"
    return type(error).__name__
