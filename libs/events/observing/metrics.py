"""The metrics of the bus, with the OpenTelemetry metrics API. Nothing is recorded if the process has no provider.

Metrics for which the messaging conventions have a name use it (`messaging.*`). The others are named after the part of
the bus that they describe. All use the attributes of the conventions. Attributes contain only topics, partitions,
groups and error types, never a key, an id or a payload.

The lag of a consumer is read from its partitions whenever metrics are collected, not when a batch ends. So it also
grows while a partition is stopped, is not fetched, or has no client. See `Partition.lag_age`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol
from weakref import WeakSet

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

Attributes = dict[str, str | int]

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0)
COUNTS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0)

_meter = metrics.get_meter("enlace.events")


class Backlog(Protocol):
    """The figures of one partition."""

    def attributes(self) -> Attributes:
        """Topic and partition."""

    def lag(self) -> int | None:
        """The number of records between its position and its end; None if the end is not known."""

    def lag_age(self) -> float:
        """How many seconds the oldest record that is not handled yet has been waiting."""

    def is_stopped(self) -> bool:
        """Whether it waits for an operator."""


class Watched(Protocol):
    """A consumer."""

    @property
    def group(self) -> str:
        """Its group."""

    def backlogs(self) -> Iterable[Backlog]:
        """Its partitions, or while it has no client, those that it had last. Called from another thread."""


_watched: WeakSet[Watched] = WeakSet()


def watch(consumer: Watched) -> None:
    """Report the lag of `consumer` as long as the object exists."""
    _watched.add(consumer)


def messaging(operation: str, type_: str, *, topic: str | None = None, group: str | None = None) -> Attributes:
    """The attributes that the conventions define for an operation, for metrics and for spans."""
    attributes: Attributes = {
        "messaging.system": "kafka",
        "messaging.operation.name": operation,
        "messaging.operation.type": type_,
    }
    if topic is not None:
        attributes["messaging.destination.name"] = topic
    if group is not None:
        attributes["messaging.consumer.group.name"] = group
    return attributes


def _each(told: Callable[[Backlog], float | None]) -> Callable[[CallbackOptions], Iterator[Observation]]:
    def observe(_: CallbackOptions) -> Iterator[Observation]:
        for consumer in list(_watched):
            group: Attributes = {"messaging.consumer.group.name": consumer.group}
            for backlog in consumer.backlogs():
                value = told(backlog)
                if value is not None:
                    yield Observation(value, backlog.attributes() | group)

    return observe


def _stopped(_: CallbackOptions) -> Iterator[Observation]:
    for consumer in list(_watched):
        count = sum(backlog.is_stopped() for backlog in consumer.backlogs())
        yield Observation(count, {"messaging.consumer.group.name": consumer.group})


outbox_pending = _meter.create_gauge(
    "outbox.pending", "{event}", "Committed events that Kafka has not acknowledged yet; reported by the leading relay."
)
outbox_oldest_age = _meter.create_gauge(
    "outbox.oldest_age", "s", "Age of the oldest event that Kafka has not acknowledged; reported by the leading relay."
)
outbox_blocked = _meter.create_gauge(
    "outbox.blocked_keys", "{key}", "Keys and topics with an event that Kafka refuses."
)
relay_published = _meter.create_counter(
    "relay.published", "{event}", "Events acknowledged by Kafka and moved from the outbox to the archive."
)
relay_retire = _meter.create_histogram(
    "relay.retire",
    "s",
    "Time to move acknowledged events from the outbox to the archive, in one statement for many batches.",
    explicit_bucket_boundaries_advisory=SECONDS,
)
relay_batch_size = _meter.create_histogram(
    "relay.batch.size", "{event}", "Events in one batch of the relay.", explicit_bucket_boundaries_advisory=COUNTS
)
sent_messages = _meter.create_counter(
    "messaging.client.sent.messages", "{message}", "Messages sent to Kafka, including repetitions."
)
operation_duration = _meter.create_histogram(
    "messaging.client.operation.duration",
    "s",
    "Time to send a batch and get its acknowledgement (send), or to commit its positions and effects (commit).",
    explicit_bucket_boundaries_advisory=SECONDS,
)
consumed_messages = _meter.create_counter(
    "messaging.client.consumed.messages",
    "{message}",
    "Records fetched by the consumer, including those without a handler.",
)
process_duration = _meter.create_histogram(
    "messaging.process.duration",
    "s",
    "Duration of one attempt to process a batch, from BEGIN to COMMIT; error.type if it failed.",
    explicit_bucket_boundaries_advisory=SECONDS,
)
batch_size = _meter.create_histogram(
    "consumer.batch.size", "{event}", "Records in one committed batch.", explicit_bucket_boundaries_advisory=COUNTS
)
consumed = _meter.create_counter(
    "consumer.events",
    "{event}",
    "Committed records, by enlace.result: handled, duplicate (discarded), parked, skipped.",
)
not_believed = _meter.create_counter(
    "consumer.not_believed",
    "{event}",
    "Records parked because they have no valid signature of the service that writes the topic.",
)
over_quota = _meter.create_counter(
    "consumer.over_quota", "{event}", "Refused messages of external producers that were only counted, not stored."
)
event_age = _meter.create_histogram(
    "consumer.event.age",
    "s",
    "Time from the arrival in Kafka to the commit of the effects, for the oldest record of a batch.",
    explicit_bucket_boundaries_advisory=SECONDS,
)
fence_rejections = _meter.create_counter(
    "consumer.fence.rejections",
    "{batch}",
    "Batches rolled back because another process had already processed their records.",
)
batch_retries = _meter.create_counter("consumer.batch.retries", "{batch}", "Batches processed again, by enlace.cause.")
parked_keys = _meter.create_gauge("consumer.parked_keys", "{key}", "Keys whose parked events wait for an operator.")
client_rebuilds = _meter.create_counter(
    "client.rebuilds", "{client}", "Replaced Kafka clients, by enlace.client (consumer, producer) and error.type."
)
lag_records = _meter.create_observable_gauge(
    "consumer.lag",
    [_each(lambda one: one.lag())],
    "{event}",
    "Records between the position of a partition and its end.",
)
lag_seconds = _meter.create_observable_gauge(
    "consumer.lag.age",
    [_each(lambda one: one.lag_age())],
    "s",
    "Age of the oldest unprocessed record of a partition; if unknown, the time since it was last known.",
)
stopped_partitions = _meter.create_observable_gauge(
    "consumer.stopped_partitions", [_stopped], "{partition}", "Partitions that wait for an operator."
)
