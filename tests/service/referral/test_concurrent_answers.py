"""Two offers of one returnee are answered at the same moment: what others hear of the returnee stays in order."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any
from uuid import UUID

import asyncpg

from libs.chassis.database import raw
from tests.events.bus import until
from tests.service.referral.world import Provider, World

RETURNEES = 12
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
LAST_ID = "SELECT pg_sequence_last_value(pg_get_serial_sequence('outbox', 'id')::regclass)"


class Watcher:
    """Reads the outbox all the time, as a relay does, and notes each key's events as they become visible."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = False
        self.seen: dict[str, list[int]] = {}
        self.inverted: list[tuple[str, int]] = []

    async def run(self) -> None:
        """Until `stop`, and once more."""
        connection = await asyncpg.connect(self._url)
        try:
            last = False
            while not last:
                last = self._stop
                for row in await connection.fetch("SELECT id, key FROM outbox ORDER BY id"):
                    self._note(row["key"], row["id"])
                await asyncio.sleep(0)
        finally:
            await connection.close()

    def _note(self, key: str, id_: int) -> None:
        known = self.seen.setdefault(key, [])
        if id_ in known:
            return
        if known and id_ < max(known):
            self.inverted.append((key, id_))
        known.append(id_)

    def stop(self) -> None:
        """Let the last look begin."""
        self._stop = True


async def two_offers(world: World, shelter: Provider, health: Provider) -> list[tuple[UUID, UUID, Provider]]:
    """(returnee, offer, provider) of two offers for each of several returnees."""
    returnees = [await world.person({}, {"category": "health"}) for _ in range(RETURNEES)]
    await world.round()
    by_service = {one.service_id: one for one in (shelter, health)}
    rows = await world.rows("SELECT returnee_id, offer_id, provider_service_id FROM offer ORDER BY returnee_id")
    found = [(row["returnee_id"], row["offer_id"], by_service[row["provider_service_id"]]) for row in rows]
    assert len(found) == 2 * RETURNEES
    assert {returnee for returnee, _, _ in found} == set(returnees)
    return found


async def test_two_concurrent_answers_to_two_offers_of_one_returnee_keep_the_order_of_its_events(
    world: World,
) -> None:
    """All at once, accepted and declined. Each answer has its transaction's beginning before it locks the journey.

    Without `FOR UPDATE` in `journeys.queries.lock` events appear below others of their key that were seen.
    """
    shelter = await world.provider(places=50)
    health = await world.provider(places=50, category="health", service_type="clinic")
    offers = await two_offers(world, shelter, health)
    randomly = random.Random(4)

    async def answer(offer_id: UUID, provider: Provider) -> None:
        await asyncio.sleep(randomly.uniform(0, 0.05))
        body: dict[str, Any] | None = None
        step = randomly.choice(["accept", "decline"])
        if step == "decline":
            body = {"reason": "other", "note": "closed for the night"}
        done = await world.step(f"offers/{offer_id}/{step}", body, headers=world.partner(provider))
        assert done.status_code == 200, done.text

    watcher = Watcher(world.url)
    watching = asyncio.create_task(watcher.run())
    await asyncio.gather(*(answer(offer_id, provider) for _, offer_id, provider in offers))
    watcher.stop()
    await watching
    assert watcher.inverted == []
    assert len(watcher.seen) >= RETURNEES
    assert await world.promises() == {}


async def test_the_answer_that_locked_the_journey_first_is_published_first(world: World) -> None:
    """Both wait for the journey; whichever comes first, its events stand together, before those of the other.

    While they wait neither has drawn an outbox id: it would be older than its commit. Without `FOR UPDATE` in
    `journeys.queries.lock` they don't wait; with the lock after the work in `offers.answering` the ids are drawn
    before.
    """
    shelter = await world.provider(places=5)
    health = await world.provider(places=5, category="health", service_type="clinic")
    returnee = await world.person({}, {"category": "health"})
    await world.round()
    by_service = {one.service_id: one for one in (shelter, health)}
    rows = await world.rows("SELECT offer_id, provider_service_id FROM offer WHERE returnee_id = $1", returnee)
    before = len(await world.types())
    drawn = await world.rows(LAST_ID)
    async with world.database.transaction() as holding:
        await (await raw(holding)).execute("SELECT FROM journey WHERE returnee_id = $1 FOR UPDATE", returnee)
        answers = [
            asyncio.create_task(
                world.step(
                    f"offers/{row['offer_id']}/decline",
                    {"reason": "other", "note": "closed for the night"},
                    headers=world.partner(by_service[row["provider_service_id"]]),
                )
            )
            for row in rows
        ]
        await _both_wait(world)
        assert await world.rows(LAST_ID) == drawn
    assert [answer.status_code for answer in await asyncio.gather(*answers)] == [200, 200]
    events = await world.rows("SELECT key, payload FROM outbox ORDER BY id OFFSET $1", before)
    told = [str(json.loads(row["payload"]).get("offer_id")) for row in events]
    answered = [one for one in told if one != "None"]
    assert {row["key"] for row in events} == {str(returnee)}
    assert sorted(answered) == sorted(str(row["offer_id"]) for row in rows)
    steps = await world.rows(
        "SELECT offer_id FROM step WHERE returnee_id = $1 AND step = 'offer.decline' ORDER BY step_id", returnee
    )
    assert answered == [str(row["offer_id"]) for row in steps]
    assert await world.promises() == {}


async def _both_wait(world: World) -> None:
    connection = await asyncpg.connect(world.url)

    async def both() -> bool:
        return bool(await connection.fetchval(WAITING) == 2)

    try:
        await until(both)
    finally:
        await connection.close()
