"""Every few seconds a member compares its partitions with their rows. It detects positions that an operator has moved,
and writes into the rows why partitions are stopped.

The fence detects a moved position too, but only when there are records to handle.
"""

from collections.abc import Iterable, Mapping

from aiokafka.structs import TopicPartition

from libs.events.handling.partitions import Partition, Phase
from libs.events.postgres import Connection, Transaction, raw

_POSITIONS = "SELECT topic, partition, next_offset, stopped FROM consumer_position WHERE consumer_group = $1"
_TELL = """
    UPDATE consumer_position p SET stopped = t.stopped
    FROM unnest($2::text[], $3::int[], $4::text[]) AS t (topic, partition, stopped)
    WHERE p.consumer_group = $1 AND p.topic = t.topic AND p.partition = t.partition
"""


async def moved_by_hand(
    partitions: Mapping[TopicPartition, Partition], *, group: str, transaction: Transaction
) -> list[Partition]:
    """The partitions whose rows have another position. It also writes into each row why its partition is stopped."""
    known = {name: partition.stored_offset for name, partition in partitions.items() if _is_at_rest(partition)}
    async with transaction() as session:
        connection = await raw(session)
        found = await connection.fetch(_POSITIONS, group)
        rows = {TopicPartition(row["topic"], row["partition"]): row for row in found}
        untold = [one for name, one in partitions.items() if name in rows and _differs(one, rows[name]["stopped"])]
        await _tell(connection, group, untold)
    return [
        partitions[name]
        for name, position in known.items()
        if name in rows
        and name in partitions
        and rows[name]["next_offset"] != position
        # A partition is left out if one of its batches has moved its position while the rows were read.
        and partitions[name].stored_offset == position
        and _is_at_rest(partitions[name])
    ]


def _is_at_rest(partition: Partition) -> bool:
    return partition.phase in (Phase.VERIFYING, Phase.READY, Phase.STOPPED) and not partition.in_hand


def _differs(partition: Partition, told: str | None) -> bool:
    if partition.phase is Phase.STOPPED:
        return partition.why_stopped != told
    return partition.phase is Phase.READY and told is not None and partition.why_stopped is None


async def _tell(connection: Connection, group: str, partitions: Iterable[Partition]) -> None:
    ones = list(partitions)
    if not ones:
        return
    why = [one.why_stopped if one.phase is Phase.STOPPED else None for one in ones]
    await connection.execute(_TELL, group, [one.tp.topic for one in ones], [one.number for one in ones], why)
