"""Where an assigned partition begins: at the position in PostgreSQL, which is compared with the present log.

A position after the end of the log means that the log was cut. A position before its beginning means that records were
removed before they were handled. To continue would lose events without notice, so such a partition stops until an
operator has looked at it.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.errors import IllegalStateError, KafkaTimeoutError
from aiokafka.structs import TopicPartition

from libs.events.handling.partitions import Partition, Phase
from libs.events.kafka import GroupMember
from libs.events.observing.reporting import report
from libs.events.postgres import Transaction, raw

log = logging.getLogger(__name__)

KAFKA_SECONDS = 15.0

_POSITIONS = """
    WITH wanted AS (
        SELECT topic, partition, first_offset
        FROM unnest($2::text[], $3::int[], $4::bigint[]) AS w (topic, partition, first_offset)
    ), made AS (
        INSERT INTO consumer_position (consumer_group, topic, partition, next_offset)
        SELECT $1, topic, partition, first_offset FROM wanted
        ON CONFLICT DO NOTHING
        RETURNING topic, partition, next_offset, last_event_id
    )
    SELECT topic, partition, next_offset, last_event_id FROM made
    UNION ALL
    SELECT p.topic, p.partition, p.next_offset, p.last_event_id
    FROM consumer_position p JOIN wanted w ON w.topic = p.topic AND w.partition = p.partition
    WHERE p.consumer_group = $1
"""

Bounds = Mapping[TopicPartition, int]


async def admit(member: GroupMember, partitions: Sequence[Partition], *, group: str, transaction: Transaction) -> None:
    """Seek each partition to the offset at which it must continue, or stop it with a reason.

    A group without a position in a partition begins with the oldest record. Errors of Kafka and PostgreSQL are raised.
    """
    names = [partition.tp for partition in partitions]
    first, end = await _bounds(member, names)
    async with transaction() as session:
        rows = await (await raw(session)).fetch(
            _POSITIONS,
            group,
            [name.topic for name in names],
            [name.partition for name in names],
            [first[name] for name in names],
        )
    found = {TopicPartition(row["topic"], row["partition"]): row for row in rows}
    for partition in partitions:
        row = found[partition.tp]
        _begin(member, partition, row["next_offset"], row["last_event_id"], first[partition.tp], end[partition.tp])


async def _bounds(member: GroupMember, names: Sequence[TopicPartition]) -> tuple[Bounds, Bounds]:
    try:
        async with asyncio.timeout(KAFKA_SECONDS):
            return await member.beginning_offsets(names), await member.end_offsets(names)
    except TimeoutError as error:
        raise KafkaTimeoutError from error


def _begin(
    member: GroupMember, partition: Partition, position: int, last_event_id: str | None, first: int, end: int
) -> None:
    if partition.phase not in (Phase.ASSIGNED, Phase.STOPPED):
        return
    why = fault(position, first=first, end=end)
    if why is not None:
        partition.begin(position)
        partition.stop(why)
        # aiokafka fetches nothing from a broker while one of its partitions, even a paused one, has no position.
        _seek(member, partition, end)
        return
    # The last event cannot be verified if compaction may have removed it, or if it has expired. Neither is a fault.
    verifiable = not partition.topic.compacted and position - 1 >= first
    offset = partition.admit(position, last_event_id=last_event_id if verifiable else None)
    if not _seek(member, partition, offset):
        return
    if partition.paused:
        partition.paused = False
        member.resume(partition.tp)
    fields: dict[str, Any] = {"topic": partition.tp.topic, "partition": partition.number, "offset": position}
    report(log, logging.INFO, "consumer.admitted", **fields)


def _seek(member: GroupMember, partition: Partition, offset: int) -> bool:
    try:
        member.seek(partition.tp, offset)
    except (IllegalStateError, AssertionError):
        # In the meantime a rebalance has assigned it to another member.
        partition.revoke()
        return False
    return True


def fault(position: int, *, first: int, end: int) -> str | None:
    """The reason why the log, which has the offsets from `first` to before `end`, cannot be handled from `position` on;
    None if it can."""
    if position > end:
        return f"the log was cut: it ends at {end} and position {position} was handled already"
    if position < first:
        return f"records {position} to {first - 1} were removed from the log before they were handled"
    return None
