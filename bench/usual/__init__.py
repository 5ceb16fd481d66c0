"""The usual stack: the same three services as a good team builds them from FastStream's and SQLModel's own pages.

It does what their documentation shows and leaves nothing out that would make it faster without leaving that path:

- FastStream (kafka/ack, kafka/Subscriber, subscription/filtering, lifespan/hooks): a `KafkaBroker` per service, one
  message per handler call, parsed into a Pydantic model; a consumer group, `AckPolicy.NACK_ON_ERROR` (at least once)
  and `max_workers` (partitions side by side, order kept within each); event types told apart by `filter` on a header.
- SQLModel with SQLAlchemy's asyncio extension: `AsyncSession`, one transaction and one flush per message, the tables'
  foreign keys kept, on the same table classes and migrated databases as Enlace.
- Transactional outbox: a row per event in the transaction of its effect, polled every 50 ms, 100 rows `ORDER BY id`,
  each published and awaited before the next, archived and deleted, then one commit.
- Inbox: the event's id under a unique key, in the same transaction; a repeat breaks the key and is acknowledged.

The rows are those of the floor (`bench.floor`): no rules, no choice, no sealing. Other than the floor it keeps no row
of events that it doesn't handle, and its positions are Kafka's committed offsets. uvloop, no access log, no tracing.
A reference, not something to run.
"""
