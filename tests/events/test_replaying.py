"""A read model is made again from its topics: equal, in one transaction, while its worker runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka.admin import RecordsToDelete
from aiokafka.structs import TopicPartition
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events import kafka, outbox
from libs.events.audit import Hand, RefusedError
from libs.events.event import Received
from libs.events.operating import unparking
from libs.events.operating.logs import reading
from libs.events.postgres import raw
from libs.events.relay import Relay
from libs.events.replaying import Rebuilt, Service, model_of, rebuild
from libs.events.signing import Keyring
from libs.events.subscriptions import Subscriptions
from tests.events.bus import Bus, event_headers, running, until
from tests.events.test_poison import caught_up, publish
from tests.events.test_republishing import connected
from tests.signing import KEYRING, SIGNERS

Make = Callable[..., Awaitable[Bus]]
ANA = Hand("ana", "the model was wrong")


class Model:
    """The newest number of each key, in the table `thing`; a handler that can be told to fail or to publish."""

    def __init__(self, bus: Bus, *, rebuilds_all: bool = True) -> None:
        self.bus = bus
        self.poison: Callable[[Any], bool] = lambda _: False
        self.publishes = False
        self.emptied = asyncio.Event()
        self.subscriptions = Subscriptions(bus.group)
        self.subscriptions.on(bus.counted, bus.renamed)(self.keep)
        self.subscriptions.rebuilds(*([bus.counted, bus.renamed] if rebuilds_all else [bus.counted]))(self.things)

    async def keep(self, session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
        for received in batch:
            if self.poison(received.event):
                raise ValueError("a handler that fails for this event")
            await (await raw(session)).execute(
                "INSERT INTO thing VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET number = $2",
                received.key,
                received.event.number,
            )
        if self.publishes:
            await outbox.append(session, [self.bus.counted(name="z", number=0)])

    async def things(self, session: AsyncSession) -> None:
        await (await raw(session)).execute("DELETE FROM thing")

    async def rows(self) -> dict[str, int]:
        return {row["key"]: row["number"] for row in await self.bus.fetch("SELECT key, number FROM thing")}

    async def rebuild(self, *, keyring: Keyring = KEYRING) -> list[Rebuilt]:
        database = self.bus.database
        service = Service(self.subscriptions, database.transaction, database.close, keyring, self._topics())
        async with reading(self.bus.bootstrap) as logs:
            return await rebuild(service, logs, topic=self.bus.topic.name, by=ANA)

    def _topics(self) -> dict[str, Any]:
        return {self.bus.topic.name: self.bus.topic}


@asynccontextmanager
async def model_of_ten(make_bus: Make, **settings: Any) -> AsyncIterator[Model]:
    """Ten keys with three events each, handled; its worker runs."""
    bus = await make_bus(partitions=2, **settings)
    await bus.fetch("CREATE TABLE thing (key text PRIMARY KEY, number int)")
    model = Model(bus)
    await publish(bus, *(bus.counted(name=f"k{key}", number=number) for number in range(3) for key in range(10)))
    async with running(bus.consumer(model.subscriptions)):
        await until(caught_up(bus))
        assert await model.rows() == {f"k{key}": 2 for key in range(10)}
        yield model


@pytest.mark.parametrize("settings", [{}, {"compacted": True}])
async def test_a_read_model_is_made_again_as_it_was_while_its_worker_runs(
    make_bus: Make, settings: dict[str, bool]
) -> None:
    """Without emptying it first the ghost stays; with the inbox asked the model stays empty."""
    async with model_of_ten(make_bus, **settings) as model:
        bus = model.bus
        before = await bus.fetch("SELECT * FROM consumer_position ORDER BY partition")
        await bus.fetch("UPDATE thing SET number = 77 WHERE key = 'k1'")
        await bus.fetch("INSERT INTO thing VALUES ('ghost', 1)")
        (done,) = await model.rebuild()
        assert (done.handled, done.parked, done.unreadable) == (30, 0, 0)
        assert await model.rows() == {f"k{key}": 2 for key in range(10)}
        assert await bus.fetch("SELECT * FROM consumer_position ORDER BY partition") == before
        await publish(bus, bus.counted(name="k1", number=5))
        await until(caught_up(bus))
        assert (await model.rows())["k1"] == 5
        (note,) = await bus.fetch("SELECT action, operator, subject->>'model' AS model FROM operator_action")
        assert tuple(note) == ("replay", "ana", "things")


async def test_a_rebuild_believes_what_the_topics_writer_has_signed_and_nothing_without_a_key(make_bus: Make) -> None:
    """A forged state is left out and told; without a key of the writer the model isn't emptied for nothing."""
    bus = await make_bus(partitions=1, compacted=True, writer="referral")
    await bus.fetch("CREATE TABLE thing (key text PRIMARY KEY, number int)")
    model = Model(bus)
    await bus.append(*(bus.counted(name=f"k{number}", number=number) for number in range(3)))
    consumer = bus.consumer(model.subscriptions, keyring=KEYRING)
    async with running(consumer, bus.relay(signer=SIGNERS["referral"])), bus.producer() as producer:

        async def all_there() -> bool:
            return len(await model.rows()) == 3

        await until(all_there)
        forged = bus.counted(name="k1", number=77).model_dump_json().encode()
        await producer.send_and_wait(bus.topic.name, forged, key=b"k1", headers=event_headers(bus.counted.type))
        await until(caught_up(bus))
        with pytest.raises(RefusedError, match="no key of referral is known"):
            await model.rebuild(keyring=Keyring())
        assert await model.rows() == {"k0": 0, "k1": 1, "k2": 2}
        await bus.fetch("DELETE FROM parked")
        (done,) = await model.rebuild()
        assert (done.handled, done.not_believed, done.unreadable) == (3, 1, 0)
        assert await model.rows() == {"k0": 0, "k1": 1, "k2": 2}


async def test_a_relay_without_the_writers_key_publishes_nothing_to_its_topic(make_bus: Make) -> None:
    bus = await make_bus(partitions=1, writer="referral")
    await bus.append(bus.counted(name="a", number=1))
    for signer in (None, SIGNERS["notifications"]):
        relay = bus.relay(signer=signer)
        async with running(relay):

            async def refused(one: Relay = relay) -> bool:
                return "only referral may write to it" in (one.why_unready() or "")

            await until(refused)
    assert await bus.records() == []
    with pytest.raises(ValueError, match="needs the keys that verify its signatures"):
        bus.consumer()


async def test_a_batch_that_comes_during_a_rebuild_waits_and_is_not_lost(make_bus: Make) -> None:
    """Without locking the positions the newer number is overwritten by what is handled again."""
    async with model_of_ten(make_bus) as model:
        bus = model.bus
        began, go_on = asyncio.Event(), asyncio.Event()
        keep = model.things

        async def slowly(session: AsyncSession) -> None:
            began.set()
            await asyncio.wait_for(go_on.wait(), 25)  # a test that fails ends too
            await keep(session)

        slow = Subscriptions(bus.group)
        slow.on(bus.counted, bus.renamed)(model.keep)
        slow.rebuilds(bus.counted, bus.renamed)(slowly)
        model.subscriptions = slow
        rebuilding = asyncio.create_task(model.rebuild())
        await began.wait()
        await publish(bus, *(bus.counted(name=f"k{key}", number=9) for key in range(10)))

        async def a_batch_waits() -> bool:
            return bool(
                await bus.fetch(
                    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )
            )

        await until(a_batch_waits)
        go_on.set()
        await rebuilding
        await until(caught_up(bus))
        assert await model.rows() == {f"k{key}": 9 for key in range(10)}


async def test_a_handler_that_fails_leaves_everything_as_it_was(make_bus: Make) -> None:
    async with model_of_ten(make_bus) as model:
        await model.bus.fetch("INSERT INTO thing VALUES ('ghost', 1)")
        before = await model.rows()
        model.poison = lambda event: event.name == "k7"
        with pytest.raises(RefusedError, match="the read model was not changed"):
            await model.rebuild()
        assert await model.rows() == before
        assert await model.bus.fetch("SELECT 1 FROM operator_action") == []


async def test_what_is_parked_or_discarded_is_left_out(make_bus: Make) -> None:
    """Else a parked event is handled before its retry, and what a person gave up comes back."""
    async with model_of_ten(make_bus) as model:
        bus = model.bus
        model.poison = lambda event: event.number == 6
        await publish(bus, *(bus.counted(name="k1", number=number) for number in (6, 7)))
        await until(caught_up(bus))
        async with connected(bus) as connection:
            (key,) = await unparking.parked_keys(connection)
            assert key.first_id is not None
            await unparking.discard(connection, key.first_id, by=ANA)
        (done,) = await model.rebuild()
        assert (done.handled, done.parked) == (30, 2)
        assert (await model.rows())["k1"] == 2


async def test_what_is_no_read_model_is_refused_with_the_reason(make_bus: Make) -> None:
    """Without the comparison of handled and declared types an effect of another handler happens twice."""
    async with model_of_ten(make_bus) as model:
        name = model.bus.topic.name
        with pytest.raises(RefusedError, match="its handlers have further effects"):
            model_of(Model(model.bus, rebuilds_all=False).subscriptions, name)
        with pytest.raises(RefusedError, match="its handlers have further effects"):
            model_of(model.bus.subscriptions(), name)
        with pytest.raises(RefusedError, match="does not subscribe to another"):
            model_of(model.subscriptions, "another")
        model.publishes = True
        with pytest.raises(RefusedError, match="publish events"):
            await model.rebuild()
        assert await model.bus.fetch("SELECT 1 FROM outbox") == []


async def test_a_log_that_has_lost_its_beginning_can_not_make_the_model_again(make_bus: Make) -> None:
    """Without the check the model is made of what is left, and the rest is gone."""
    async with model_of_ten(make_bus) as model:
        bus = model.bus
        async with kafka.admin(bus.bootstrap) as admin:
            await admin.delete_records({TopicPartition(bus.topic.name, 0): RecordsToDelete(2)})
        before = await model.rows()
        with pytest.raises(RefusedError, match="has lost the records before offset 2"):
            await model.rebuild()
        assert await model.rows() == before
