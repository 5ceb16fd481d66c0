"""Random days of one shelter beside a model of its beds: never more people are promised a bed than there are beds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.chassis.clock import Clock
from libs.chassis.database import Database, raw
from services.referral.places import actions as places
from services.referral.places.actions import Hold
from services.referral.places.tables import FREE
from tests.service.referral import making

BEDS = 8


@dataclass(frozen=True)
class Count:
    """Free beds, as somebody at the shelter counted them at a moment."""

    as_of: datetime
    available: int
    accepted_left_out: bool


@dataclass
class Shelter:
    """The beds themselves: who is in one, and who was promised one; by offer, with how many people."""

    random: Random
    database: Database
    pool_id: UUID = field(default_factory=uuid4)
    version: int = 0
    now: datetime = making.LONG_AGO
    held: dict[UUID, int] = field(default_factory=dict)
    accepted: dict[UUID, int] = field(default_factory=dict)
    inside: dict[UUID, int] = field(default_factory=dict)
    strangers: int = 0
    """People in beds whom the network did not send."""
    counts: list[Count] = field(default_factory=list)
    """What may still arrive: the directory refuses a count that is older than what stands."""

    @property
    def in_beds(self) -> int:
        return sum(self.inside.values()) + self.strangers

    @property
    def promised(self) -> int:
        return sum(self.held.values()) + sum(self.accepted.values())

    async def offer(self) -> None:
        offer_id, people = uuid4(), self.random.randint(1, 3)
        async with self.database.transaction() as session:
            (granted,) = await places.hold(session, [{self.pool_id: people}])
            if granted:
                await places.record_holds(session, [Hold(offer_id, self.pool_id, people, None)], at=self.now)
                self.held[offer_id] = people

    async def accept(self) -> None:
        if self.held:
            offer_id = self.random.choice(list(self.held))
            async with self.database.transaction() as session:
                await places.take(session, [offer_id], at=self.now)
            self.accepted[offer_id] = self.held.pop(offer_id)

    async def begin(self) -> None:
        if self.accepted:
            offer_id = self.random.choice(list(self.accepted))
            async with self.database.transaction() as session:
                await places.begin(session, [offer_id], at=self.now)
            self.inside[offer_id] = self.accepted.pop(offer_id)

    async def leave(self) -> None:
        """An offer ends, or people leave; those who never came have used nothing."""
        kind = self.random.choice([self.held, self.accepted, self.inside])
        if kind:
            offer_id = self.random.choice(list(kind))
            used = kind is self.inside and self.random.random() < 0.5
            async with self.database.transaction() as session:
                await places.release(session, {offer_id: used}, at=self.now)
            del kind[offer_id]

    async def stranger(self) -> None:
        """Somebody from elsewhere comes to a bed that is promised to nobody, and the shelter says so; or one leaves."""
        if self.strangers and self.random.random() < 0.4:
            self.strangers -= 1
        elif self.in_beds + self.promised < BEDS:
            self.strangers += 1
            await self.declare_now()

    async def declare_now(self) -> None:
        """Counted and declared in one go: all that is free may be offered, and no more."""
        await self.send(self.count(accepted_left_out=self.random.random() < 0.3))
        assert (await self.pool())["free"] == BEDS - self.in_beds - self.promised

    async def declare_late(self) -> None:
        """A count arrives, perhaps long after it was made."""
        if self.counts:
            await self.send(self.random.choice(self.counts))

    def count(self, *, accepted_left_out: bool) -> Count:
        expected = sum(self.accepted.values()) if accepted_left_out else 0
        return Count(self.now, BEDS - self.in_beds - expected, accepted_left_out)

    async def send(self, count: Count) -> None:
        self.version += 1
        declared = making.capacity(
            self.pool_id, self.pool_id, pool_id=self.pool_id, maximum=BEDS, available=count.available,
            version=self.version, as_of=count.as_of, accepted_left_out=count.accepted_left_out,
        )  # fmt: skip
        async with self.database.transaction() as session:
            await places.declare(session, [declared])
        self.counts = [one for one in self.counts if one.as_of >= count.as_of]

    async def pool(self) -> Any:
        async with self.database.transaction() as session:
            statement = f"SELECT held, taken, {FREE} AS free FROM pool WHERE pool_id = $1"
            return await (await raw(session)).fetchrow(statement, self.pool_id)

    async def check(self) -> None:
        row = await self.pool()
        assert self.in_beds + self.promised + row["free"] <= BEDS
        assert row["held"] == sum(self.held.values())
        assert row["taken"] == sum(self.accepted.values()) + sum(self.inside.values())


@pytest.mark.parametrize("seed", range(6))
async def test_never_more_people_are_promised_a_bed_than_there_are_beds(migrated: Callable[..., str], seed: int):
    """Seen to fail without those who have not begun, and without the moment at which they begin."""
    random = Random(seed)
    database = Database(migrated("referral"), clock=Clock(), application_name="counting", pool_size=1)
    try:
        shelter = Shelter(random, database, strangers=random.randint(1, 4))
        await shelter.declare_now()
        steps = [shelter.offer, shelter.accept, shelter.begin, shelter.leave, shelter.stranger, shelter.declare_late]
        for step in random.choices(steps, weights=[5, 4, 3, 3, 1, 3], k=120):
            shelter.now += timedelta(minutes=1)
            await step()
            await shelter.check()
            shelter.counts += [shelter.count(accepted_left_out=flag) for flag in (False, True)]
    finally:
        await database.close()
