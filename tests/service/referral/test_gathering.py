"""Answers that come together share a transaction; nobody pays for another's refusal, lock or fault."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import Database, raw
from libs.events.codes import DeclineReason
from services.referral.access import EVERYTHING
from services.referral.errors import StepNotAllowed
from services.referral.journeys.facts import Offer
from services.referral.journeys.work import Work
from services.referral.offers.actions import answering
from services.referral.offers.actions.answering import GivenAnswer
from services.referral.offers.actions.gathering import answers_of
from services.referral.offers.schemas import OfferView
from tests.service.referral.counting import statements_of
from tests.service.referral.world import Provider, World


async def statuses(world: World) -> Counter[str]:
    return Counter(row["status"] for row in await world.rows("SELECT status FROM offer"))


def accepting(world: World, one: Provider, offer_id: UUID) -> asyncio.Task[httpx.Response]:
    return asyncio.create_task(world.step(f"offers/{offer_id}/accept", headers=world.partner(one)))


def said(offer_id: UUID, step: answering.Effect = answering.accept, *, actor: str = "partner-test") -> GivenAnswer:
    return GivenAnswer(offer_id, step, EVERYTHING, actor)


async def test_answers_that_come_together_share_a_transaction(world: World):
    """Each is told its own offer. With `MOST` at 1 every answer has all statements to itself."""
    shelter = await world.provider(places=200)
    offers = await world.offers_to(shelter, 120)
    with statements_of(world.database) as sent:
        told = await asyncio.gather(*(accepting(world, shelter, one) for one in offers))
    assert {answer.status_code for answer in told} == {200}
    assert [answer.json()["id"] for answer in told] == [str(one) for one in offers]
    assert {answer.json()["status"] for answer in told} == {"accepted"}
    assert len(sent) < 120 * 2
    assert (await world.pool(shelter))["taken"] == 120
    assert len(await world.published("offer.accepted.v1")) == 120
    assert await world.promises() == {}


async def test_each_answer_is_refused_or_taken_by_itself(world: World):
    """Without the rehearsal in `answering._answer_one` the first refusal spoils all that share its transaction."""
    shelter, other = await world.provider(places=9), await world.provider(places=9, place="GT13")
    answered, declined, accepted = await world.offers_to(shelter, 3)
    await accepting(world, shelter, answered)
    told = await asyncio.gather(
        world.step(f"offers/{uuid4()}/accept", headers=world.partner(shelter)),
        world.step(f"offers/{accepted}/accept", headers=world.partner(other)),
        world.step(f"offers/{answered}/decline", {"reason": "full"}, headers=world.partner(shelter)),
        world.step(f"offers/{declined}/decline", {"reason": "other"}, headers=world.partner(shelter)),
        world.step(f"offers/{declined}/decline", {"reason": "not_our_area"}, headers=world.partner(shelter)),
        accepting(world, shelter, accepted),
    )
    assert [one.status_code for one in told] == [404, 404, 409, 422, 200, 200]
    assert told[2].json()["code"] == "step-not-allowed"
    assert told[3].json()["errors"][0]["pointer"] == "/note"
    assert await statuses(world) == {"accepted": 2, "declined": 1}
    assert not (await world.pool(shelter))["closed"]
    assert await world.promises() == {}


async def test_an_offer_of_a_restricted_category_does_not_exist_for_who_may_not_know(world: World):
    """Answered alone, by the hundred or with others. Without `sees_all` in `offers.queries._RETURNEES` it is a 200."""
    shelter = await world.provider()
    returnee = await world.person({})
    await world.round()
    offer = await world.offer_of(returnee)
    async with world.database.transaction() as session:
        await (await raw(session)).execute("UPDATE offer SET restricted = true")
    path, blind = f"offers/{offer['offer_id']}/accept", world.partner(shelter)
    answers = {"answers": [{"offer_id": str(offer["offer_id"]), "answer": "accept"}]}
    keyed = blind | {"Idempotency-Key": str(uuid4())}
    told = [
        (await world.step(path, headers=blind)).status_code,
        (await world.step(path, headers=keyed)).status_code,
        (await world.step("offers/answers", answers, headers=keyed)).json()["results"][0]["status"],
    ]
    assert told == [404, 404, 404]
    assert (await world.offer_of(returnee))["status"] == "pending"
    assert (await world.step(path, headers=world.partner(shelter, restricted=True))).status_code == 200


async def test_an_answer_whose_journey_is_held_keeps_no_other_waiting(world: World):
    """With `journeys.lock` in place of `journeys.claim` in `answering.answer_free` the second waits too."""
    shelter = await world.provider(places=9)
    held, free, more = await world.offers_to(shelter, 3)
    async with world.database.transaction() as holding:
        await (await raw(holding)).execute(
            "SELECT FROM journey WHERE returnee_id = (SELECT returnee_id FROM offer WHERE offer_id = $1) FOR UPDATE",
            held,
        )
        waiting = accepting(world, shelter, held)
        both = await asyncio.wait_for(
            asyncio.gather(accepting(world, shelter, free), accepting(world, shelter, more)), timeout=15
        )
        assert [one.status_code for one in both] == [200, 200]
        assert not waiting.done()
    assert (await waiting).status_code == 200
    assert await world.promises() == {}


async def test_a_fault_in_one_answer_is_met_by_that_one_alone(world: World):
    """Without the second try, one by one, all that share its transaction fail."""
    shelter = await world.provider(places=9)
    offers = await world.offers_to(shelter, 5)

    def broken(work: Work, offer: Offer) -> None:
        answering.accept(work, offer)
        raise RuntimeError("a step that was written badly")

    together = answers_of(world.database, world.policy)
    steps = [answering.accept, answering.accept, broken, answering.accept, answering.accept]
    told = await asyncio.gather(
        *(together.write(said(one, step)) for one, step in zip(offers, steps, strict=True)), return_exceptions=True
    )
    assert [isinstance(one, RuntimeError) for one in told] == [False, False, True, False, False]
    assert await statuses(world) == {"accepted": 4, "pending": 1}
    assert await world.promises() == {}


async def test_where_nobody_knows_whether_it_was_committed_no_answer_is_taken_again(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """The connection is lost after the commit: each is told of the fault, not that its first answer came before.

    Without `decided` the answers are taken again, and refused as second ones.
    """
    shelter = await world.provider(places=9)
    offers = await world.offers_to(shelter, 3)
    real = Database.transaction

    @asynccontextmanager
    async def lost(database: Database) -> AsyncIterator[AsyncSession]:
        async with real(database) as session:
            yield session
        raise ConnectionResetError

    together = answers_of(world.database, world.policy)
    with monkeypatch.context() as patched:
        patched.setattr(Database, "transaction", lost)
        answers = [said(one, answering.decline(DeclineReason.NOT_ELIGIBLE, None)) for one in offers]
        told = await asyncio.gather(*map(together.write, answers), return_exceptions=True)
    assert [type(one) for one in told] == [ConnectionResetError] * 3
    assert await statuses(world) == {"declined": 3}
    with pytest.raises(StepNotAllowed):
        await together.write(said(offers[0]))


async def test_whoever_asked_and_went_away_keeps_no_other_waiting(world: World):
    """Before its answer is written, or meanwhile. Without `told.done()` in `_tell` the others are never told."""
    shelter = await world.provider(places=9)
    offers = await world.offers_to(shelter, 6)
    together = answers_of(world.database, world.policy)
    asked: list[asyncio.Task[OfferView]] = []

    def leaving(work: Work, offer: Offer) -> None:
        answering.accept(work, offer)
        asked[3].cancel()

    asked += [asyncio.create_task(together.write(said(one, leaving))) for one in offers]
    await asyncio.sleep(0)
    asked[0].cancel()
    told = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), timeout=30)
    assert [isinstance(one, asyncio.CancelledError) for one in told] == [True, False, False, True, False, False]
    assert (await statuses(world))["accepted"] >= 4
    assert await world.promises() == {}


async def test_each_answer_has_its_own_actor_and_the_span_of_its_own_request(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """Without `acting_as` and `use_span` in `answering._answer_one` they are those of the first, or of none."""
    seen: list[tuple[str, int]] = []

    def noting(work: Work, offer: Offer) -> None:
        seen.append((work.actor, trace.get_current_span().get_span_context().span_id))
        answering.accept(work, offer)

    def request(number: int) -> NonRecordingSpan:
        return NonRecordingSpan(SpanContext(7, number, is_remote=False, trace_flags=TraceFlags.get_default()))

    shelter = await world.provider(places=9)
    offers = await world.offers_to(shelter, 3)
    together = answers_of(world.database, world.policy)

    async def ask(offer_id: UUID, number: int) -> Any:
        with trace.use_span(request(number)):
            return await together.write(said(offer_id, noting, actor=f"partner-{number}"))

    await asyncio.gather(*(ask(one, nth) for nth, one in enumerate(offers, start=1)))
    taken = [one for one in seen if one[0] != "provider"]
    assert taken == [(f"partner-{nth}", nth) for nth in (1, 2, 3)]
    rows = await world.rows("SELECT offer_id, actor FROM step WHERE step = 'offer.accept'")
    assert {row["offer_id"]: row["actor"] for row in rows} == {
        one: f"partner-{nth}" for nth, one in enumerate(offers, start=1)
    }
