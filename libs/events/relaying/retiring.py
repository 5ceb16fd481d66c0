"""Rows that Kafka has acknowledged and that are still in the outbox, and their move to the archive.

The relay sends rows at once, but moves them in one statement for many rounds. With a move after each round, the
statement and its commit would delay the next read, and would cost more than the rest of a round with few rows.

Until the move, the relay remembers the ids, and leaves exactly these rows out when it reads (`reading`). So it reads
what it would read if they were moved already, and the order per key is the same. If the process dies, the next relay
sends them again, and the inboxes of the consumers discard the copies. Two limits keep their number small.
"""

import time

from libs.events.observing import metrics
from libs.events.postgres import Connection
from libs.events.processes.crashpoints import CrashPoint, crashpoint
from libs.events.relaying.leadership import Leadership, LeadershipLostError
from libs.events.relaying.publishing import Outcome

RETIRE_SECONDS = 0.1
"""The time after which acknowledged rows are moved. With fifty rounds a second one statement moves the rows of five. A
longer time saves little: with 60 rows each, ten of these statements a second need a hundredth of a core."""
RETIRE_ROWS = 1_000
"""The number of acknowledged rows from which on they are moved at once. A thousand rows take about 5 ms, nearly all for
the rows and little for the statement, so larger numbers would save little. The limit also bounds what is sent again
after a crash, and the number of gaps in a read."""

_RETIRE = """
    WITH leader AS (SELECT 1 FROM outbox_leader WHERE epoch = $1),
    gone AS (
        DELETE FROM outbox o
        USING unnest($2::bigint[], $3::int[], $4::bigint[], $5::float8[]) AS a (id, partition, log_offset, seconds_ago)
        WHERE o.id = a.id AND o.id BETWEEN $6 AND $7 AND EXISTS (SELECT FROM leader)
        RETURNING o.id, o.event_id, o.topic, o.key, o.type, o.payload, o.traceparent, o.tracestate, o.created_at,
            a.partition, a.log_offset, now() - a.seconds_ago * interval '1 second' AS published_at
    ), kept AS (
        INSERT INTO outbox_sent (id, event_id, topic, key, type, payload, traceparent, tracestate, created_at,
            partition, log_offset, published_at)
        SELECT * FROM gone
    )
    SELECT count(*) FROM leader
"""


class Unretired:
    """The acknowledged rows of one leadership that are not moved yet.

    It ends together with the leadership: afterwards an operator may put rows with the same ids into the outbox again.
    """

    def __init__(self, connection: Connection, leadership: Leadership) -> None:
        self._connection = connection
        self._leadership = leadership
        self._due_at = float("inf")
        self._ids: list[int] = []
        self._partitions: list[int] = []
        self._offsets: list[int | None] = []
        self._acked_at: list[float] = []

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, outcome: Outcome) -> None:
        """Remember the acknowledged rows of one round."""
        now = time.monotonic()
        if outcome.acked_ids and not self._ids:
            self._due_at = now + RETIRE_SECONDS
        self._ids += outcome.acked_ids
        self._partitions += outcome.partitions
        self._offsets += outcome.offsets
        self._acked_at += [now] * len(outcome.acked_ids)

    @property
    def are_many(self) -> bool:
        """Whether so many rows wait that they are moved before the next read."""
        return len(self._ids) >= RETIRE_ROWS

    @property
    def due_seconds(self) -> float:
        """In how many seconds the rows must be moved; infinite if there are none."""
        return max(self._due_at - time.monotonic(), 0.0)

    def gaps(self) -> tuple[list[int], list[int], int]:
        """The ids that are left: lower bounds and upper bounds of the gaps, and the id after which all are left.

        No bound belongs to its gap. The first gap begins at 0, because ids become visible in any order: a transaction
        that commits late may have lower ids than all rows that were read before.
        """
        above, below, last = [], [], 0
        for id_ in sorted(self._ids):
            if id_ > last + 1:
                above.append(last)
                below.append(id_)
            last = id_
        return above, below, last

    async def retire_if_due(self) -> float:
        """Move the rows if it is time to. Returns in how many seconds this must be called again."""
        if self.due_seconds <= 0.0:
            await self.retire()
        return self.due_seconds

    async def retire(self) -> None:
        """Move the rows in one statement, which commits by itself.

        `LeadershipLostError` if another relay has become the leader: then nothing is moved.
        """
        if not self._ids:
            return
        ids, now = self._ids, time.monotonic()
        values = ids, self._partitions, self._offsets, [now - acked_at for acked_at in self._acked_at]
        async with self._leadership.proof():
            # With the range of ids the statement does not read millions of waiting rows to find these few.
            leads = await self._connection.fetchval(_RETIRE, self._leadership.epoch, *values, min(ids), max(ids))
            crashpoint(CrashPoint.RELAY_AFTER_RETIRE)
            if not leads:
                raise LeadershipLostError
        self._due_at = float("inf")
        self._ids, self._partitions, self._offsets, self._acked_at = [], [], [], []
        metrics.relay_published.add(len(ids))
        metrics.relay_retire.record(time.monotonic() - now)
