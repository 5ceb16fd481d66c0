"""Random poison, retries, discards and duplicates against a model of what must come of it (pitfall 9)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import asyncpg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from libs.events.audit import Hand
from libs.events.consuming.retries import Retries
from libs.events.handling.batch import Batch, Incoming, Part, understand
from libs.events.handling.delivery import Delivery
from libs.events.handling.limits import ParkingLimit, ParkingLimitError
from libs.events.handling.partitions import Partition, Phase
from libs.events.kafka import Record
from libs.events.operating import unparking
from libs.events.topics import Topic
from tests.events.bus import Bus, database_for, event_headers
from tests.events.conftest import Databases
from tests.events.parked_events import events_of_key

T = TypeVar("T")
KEYS = [f"k{number}" for number in range(4)]
ANA = Hand("ana", "a random test")
a_key = st.sampled_from(KEYS)


class PoisonMachine(RuleBasedStateMachine):
    """One topic of two partitions, its handlers and a person; the model is three dictionaries."""

    dsn: str

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.bus = Bus(self.dsn, "", Topic("machine", partitions=2), database_for(self.dsn, pool_size=2))
        self.poisoned: set[tuple[str, int]] = set()
        subscriptions = self.bus.subscriptions(poison=lambda event: (event.key, event.number) in self.poisoned)  # type: ignore[attr-defined]
        self.delivery = Delivery(subscriptions, seal=None)
        self.subscriptions = subscriptions
        self.retries = Retries(subscriptions, self.delivery, topics={"machine": self.bus.topic}, unseal=None)
        self.partitions = [Partition(self.bus.topic, number) for number in range(2)]
        self.logs: list[list[Record]] = [[], []]
        self.count = dict.fromkeys(KEYS, 0)
        self.handled: dict[str, list[int]] = {key: [] for key in KEYS}
        self.parked: dict[str, list[int]] = {key: [] for key in KEYS}
        self.do(self._begin())

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def _begin(self) -> None:
        await self.bus.fetch("TRUNCATE inbox, consumer_position, parked, parked_key, operator_action, effect")
        for partition in self.partitions:
            partition.phase = Phase.READY
            where = (self.bus.group, "machine", partition.number)
            await self.bus.fetch("INSERT INTO consumer_position VALUES ($1, $2, $3, 0)", *where)

    @rule(key=a_key, count=st.integers(1, 5), poison=st.sets(st.integers(0, 4), max_size=2))
    def publish(self, key: str, count: int, poison: set[int]) -> None:
        log = self.logs[KEYS.index(key) % 2]
        for place in range(count):
            number = self.count[key]
            self.count[key] += 1
            if place in poison:
                self.poisoned.add((key, number))
            model = self.bus.counted if number % 2 else self.bus.renamed
            value = model(name=key, number=number).model_dump_json().encode()
            log.append(_record(KEYS.index(key) % 2, len(log), key, value, event_headers(model.type)))

    @precondition(lambda self: any(self.logs))
    @rule(data=st.data())
    def publish_twice(self, data: st.DataObject) -> None:
        """The relay sends again what the consumer may have had."""
        number = data.draw(st.sampled_from([number for number in range(2) if self.logs[number]]))
        log = self.logs[number]
        first = data.draw(st.sampled_from(log))
        # Only what comes after its first copy: a relay repeats, it doesn't run ahead.
        log.append(_record(number, len(log), first.key.decode(), first.value, list(first.headers)))  # type: ignore[union-attr,arg-type]

    @rule(count=st.integers(1, 12))
    def deliver(self, count: int) -> None:
        parts = [
            Part(partition, self.logs[partition.number][partition.next_offset : partition.next_offset + count])
            for partition in self.partitions
            if len(self.logs[partition.number]) > partition.next_offset
        ]
        if not parts:
            return
        for part in parts:
            understood = (
                understand(record, self.subscriptions, topic=self.bus.topic, keyring=None) for record in part.records
            )
            part.items = [item for item in understood if item]
        try:
            self.do(self._deliver(parts))
        except ParkingLimitError:
            # Nothing of the batch may be there; the invariants look. Then the cause is mended.
            self.poisoned.clear()
            for partition in self.partitions:
                partition.limit = ParkingLimit(partition.number)
            return
        for part in parts:
            for item in part.items:
                assert isinstance(item, Incoming)
                self._expect(item.received.key, item.received.event.number)

    async def _deliver(self, parts: list[Part]) -> None:
        for careful in (False, True):
            try:
                async with self.bus.database.transaction() as session:
                    delivered = await self.delivery.deliver(session, Batch(self.bus.topic, parts), careful=careful)
            except ValueError:
                assert not careful
                continue
            for part in parts:
                part.partition.moved(part.next_offset, delivered.limits[part.partition.number])
            return

    def _expect(self, key: str, number: int) -> None:
        if number in self.handled[key] or number in self.parked[key] or (key, number) in self.discarded:
            return
        if self.parked[key] or (key, number) in self.poisoned:
            self.parked[key].append(number)
        else:
            self.handled[key].append(number)

    @property
    def discarded(self) -> set[tuple[str, int]]:
        return self.__dict__.setdefault("_discarded", set())

    def waiting(self) -> st.SearchStrategy[str]:
        """A key that is parked."""
        return st.sampled_from([key for key in KEYS if self.parked[key]])

    @precondition(lambda self: any(self.parked.values()))
    @rule(data=st.data(), mended=st.booleans())
    def retry(self, data: st.DataObject, mended: bool) -> None:
        """Of a key whose fault is mended, or not."""
        key = data.draw(self.waiting())
        if mended:
            self.poisoned = {(name, number) for name, number in self.poisoned if name != key}
        self.do(self._retry(key))
        while self.parked[key] and (key, self.parked[key][0]) not in self.poisoned:
            self.handled[key].append(self.parked[key].pop(0))

    async def _retry(self, key: str) -> None:
        connection = await asyncpg.connect(self.dsn)
        where = {"group": self.bus.group, "topic": "machine", "key": key.encode()}
        await unparking.ask_for_retry(connection, **where, by=ANA)  # type: ignore[arg-type]
        await connection.close()
        assert await self.retries.retry_next(self.bus.database.transaction)
        assert not await self.retries.retry_next(self.bus.database.transaction)

    @precondition(lambda self: any(self.parked.values()))
    @rule(data=st.data())
    def discard(self, data: st.DataObject) -> None:
        """Any event of the key, not only the one that failed."""
        key = data.draw(self.waiting())
        place = data.draw(st.integers(0, len(self.parked[key]) - 1))
        self.do(self._discard(key, place))
        self.discarded.add((key, self.parked[key].pop(place)))

    async def _discard(self, key: str, place: int) -> None:
        connection = await asyncpg.connect(self.dsn)
        events = await events_of_key(connection, group=self.bus.group, topic="machine", key=key.encode())
        await unparking.discard(connection, events[place].id, by=ANA)
        await connection.close()

    @invariant()
    def effects_and_parked_events_are_those_of_the_model(self) -> None:
        handled, parked, keys = self.do(self._found())
        assert handled == self.handled
        assert parked == self.parked
        assert keys == {key for key in KEYS if self.parked[key]}

    async def _found(self) -> tuple[dict[str, list[int]], dict[str, list[int]], set[str]]:
        handled: dict[str, list[int]] = {key: [] for key in KEYS}
        parked: dict[str, list[int]] = {key: [] for key in KEYS}
        connection = await asyncpg.connect(self.dsn)
        for row in await connection.fetch("SELECT key, number FROM effect ORDER BY id"):
            handled[row["key"]].append(row["number"])
        keys = {row["key"].decode() for row in await connection.fetch("SELECT key FROM parked_key")}
        for key in keys:
            for event in await events_of_key(connection, group=self.bus.group, topic="machine", key=key.encode()):
                assert event.content is not None
                parked[key].append(self.bus.counted.model_validate_json(event.content.value).number)
        await connection.close()
        return handled, parked, keys

    def teardown(self) -> None:
        self.do(self.bus.database.close())
        self.runner.close()


def _record(partition: int, offset: int, key: str, value: bytes, headers: list[tuple[str, bytes]]) -> Record:
    name = key.encode()
    return Record("machine", partition, offset, 0, 0, name, value, None, len(name), len(value), tuple(headers))


def test_pitfall_09_other_keys_progress_and_a_parked_key_replays_in_order_whatever_happens(
    event_databases: Databases,
) -> None:
    """Pitfall 9. Without `_without_failed_keys` in `Isolation`, or `still_parked` in `Delivery`, later events of a key
    overtake; with `ORDER BY id DESC` in `Retries` they are replayed backwards; without the inbox they come twice."""
    dsn = event_databases.take()
    machine = type("Machine", (PoisonMachine,), {"dsn": dsn})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
    asyncio.run(event_databases.give_back(dsn))
