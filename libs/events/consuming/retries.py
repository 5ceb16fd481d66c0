"""Handle parked events again, in order per key, when an operator has requested it.

The request is a mark on the key (see `libs.events.operating.unparking`). The consumer that has the handlers retries the
events, each key in one transaction. Newer events of the key wait until this transaction ends, so that no event
overtakes an earlier one.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events import outbox
from libs.events.handling.batch import Incoming, understand
from libs.events.handling.delivery import Delivery
from libs.events.handling.keyed import Digest, Seal, key_anew
from libs.events.handling.parking import Content, told
from libs.events.kafka import Record
from libs.events.observing import metrics
from libs.events.observing.reporting import report
from libs.events.postgres import Cause, Connection, Transaction, cause_of, raw
from libs.events.signing import Keyring
from libs.events.subscriptions import Subscriptions
from libs.events.topics import Topic

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0

_NEXT_KEY = """
    SELECT topic, key FROM parked_key WHERE consumer_group = $1 AND retry_wanted_at IS NOT NULL
    ORDER BY retry_wanted_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_WAITING = "SELECT * FROM parked WHERE consumer_group = $1 AND topic = $2 AND key = $3 ORDER BY id"


class Retries:
    """Looks for keys that are to be retried."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        delivery: Delivery,
        *,
        topics: Mapping[str, Topic],
        unseal: Seal | None,
        digest: Digest | None = None,
        keyring: Keyring | None = None,
    ) -> None:
        self._subscriptions = subscriptions
        self._delivery = delivery
        self._topics = topics
        self._unseal = unseal
        self._digest = digest
        self._keyring = keyring

    async def run(self, transaction: Transaction) -> None:
        """Retry the requested keys until cancelled. An error that interrupts a retry is logged, and the retry is
        repeated."""
        keyed = self._digest is None
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                keyed = keyed or await self.key_anew(transaction)
                while await self.retry_next(transaction):
                    outbox.COMMITTED.wake()
            except Exception as error:
                report(log, logging.WARNING, "consumer.retry_interrupted", error, group=self._subscriptions.group)

    async def key_anew(self, transaction: Transaction) -> bool:
        """Replace texts that an older version stored unencrypted, or as digests without a key, by keyed digests.
        Returns True."""
        if self._digest is not None:
            async with transaction() as session:
                connection, topics = await raw(session), self._topics.values()
                await key_anew(connection, self._subscriptions.group, topics, self._digest)
        return True

    async def retry_next(self, transaction: Transaction) -> bool:
        """Retry one key. False if no retry is requested."""
        async with transaction() as session:
            connection = await raw(session)
            await self._measure(connection)
            wanted = await connection.fetchrow(_NEXT_KEY, self._subscriptions.group)
            if wanted is None:
                return False
            where = (self._subscriptions.group, wanted["topic"], wanted["key"])
            rows = outbox.gather(session)
            for parked in await connection.fetch(_WAITING, *where):
                written = len(rows)
                error = await self._handle(session, parked)
                if error is not None:
                    del rows[written:]
                    await self._give_back(connection, parked["id"], error, where)
                    break
                await connection.execute("DELETE FROM parked WHERE id = $1", parked["id"])
            else:
                await connection.execute(
                    "DELETE FROM parked_key WHERE consumer_group = $1 AND topic = $2 AND key = $3", *where
                )
            await outbox.write(session, rows)
        return True

    async def _handle(self, session: AsyncSession, parked: Any) -> Exception | None:
        """Handle one parked event under a savepoint. Returns the error, or None."""
        try:
            item = self._restored(parked)
            async with session.begin_nested():
                topic = self._topic_of(item.record)
                if topic.foreign and not await self._delivery.is_new(await raw(session), item, topic=topic):
                    return None
                await self._delivery.run(session, [item])
        except Exception as error:
            if cause_of(error) is not Cause.EVENT:
                raise
            return error
        return None

    def _restored(self, parked: Any) -> Incoming:
        content = parked["content"]
        if parked["sealed"]:
            if self._unseal is None:
                raise ValueError("a sealed event cannot be retried without the function that unseals it")
            content = self._unseal(content)
        came = Content.from_bytes(content)
        record = Record(
            parked["topic"], parked["partition"], parked["log_offset"], came.timestamp, 0, came.key, came.value,
            None, len(came.key or b""), len(came.value or b""), tuple(came.headers),
        )  # fmt: skip
        item = understand(record, self._subscriptions, topic=self._topic_of(record), keyring=self._keyring)
        if not isinstance(item, Incoming):
            raise ValueError("the event still cannot be read" if item else "no handler handles its type any more")
        return item

    def _topic_of(self, record: Record) -> Topic:
        return self._topics.get(record.topic) or Topic(record.topic, partitions=0)

    async def _give_back(
        self, connection: Connection, parked_id: int, error: Exception, where: tuple[str, str, bytes]
    ) -> None:
        report(log, logging.WARNING, "consumer.retry_failed", error, topic=where[1])
        await connection.execute(
            "UPDATE parked SET attempts = attempts + 1, error = $2 WHERE id = $1", parked_id, told(error)
        )
        await connection.execute(
            "UPDATE parked_key SET retry_wanted_at = NULL WHERE consumer_group = $1 AND topic = $2 AND key = $3", *where
        )

    async def _measure(self, connection: Connection) -> None:
        count = await connection.fetchval(
            "SELECT count(*) FROM parked_key WHERE consumer_group = $1", self._subscriptions.group
        )
        metrics.parked_keys.set(count, {"messaging.consumer.group.name": self._subscriptions.group})
