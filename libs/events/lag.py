"""How far a service's consumer is behind, from its own positions and the ends of the logs."""

from dataclasses import dataclass
from typing import Any, cast

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from libs.events.kafka import GroupMember
from libs.events.leadership import Connection


@dataclass(frozen=True, slots=True)
class Lag:
    """One partition of one group."""

    group: str
    topic: str
    partition: int
    position: int
    end: int | None
    """None where the topic is gone."""

    @property
    def records(self) -> int | None:
        """Records between position and end; below zero means that the log was cut."""
        return None if self.end is None else self.end - self.position


async def lag_of(connection: Connection, bootstrap_servers: str) -> list[Lag]:
    """The lag of every position in this database."""
    rows = await connection.fetch("SELECT * FROM consumer_position ORDER BY consumer_group, topic, partition")
    untyped: Any = AIOKafkaConsumer
    client = cast(GroupMember, untyped(bootstrap_servers=bootstrap_servers, enable_auto_commit=False))
    await client.start()
    try:
        topics = await cast(Any, client).topics()
        names = [TopicPartition(row["topic"], row["partition"]) for row in rows if row["topic"] in topics]
        ends = await client.end_offsets(names)
    finally:
        await client.stop()
    return [
        Lag(
            row["consumer_group"],
            row["topic"],
            row["partition"],
            row["next_offset"],
            ends.get(TopicPartition(row["topic"], row["partition"])),
        )
        for row in rows
    ]
