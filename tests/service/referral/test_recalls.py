"""What the network or the returnee takes back: recall against accept, consent by category, cancelling, reopening."""

import asyncio
from random import Random

import pytest

from tests.categories import CATEGORIES
from tests.service.referral import making
from tests.service.referral.world import World

RACES = 50
BASIC = {"shelter", "food", "health", "transport"}


async def test_of_recall_and_accept_exactly_one_wins(world: World):
    """Fifty times at the same moment over HTTP. Without the journey's lock both are a 200 now and then."""
    shelter = await world.provider(places=RACES)
    returnees = [await world.person({}) for _ in range(RACES)]
    assert await world.round() == RACES
    random, wins = Random(7), 0
    for returnee in returnees:
        offer = await world.offer_of(returnee)

        async def accept(offer_id=offer["offer_id"], after=random.uniform(0, 0.01)):
            await asyncio.sleep(after)
            return await world.step(f"offers/{offer_id}/accept", headers=world.partner(shelter))

        async def refuse(need_id=offer["need_id"], after=random.uniform(0, 0.01)):
            await asyncio.sleep(after)
            return await world.step(f"needs/{need_id}/refuse")

        accepted, refused = await asyncio.gather(accept(), refuse())
        assert refused.status_code == 200
        kept = await world.offer_of(returnee)
        if accepted.status_code == 200:
            wins += 1
            assert kept["status"] == "accepted"
            assert (await world.referral_of(returnee))["status"] == "cancelled"
        else:
            assert (accepted.status_code, accepted.json()["code"]) == (409, "offer-recalled")
            assert kept["status"] == "recalled"
    told = [one["offer_id"] for one in await world.published("offer.accepted.v1")]
    taken_back = [one["offer_id"] for one in await world.published("offer.recalled.v1")]
    assert (len(told), len(taken_back)) == (wins, RACES - wins)
    assert not set(told) & set(taken_back)
    pool = await world.pool(shelter)
    assert (pool["held"], pool["taken"]) == (0, 0)
    assert await world.promises() == {}


@pytest.mark.parametrize("category", CATEGORIES)
async def test_withdrawn_consent_recalls_in_each_category_that_it_gates_and_in_no_other(new_world, category):
    """Basic services go on under a case code. Without the look at `basic` shelter would be recalled too."""
    gated = {one: {"basic": one in BASIC, "restricted": False} for one in CATEGORIES}
    async with new_world(categories=gated) as world:
        await world.provider(category=category)
        returnee = await world.person({"category": category})
        await world.hear(making.allowing(returnee, making.REFERRAL, making.EMPLOYERS, version=2))
        assert await world.round() == 1
        await world.hear(making.consent(returnee, to_providers=False, version=3))
        offer, need = await world.offer_of(returnee), await world.need_of(returnee)
        if category in BASIC:
            assert (offer["status"], need["owner"]) == ("pending", None)
        else:
            assert (offer["status"], offer["reason"]) == ("recalled", "consent_withdrawn")
            assert (need["status"], need["owner_reason"]) == ("open", "consent_withdrawn")
        assert await world.promises() == {}


async def test_the_returnee_cancels_without_a_reason_and_nobody_asks_for_one(world: World):
    """No body is taken, none is described, and neither event nor record holds a word on why."""
    shelter = await world.provider()
    returnee = await world.person({})
    await world.round()
    need_id = (await world.need_of(returnee))["need_id"]
    described = (await world.client.get("/openapi.json")).json()["paths"]["/v1/needs/{need_id}/refuse"]["post"]
    assert "requestBody" not in described
    answer = await world.step(f"needs/{need_id}/refuse")
    assert (answer.status_code, answer.json()["status"], answer.json()["end_reason"]) == (200, "refused", None)
    (event,) = await world.published("need.refused.v1")
    assert "reason" not in event
    steps = await world.rows("SELECT reason, note_id FROM step WHERE step = 'need.refuse'")
    assert [(one["reason"], one["note_id"]) for one in steps] == [(None, None)]
    assert (await world.pool(shelter))["held"] == 0


@pytest.mark.parametrize("ended", ["met", "refused", "closed"])
async def test_an_ended_need_reopened_seeks_anew_but_not_from_who_had_said_no(world: World, ended: str):
    """Who only let the offer expire may be asked again: without `silence_forgiven` nobody is left to ask."""
    near, far = await world.provider(place="GT01"), await world.provider(place="GT12")
    returnee = await world.person({})
    await world.round()
    first = await world.offer_of(returnee)
    assert first["provider_service_id"] == near.service_id
    await world.step(f"offers/{first['offer_id']}/decline", {"reason": "not_eligible"}, headers=world.partner(near))
    await world.round()
    await world.pass_time(seconds=3601)
    need_id = (await world.need_of(returnee))["need_id"]
    referral = (await world.referral_of(returnee))["referral_id"]
    path, body = {
        "met": (f"referrals/{referral}/cancel", {"reason": "met_elsewhere"}),
        "refused": (f"needs/{need_id}/refuse", None),
        "closed": (f"needs/{need_id}/close", {"reason": "lost_contact"}),
    }[ended]
    await world.step(path, body)
    need = await world.need_of(returnee)
    assert need["status"] == ended
    told = [one["reason"] for one in await world.published("need.closed.v1")]
    assert told == (["lost_contact"] if ended == "closed" else [])
    answer = await world.step(f"needs/{need_id}/reopen")
    assert (answer.json()["status"], answer.json()["end_reason"]) == ("open", None)
    assert await world.promises() == {}
    assert await world.round() == 1
    assert (await world.offer_of(returnee))["provider_service_id"] == far.service_id
    assert await world.promises() == {}
