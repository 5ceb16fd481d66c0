"""Each pair of state and step through the API: what the tables of states allow happens, all else is a 409 by name."""

from libs.chassis.database import raw
from services.referral.lifecycles.rules import (
    NEXT_NEED,
    NEXT_OFFER,
    NEXT_REFERRAL,
    NeedStatus,
    NeedStep,
    OfferStatus,
    OfferStep,
    ReferralStatus,
    ReferralStep,
)
from tests.service.referral.world import Provider, World

OFFER_PATHS = {
    OfferStep.ACKNOWLEDGE: ("acknowledge", None),
    OfferStep.ACCEPT: ("accept", None),
    OfferStep.DECLINE: ("decline", {"reason": "other", "note": "closed for the night"}),
}
REFERRAL_PATHS = {
    ReferralStep.START: ("start", None),
    ReferralStep.COMPLETE: ("complete", {"outcome": "need_met"}),
    ReferralStep.REPORT_NOT_DELIVERED: ("not-delivered", {"reason": "provider_unable"}),
    ReferralStep.CANCEL: ("cancel", {"reason": "by_returnee"}),
    ReferralStep.ENTER_IN_ERROR: ("enter-in-error", {}),
}
NEED_PATHS = {
    NeedStep.REFUSE: ("refuse", None),
    NeedStep.CLOSE: ("close", {"reason": "lost_contact"}),
    NeedStep.REOPEN: ("reopen", None),
}


async def an_offer(world: World) -> dict[str, object]:
    returnee = await world.person({})
    await world.round()
    return await world.offer_of(returnee)


async def put(world: World, table: str, key: object, status: str) -> None:
    """Put a row into a state without taking the steps that lead there."""
    async with world.database.transaction() as session:
        await (await raw(session)).execute(f"UPDATE {table} SET status = $2 WHERE {table}_id = $1", key, status)


async def test_every_step_of_an_offer_from_every_state(world: World):
    await world.provider(places=100)
    late = {OfferStatus.RECALLED: "offer-recalled", OfferStatus.EXPIRED: "offer-expired"}
    for state in OfferStatus:
        for step, (path, body) in OFFER_PATHS.items():
            offer = await an_offer(world)
            await put(world, "offer", offer["offer_id"], state)
            answer = await world.step(f"offers/{offer['offer_id']}/{path}", body)
            allowed = NEXT_OFFER.get((state, step))
            if allowed is not None:
                assert (answer.status_code, answer.json()["status"]) == (200, allowed), (state, step)
            else:
                code = late.get(state, "step-not-allowed")
                assert (answer.status_code, answer.json()["code"]) == (409, code), (state, step)


async def accepted(world: World, shelter: Provider) -> dict[str, object]:
    offer = await an_offer(world)
    await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(shelter))
    return offer


async def test_every_step_of_a_referral_from_every_state(world: World):
    shelter = await world.provider(places=500)
    for state in ReferralStatus:
        for step, (path, body) in REFERRAL_PATHS.items():
            referral = (await accepted(world, shelter))["referral_id"]
            await put(world, "referral", referral, state)
            answer = await world.step(f"referrals/{referral}/{path}", body)
            allowed = NEXT_REFERRAL.get((state, step))
            if allowed is not None:
                assert (answer.status_code, answer.json()["status"]) == (200, allowed), (state, step, answer.text)
            else:
                problem = answer.json()
                assert (answer.status_code, problem["code"]) == (409, "step-not-allowed"), (state, step)
                assert (problem["subject"], problem["state"], problem["step"]) == ("referral", state, step)


async def test_every_step_of_a_need_from_every_state(world: World):
    shelter = await world.provider(places=100)
    for state in NeedStatus:
        for step, (path, body) in NEED_PATHS.items():
            offer = await accepted(world, shelter)
            if state is not NeedStatus.OPEN:
                await put(world, "referral", offer["referral_id"], ReferralStatus.COMPLETED)
            await put(world, "need", offer["need_id"], state)
            answer = await world.step(f"needs/{offer['need_id']}/{path}", body)
            allowed = NEXT_NEED.get((state, step))
            if allowed is not None:
                assert (answer.status_code, answer.json()["status"]) == (200, allowed), (state, step)
            else:
                assert (answer.status_code, answer.json()["code"]) == (409, "step-not-allowed"), (state, step)
