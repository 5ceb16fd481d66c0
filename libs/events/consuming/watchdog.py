"""Detect a Kafka client that runs but makes no progress. aiokafka can get into this state in several ways without an
error."""

import asyncio
import time
from collections.abc import Sequence

from aiokafka.errors import IllegalStateError, KafkaError

from libs.events.handling.partitions import Partition, Phase
from libs.events.kafka import GroupMember

STUCK_SECONDS = 15.0
"""Seconds after which a partition counts as stuck if the log has more records, none of its records are being handled,
and its position does not move."""
POLL_STUCK_SECONDS = 25.0
"""Seconds after which a fetch that has not returned counts as stuck. It is longer than a rebalance, which takes 15
seconds at most."""
ADMISSION_STUCK_SECONDS = 25.0
"""Seconds after which a partition counts as stuck if Kafka does not answer the question for its bounds."""
AWAY_SECONDS = 25.0
"""Seconds without an answer about the ends of the logs after which the client is replaced."""
ASK_SECONDS = 10.0


class StuckError(Exception):
    """The client must be replaced. The text gives the reason."""


class Watchdog:
    """Watches one client."""

    def __init__(self) -> None:
        self._polled_at = time.monotonic()
        self._answered_at = time.monotonic()

    def polled(self) -> None:
        """Note that the client is being asked for records now."""
        self._polled_at = time.monotonic()

    def check_poll(self) -> None:
        """Raise `StuckError` if a fetch does not return."""
        if time.monotonic() - self._polled_at > POLL_STUCK_SECONDS:
            raise StuckError("fetch-does-not-return")

    async def check(self, member: GroupMember, partitions: Sequence[Partition]) -> None:
        """Raise `StuckError` if the log of a partition has more records and its position has not moved for too long."""
        now = time.monotonic()
        if any(one.phase is Phase.ASSIGNED and now - one.moved_at > ADMISSION_STUCK_SECONDS for one in partitions):
            raise StuckError("position-not-read")
        idle = [one for one in partitions if self._waits_for_kafka(one)]
        try:
            ends = await asyncio.wait_for(member.end_offsets([one.tp for one in partitions]), ASK_SECONDS)
            fetched = {one.tp: await self._fetched(member, one) for one in idle}
        except (KafkaError, TimeoutError, OSError):
            if time.monotonic() - self._answered_at > AWAY_SECONDS:
                raise StuckError("no-answer") from None
            return
        self._answered_at = time.monotonic()
        for one in partitions:
            one.end = ends.get(one.tp)
        for one in idle:
            if one.end is None or one.end <= fetched[one.tp]:
                one.moved_at = time.monotonic()
                if one.end is not None:
                    one.clear()
            elif time.monotonic() - one.moved_at > STUCK_SECONDS and self._waits_for_kafka(one):
                raise StuckError("no-progress")

    @staticmethod
    def _waits_for_kafka(partition: Partition) -> bool:
        return (
            partition.phase in (Phase.VERIFYING, Phase.READY)
            and not partition.paused
            and not partition.buffer
            and not partition.in_hand
        )

    @staticmethod
    async def _fetched(member: GroupMember, partition: Partition) -> int:
        """The offset from which the client fetches next, after markers of transactions, which are not records."""
        if not partition.topic.gaps_allowed:
            return partition.fetch_offset
        try:
            return await asyncio.wait_for(member.position(partition.tp), ASK_SECONDS)
        except IllegalStateError:
            return partition.fetch_offset
