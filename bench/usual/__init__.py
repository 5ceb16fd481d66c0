"""The usual stack: the same three services as a good team would build them from FastStream's and SQLModel's own pages.

It follows their documentation, and uses everything in that documentation that makes it faster:

- FastStream (kafka/ack, kafka/Subscriber, subscription/filtering, lifespan/hooks): a `KafkaBroker` per service, one
  message per handler call, parsed into a Pydantic model; a consumer group, `AckPolicy.NACK_ON_ERROR` (at least once)
  and `max_workers` (partitions are handled in parallel, and the order within each is kept); a `filter` on a header
  selects the event type.
- SQLModel with SQLAlchemy's asyncio extension: `AsyncSession`, one transaction and one flush per message, with the
  foreign keys of the tables, on the same table classes and migrated databases as Enlace.
- Transactional outbox: the row of an event is written in the transaction of its effect. The outbox is polled every
  50 ms for 100 rows `ORDER BY id`. Each row is published and awaited before the next; it is archived and deleted. One
  commit ends the page.
- Inbox: the event's id is inserted under a unique key in the same transaction. For a repeated event, the insert fails;
  the transaction is rolled back, and the event is acknowledged.

It writes the same rows as the floor (`bench.floor`): it applies no rules, chooses no provider and seals no data. In
contrast to the floor, it writes no inbox row for events that it does not handle, and its positions are Kafka's
committed offsets. It uses uvloop, and has no access log and no tracing. The usual stack is a reference for measurements
and not for operation.
"""
