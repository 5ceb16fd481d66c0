"""Decisions of people: reviews, overrides, restricted categories."""

from libs.events.codes import ProtectionFlag
from tests.service.referral.world import World

GBV = {"category": "gbv"}


async def test_restricted_categories_do_not_exist_without_their_scope(world: World):
    haven = await world.provider(category="gbv", service_type="safe_house", restricted=True)
    returnee = await world.person(GBV)
    open_eyes, plain = world.staff(restricted=True), world.staff()
    assert (await world.ask("reviews"))["items"] == []
    (review,) = (await world.ask("reviews", headers=open_eyes))["items"]
    for path in (f"reviews/{review['id']}/approve",):
        assert (await world.step(path, {}, headers=plain)).status_code == 404
    await world.step(f"reviews/{review['id']}/approve", {}, headers=open_eyes)
    assert await world.round() == 1
    offer = await world.offer_of(returnee)
    need_id = (await world.need_of(returnee))["need_id"]
    for path in (f"offers/{offer['offer_id']}", f"needs/{need_id}", f"referrals/{offer['referral_id']}"):
        assert (await world.client.get(f"/v1/{path}", headers=plain)).status_code == 404
        assert (await world.client.get(f"/v1/{path}", headers=open_eyes)).status_code == 200
    assert (await world.ask("offers"))["items"] == []
    assert (await world.ask("offers", headers=world.partner(haven)))["items"] == []
    assert len((await world.ask("offers", headers=world.partner(haven, restricted=True)))["items"]) == 1
    assert (await world.ask("places"))["items"] == []
    assert (await world.ask("statistics"))["categories"] == []
    assert (await world.ask(f"returnees/{returnee}/journey"))["steps"] == []
    (counted,) = (await world.ask("statistics", headers=open_eyes))["categories"]
    assert (counted["category"], counted["needs"], counted["offered"]) == ("gbv", None, None), "one is too few to tell"


async def test_who_settles_an_age_does_not_let_a_restricted_need_be_offered(world: World):
    """Each reason has a review of its own: with one mark for all approvals the first would be the last."""
    safe = {"service_type": "safe_house", "restricted": True, "eligibility": {"unaccompanied_children": True}}
    await world.provider(category="gbv", **safe)
    await world.person(GBV, protection_flags=[ProtectionFlag.AGE_DISPUTED])
    headers = world.staff(restricted=True)
    for reason, desk in (("age_unresolved", "child-desk"), ("restricted_category", "lead")):
        assert await world.round() == 0
        (review,) = (await world.ask("reviews", status="pending", headers=headers))["items"]
        assert (review["reason"], review["desk"]) == (reason, desk)
        assert await world.promises() == {}
        unsure = {"group": "unsure", "basis": "assessment"}
        step, body = ("decide-age", unsure) if reason == "age_unresolved" else ("approve", {})
        await world.step(f"reviews/{review['id']}/{step}", body, headers=headers)
    assert await world.round() == 1


async def test_what_was_approved_stays_approved_when_the_service_did_not_happen(new_world):
    """Without the approvals that `report_not_delivered` hands on, the same desk is asked the same again."""
    async with new_world(categories={"shelter": {"review": True}}) as world:
        near = await world.provider(place="GT01")
        await world.provider(place="GT12")
        returnee = await world.person({})
        (review,) = (await world.ask("reviews", status="pending"))["items"]
        await world.step(f"reviews/{review['id']}/approve", {})
        await world.round()
        offer = await world.offer_of(returnee)
        await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(near))
        await world.step(f"referrals/{offer['referral_id']}/not-delivered", {"reason": "other"})
        assert (await world.ask("reviews", status="pending"))["items"] == []
        assert await world.promises() == {}
        assert await world.round() == 1


async def test_a_restricted_need_is_never_offered_to_an_ordinary_service(world: World):
    await world.provider(category="gbv", service_type="safe_house")
    returnee = await world.person(GBV)
    (review,) = (await world.ask("reviews", headers=world.staff(restricted=True)))["items"]
    await world.step(f"reviews/{review['id']}/approve", {}, headers=world.staff(restricted=True))
    assert await world.round() == 0
    assert (await world.need_of(returnee))["owner_reason"] == "no_candidate"


async def test_a_rejected_review_ends_the_referral_and_leaves_the_need_with_its_desk(new_world):
    async with new_world(categories={"shelter": {"review": True}}) as world:
        await world.provider()
        returnee = await world.person({})
        (review,) = (await world.ask("reviews", status="pending", desk="lead"))["items"]
        answer = await world.step(f"reviews/{review['id']}/reject", {"note": "Told at the desk"})
        assert answer.json()["status"] == "rejected"
        assert (await world.referral_of(returnee))["status"] == "cancelled"
        need = await world.need_of(returnee)
        assert (need["status"], need["owner"]) == ("open", "lead")
        assert await world.promises() == {}
        await world.step(f"needs/{need['need_id']}/seek-again")
        assert (await world.referral_of(returnee))["status"] == "awaiting_review"


async def test_a_person_overrides_the_router_with_a_reason(world: World):
    near, far = await world.provider(), await world.provider(catchment=["GT13"])
    returnee = await world.person({})
    await world.round()
    referral = (await world.referral_of(returnee))["referral_id"]
    body = {"provider_service_id": str(far.service_id), "reason": "Family lives next door"}
    answer = await world.step(f"referrals/{referral}/override", body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["provider_service_id"] == str(far.service_id)
    assert ((await world.pool(near))["held"], (await world.pool(far))["held"]) == (0, 1)
    (recalled,) = await world.published("offer.recalled.v1")
    assert recalled["reason"] == "overridden"
    offer = await world.offer_of(returnee)
    assert await world.note_of("referral.override") == body["reason"]
    assert offer["explanation"]["overruled"] == ["catchment"]
    assert await world.promises() == {}


async def test_interlocks_and_places_hold_for_people_too(world: World):
    feared = await world.provider(place="GT13")
    full = await world.provider(places=0)
    wrong = await world.provider(category="health")
    returnee = await world.person({}, avoid_places=["GT13"])
    await world.round()
    referral = (await world.referral_of(returnee))["referral_id"]

    async def override(service_id: object) -> tuple[int, dict[str, object]]:
        body = {"provider_service_id": str(service_id), "reason": "Because I say so"}
        answer = await world.step(f"referrals/{referral}/override", body)
        return answer.status_code, answer.json()

    status, problem = await override(feared.service_id)
    assert (status, problem["code"], problem["reasons"]) == (409, "not-a-candidate", ["feared_place"])
    status, problem = await override(full.service_id)
    assert (status, problem["code"]) == (409, "no-place-free")
    status, problem = await override(wrong.service_id)
    assert (status, problem["code"]) == (404, "not-found")


async def test_an_override_needs_a_referral_that_still_looks_for_a_service(world: World):
    shelter = await world.provider()
    returnee = await world.person({})
    await world.round()
    offer = await world.offer_of(returnee)
    await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(shelter))
    body = {"provider_service_id": str(shelter.service_id), "reason": "Too late for that"}
    answer = await world.step(f"referrals/{offer['referral_id']}/override", body)
    assert (answer.status_code, answer.json()["code"], answer.json()["step"]) == (409, "step-not-allowed", "override")
