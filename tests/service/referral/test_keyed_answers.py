"""An answer with an Idempotency-Key shares a transaction as any other, and has one effect however often it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from uuid import UUID, uuid4

import httpx

from libs.chassis.database import raw
from tests.service.referral.counting import statements_of
from tests.service.referral.world import Provider, World


async def accept(world: World, one: Provider, offer_id: UUID, key: str) -> httpx.Response:
    headers = world.partner(one) | {"Idempotency-Key": key}
    return await world.step(f"offers/{offer_id}/accept", headers=headers)


async def accept_all(world: World, one: Provider, keyed: Iterable[tuple[UUID, str]]) -> list[httpx.Response]:
    return await asyncio.gather(*(accept(world, one, offer_id, key) for offer_id, key in keyed))


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(300):
        while not happened():  # noqa: ASYNC110 - what it waits for tells nobody
            await asyncio.sleep(0.01)


async def test_answers_with_keys_that_come_together_share_a_transaction(world: World):
    """With a transaction for each, there are twenty statements for each."""
    shelter = await world.provider(places=200)
    keyed = [(one, str(uuid4())) for one in await world.offers_to(shelter, 120)]
    with statements_of(world.database) as sent:
        told = await accept_all(world, shelter, keyed)
    assert [answer.json()["id"] for answer in told] == [str(one) for one, _ in keyed]
    assert {answer.json()["status"] for answer in told} == {"accepted"}
    assert len(sent) < 120 * 2
    assert len(await world.rows("SELECT FROM idempotency_key")) == 120


async def test_the_same_answers_sent_again_are_told_the_same_and_do_nothing(world: World):
    """Without `_answered_before` in `offers.answering` each is refused as a second answer: the offer is accepted."""
    shelter = await world.provider(places=9)
    keyed = [(one, str(uuid4())) for one in await world.offers_to(shelter, 6)]
    first = await accept_all(world, shelter, keyed[:4])
    both = await accept_all(world, shelter, keyed)
    assert [one.status_code for one in both] == [200] * 6
    assert [one.headers.get("Idempotency-Replayed") for one in both] == ["true"] * 4 + [None] * 2
    assert [one.json() for one in both[:4]] == [one.json() for one in first]
    assert len(await world.published("offer.accepted.v1")) == 6
    assert (await world.pool(shelter))["taken"] == 6
    assert await world.promises() == {}


async def test_twins_that_share_a_transaction_are_taken_once(world: World):
    """An advisory lock lets its own transaction in again: without `first` in `idempotency.begun` each is worked on,
    and all but one are told that the offer had been accepted before."""
    shelter = await world.provider(places=9)
    busy, twin = await world.offers_to(shelter, 2)
    together = world.app.state.gathering
    async with world.database.transaction() as holding:
        await (await raw(holding)).execute("LOCK TABLE offer")
        first = asyncio.create_task(accept(world, shelter, busy, "busy"))
        await until(lambda: together._waiting == {None: []})
        twins = asyncio.create_task(accept_all(world, shelter, [(twin, "twin")] * 5))
        await until(lambda: len(together._waiting[None]) == 5)
    told = [await first, *await twins]
    assert sorted(one.status_code for one in told) == [200, 200, 409, 409, 409, 409]
    assert {one.json().get("code") for one in told} == {None, "idempotency-in-flight"}
    again = await accept(world, shelter, twin, "twin")
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")


async def test_a_key_of_another_answer_is_refused_and_spoils_no_other(world: World):
    """The key names a request: with the fingerprint left out the second offer is told to be accepted, and is not."""
    shelter = await world.provider(places=9)
    first, second, third = await world.offers_to(shelter, 3)
    await accept(world, shelter, first, "one")
    told = await accept_all(world, shelter, [(second, "one"), (third, "another")])
    assert [one.status_code for one in told] == [422, 200]
    assert told[0].json()["code"] == "idempotency-key-reused"
    assert told[0].json()["errors"][0]["pointer"] == "Idempotency-Key"
    row = await world.row("SELECT status FROM offer WHERE offer_id = $1", second)
    assert row["status"] == "pending"


async def test_a_refused_answer_keeps_no_key(world: World):
    """It may be right the next time: what is kept is what was done."""
    shelter = await world.provider(places=9)
    (offer,) = await world.offers_to(shelter, 1)
    await accept(world, shelter, offer, "first")
    assert [(await accept(world, shelter, offer, "second")).status_code for _ in range(2)] == [409, 409]
    assert len(await world.rows("SELECT FROM idempotency_key WHERE key = 'second'")) == 0


async def test_whoever_may_not_see_the_offer_learns_nothing_by_a_key_it_used(world: World):
    """The rights are asked before the key. With `_answered_before` first the answer is the offer."""
    shelter = await world.provider(places=9)
    (offer,) = await world.offers_to(shelter, 1)
    await accept(world, shelter, offer, "one")
    async with world.database.transaction() as session:
        await (await raw(session)).execute("UPDATE offer SET restricted = true")
    assert (await accept(world, shelter, offer, "one")).status_code == 404
