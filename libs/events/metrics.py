"""What the bus counts, by the OpenTelemetry metrics API; nothing is recorded unless the process has a provider."""

from opentelemetry import metrics

_meter = metrics.get_meter("enlace.events")

outbox_pending = _meter.create_gauge(
    "outbox.pending", "{event}", "Events committed and not yet acknowledged by Kafka; told by the leading relay."
)
outbox_oldest_age = _meter.create_gauge(
    "outbox.oldest_age", "s", "Age of the oldest event that Kafka hasn't acknowledged; told by the leading relay."
)
outbox_blocked = _meter.create_gauge("outbox.blocked_keys", "{key}", "Keys that Kafka refuses an event of.")
relay_published = _meter.create_counter("relay.published", "{event}", "Events acknowledged and retired.")
relay_round = _meter.create_histogram("relay.round", "s", "From reading a batch of the outbox to its retirement.")
consumed = _meter.create_counter("consumer.events", "{event}", "Events by result: handled, duplicate, parked, skipped.")
batch_duration = _meter.create_histogram("consumer.batch.duration", "s", "One batch from BEGIN to COMMIT.")
batch_size = _meter.create_histogram("consumer.batch.size", "{event}", "Records in one batch.")
event_age = _meter.create_histogram("consumer.event.age", "s", "From arrival in Kafka to the effects' commit.")
lag_records = _meter.create_gauge("consumer.lag", "{event}", "Records between a partition's position and its end.")
lag_seconds = _meter.create_gauge("consumer.lag.age", "s", "Age of the oldest fetched record not yet handled.")
fence_rejections = _meter.create_counter("consumer.fence.rejections", "{batch}", "Batches that another processor had.")
batch_retries = _meter.create_counter("consumer.batch.retries", "{batch}", "Batches run again, by cause.")
parked_keys = _meter.create_gauge("consumer.parked_keys", "{key}", "Keys of which events wait for a person.")
stopped_partitions = _meter.create_gauge("consumer.stopped_partitions", "{partition}", "Partitions that were stopped.")
client_rebuilds = _meter.create_counter("client.rebuilds", "{client}", "Kafka clients replaced, by client and reason.")
