"""What becomes of an accepted referral, and every way in which a referral or a need ends."""

from uuid import uuid4

import pytest

from tests.service.referral.world import World


async def accepted(world: World, **provider):
    """A returnee whose shelter need has been accepted, and the provider."""
    shelter = await world.provider(**{"places": 3, **provider})
    returnee = await world.person({})
    await world.round()
    offer = await world.offer_of(returnee)
    await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(shelter))
    return returnee, shelter, (await world.referral_of(returnee))["referral_id"]


async def test_a_provider_starts_and_completes_and_the_need_is_met(world: World):
    returnee, shelter, referral = await accepted(world)
    partner = world.partner(shelter)
    answer = await world.step(f"referrals/{referral}/start", headers=partner)
    assert (answer.status_code, answer.json()["status"]) == (200, "in_service")
    assert await world.promises() == {}
    answer = await world.step(f"referrals/{referral}/complete", {"outcome": "need_met"}, headers=partner)
    assert (answer.json()["status"], answer.json()["outcome"]) == ("completed", "need_met")
    assert (await world.need_of(returnee))["status"] == "met"
    assert (await world.types())[-3:] == ["referral.started.v1", "referral.completed.v1", "need.met.v1"]
    pool = await world.pool(shelter)
    # The bed is free of the network, but only the provider can say that it is available again.
    assert (pool["held"], pool["taken"], pool["taken_uncounted"]) == (0, 0, 1)
    assert await world.promises() == {}


async def test_completing_needs_an_outcome_and_a_service_that_began(world: World):
    _, shelter, referral = await accepted(world)
    partner = world.partner(shelter)
    answer = await world.step(f"referrals/{referral}/complete", {}, headers=partner)
    assert answer.status_code == 422
    answer = await world.step(f"referrals/{referral}/complete", {"outcome": "need_met"}, headers=partner)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "step-not-allowed")
    assert (problem["subject"], problem["state"], problem["step"]) == ("referral", "accepted", "complete")


async def test_an_outcome_that_does_not_meet_the_need_leaves_it_with_a_desk(world: World):
    returnee, shelter, referral = await accepted(world)
    await world.step(f"referrals/{referral}/start", headers=world.partner(shelter))
    await world.step(f"referrals/{referral}/complete", {"outcome": "need_partly_met"}, headers=world.partner(shelter))
    need = await world.need_of(returnee)
    assert (need["status"], need["owner"], need["owner_reason"]) == ("open", "lead", "outcome_incomplete")
    assert await world.promises() == {}


async def test_a_service_not_delivered_starts_routing_again_elsewhere(world: World):
    returnee, first, referral = await accepted(world)
    second = await world.provider(place="GT13")
    answer = await world.step(
        f"referrals/{referral}/not-delivered", {"reason": "provider_unable"}, headers=world.partner(first)
    )
    assert answer.json()["status"] == "not_delivered"
    assert (await world.pool(first))["taken_uncounted"] == 0
    assert await world.promises() == {}
    await world.round()
    assert (await world.offer_of(returnee))["provider_service_id"] == second.service_id
    assert len(await world.rows("SELECT 1 FROM referral WHERE returnee_id = $1", returnee)) == 2


@pytest.mark.parametrize(
    ("reason", "status", "owner_reason"),
    [
        ("by_returnee", "refused", None),
        ("met_elsewhere", "met", None),
        ("duplicate", "closed", None),
        ("consent_withdrawn", "open", "consent_withdrawn"),
    ],
)
async def test_the_reason_of_a_cancellation_decides_what_becomes_of_the_need(
    world: World, reason: str, status: str, owner_reason: str | None
):
    returnee, shelter, referral = await accepted(world)
    answer = await world.step(f"referrals/{referral}/cancel", {"reason": reason})
    assert answer.json()["status"] == "cancelled"
    need = await world.need_of(returnee)
    assert (need["status"], need["owner_reason"]) == (status, owner_reason)
    assert (await world.pool(shelter))["taken"] == 0
    assert await world.promises() == {}


async def test_a_cancelled_offer_is_recalled_and_a_late_accept_learns_of_it(world: World):
    shelter = await world.provider()
    returnee = await world.person({})
    await world.round()
    offer = await world.offer_of(returnee)
    referral = (await world.referral_of(returnee))["referral_id"]
    await world.step(f"referrals/{referral}/cancel", {"reason": "by_returnee"})
    late = await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(shelter))
    assert (late.status_code, late.json()["code"]) == (409, "offer-recalled")
    (event,) = await world.published("offer.recalled.v1")
    assert event["reason"] == "by_returnee"


async def test_a_provider_may_not_cancel_or_override(world: World):
    _, shelter, referral = await accepted(world)
    partner = world.partner(shelter)
    answer = await world.step(f"referrals/{referral}/cancel", {"reason": "duplicate"}, headers=partner)
    assert (answer.status_code, answer.json()["code"]) == (403, "staff-only")


async def test_a_referral_entered_in_error_frees_its_place_and_a_desk_answers_for_the_need(world: World):
    returnee, shelter, referral = await accepted(world)
    await world.step(f"referrals/{referral}/start", headers=world.partner(shelter))
    await world.step(f"referrals/{referral}/complete", {"outcome": "need_met"}, headers=world.partner(shelter))
    answer = await world.step(f"referrals/{referral}/enter-in-error", {})
    assert answer.json()["status"] == "entered_in_error"
    need = await world.need_of(returnee)
    assert (need["status"], need["owner"]) == ("open", "lead")
    assert await world.promises() == {}
    again = await world.step(f"referrals/{referral}/enter-in-error", {})
    assert again.status_code == 409


async def test_a_need_is_refused_without_a_reason_and_can_be_reopened(world: World):
    shelter = await world.provider()
    returnee = await world.person({})
    await world.round()
    need_id = (await world.need_of(returnee))["need_id"]
    answer = await world.step(f"needs/{need_id}/refuse")
    assert answer.json()["status"] == "refused"
    assert (await world.pool(shelter))["held"] == 0
    assert (await world.step(f"needs/{need_id}/refuse")).json()["code"] == "step-not-allowed"
    answer = await world.step(f"needs/{need_id}/reopen")
    assert answer.json()["status"] == "open"
    assert await world.round() == 1
    assert await world.promises() == {}


async def test_a_need_is_closed_with_a_reason(world: World):
    returnee = await world.person({})
    need_id = (await world.need_of(returnee))["need_id"]
    assert (await world.step(f"needs/{need_id}/close", {"reason": "just because"})).status_code == 422
    answer = await world.step(f"needs/{need_id}/close", {"reason": "left_the_country"})
    assert (answer.json()["status"], answer.json()["end_reason"]) == ("closed", "left_the_country")
    assert (await world.step(f"needs/{need_id}/assign", {"owner": "lead"})).json()["code"] == "step-not-allowed"
    assert await world.promises() == {}


async def test_only_a_desk_of_the_pack_can_own_a_need(world: World):
    returnee = await world.person({})
    need_id = (await world.need_of(returnee))["need_id"]
    answer = await world.step(f"needs/{need_id}/assign", {"owner": "nobody-knows"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/owner")
    answer = await world.step(f"needs/{need_id}/assign", {"owner": "steward"})
    assert (answer.json()["owner"], answer.json()["owner_reason"]) == ("steward", "by_hand")
    (owned,) = (await world.ask("work-lists/owned", owner="steward"))["items"]
    assert owned["need_id"] == str(need_id)
    assert (await world.ask("work-lists/owned", owner="lead"))["items"] == []


async def test_a_person_not_found_waits_for_the_desk_and_not_for_the_next_provider(world: World):
    shelter = await world.provider()
    await world.provider(place="GT13")
    returnee = await world.person({})
    await world.round()
    offer = await world.offer_of(returnee)
    await world.step(
        f"offers/{offer['offer_id']}/decline", {"reason": "person_not_found"}, headers=world.partner(shelter)
    )
    await world.declare(shelter, 10)
    assert await world.round() == 0
    need = await world.need_of(returnee)
    assert (need["owner"], need["owner_reason"]) == ("lead", "person_not_found")
    await world.step(f"needs/{need['need_id']}/seek-again")
    assert await world.round() == 1
    assert await world.promises() == {}


async def test_the_document_that_is_met_unlocks_the_need_that_waited_on_it(world: World):
    office = await world.provider(category="documents", service_type="identity_document")
    await world.provider(category="employment", service_type="job_placement")
    first = uuid4()
    returnee = await world.person(
        {"need_id": first, "category": "documents"},
        {"category": "employment", "after_need_id": first},
    )
    assert await world.round() == 1
    status = "SELECT status FROM referral WHERE returnee_id = $1 AND category = 'employment'"
    assert (await world.row(status, returnee))["status"] == "blocked"
    assert await world.promises() == {}
    offer = await world.row("SELECT * FROM offer WHERE returnee_id = $1", returnee)
    partner = world.partner(office)
    await world.step(f"offers/{offer['offer_id']}/accept", headers=partner)
    await world.step(f"referrals/{offer['referral_id']}/start", headers=partner)
    await world.step(f"referrals/{offer['referral_id']}/complete", {"outcome": "need_met"}, headers=partner)
    assert await world.round() == 1
    assert (await world.row(status, returnee))["status"] == "offered"


async def test_a_prerequisite_that_ends_unmet_leaves_the_decision_to_a_desk(world: World):
    first = uuid4()
    returnee = await world.person(
        {"need_id": first, "category": "documents"},
        {"category": "employment", "after_need_id": first},
    )
    await world.step(f"needs/{first}/refuse")
    need = await world.row("SELECT * FROM need WHERE returnee_id = $1 AND category = 'employment'", returnee)
    assert (need["owner"], need["owner_reason"]) == ("lead", "prerequisite_unmet")
    assert await world.promises() == {}


async def test_deadlines_after_acceptance_end_with_a_desk(world: World):
    returnee, shelter, referral = await accepted(world)
    await world.pass_time(days=2)
    need = await world.need_of(returnee)
    assert (need["owner"], need["owner_reason"]) == ("lead", "report_overdue")
    await world.step(f"referrals/{referral}/start", headers=world.partner(shelter))
    assert await world.promises() == {}


async def test_the_same_key_has_one_effect(world: World):
    shelter = await world.provider()
    returnee = await world.person({})
    await world.round()
    offer = await world.offer_of(returnee)
    headers = world.partner(shelter) | {"Idempotency-Key": "answer-1"}
    first = await world.step(f"offers/{offer['offer_id']}/accept", headers=headers)
    again = await world.step(f"offers/{offer['offer_id']}/accept", headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(await world.published("offer.accepted.v1")) == 1


async def test_the_journey_shows_every_step_in_order(world: World):
    returnee, _, _ = await accepted(world)
    view = await world.ask(f"returnees/{returnee}/journey")
    assert [one["step"] for one in view["steps"]] == [
        "need.report",
        "referral.open",
        "referral.offer",
        "offer.make",
        "offer.accept",
        "referral.accept",
    ]
    assert [one["actor"] for one in view["steps"]] == ["registration"] * 2 + ["router"] * 2 + [
        view["steps"][-1]["actor"]
    ] * 2
