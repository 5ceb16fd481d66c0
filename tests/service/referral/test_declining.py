"""Each coded reason of a decline drives what follows: the table in `journeys/answers.py`, row by row, over HTTP."""

import json
from uuid import uuid4

import pytest

from libs.events.codes import DeclineReason, ProtectionFlag
from services.referral.lifecycles.declines import CONSEQUENCES, Closing, Next
from tests.service.referral import making
from tests.service.referral.world import World

NOTE = "the boiler burst this morning"


async def declined(world: World, reason: str, **provider):
    """A returnee whose shelter offer at the first provider was declined with this reason."""
    first = await world.provider(place="GT01", **provider)
    returnee = await world.person({})
    await world.round()
    offer = await world.offer_of(returnee)
    answer = await world.step(
        f"offers/{offer['offer_id']}/decline", {"reason": reason, "note": NOTE}, headers=world.partner(first)
    )
    assert answer.status_code == 200, answer.text
    return returnee, first


@pytest.mark.parametrize("reason", DeclineReason)
async def test_the_reason_decides_who_is_asked_next_and_who_never_again(world: World, reason: DeclineReason):
    """Seen to fail row by row: with a row's `next`, `excludes`, `excludes_organization` or `closes` changed."""
    follows = CONSEQUENCES[reason]
    returnee, first = await declined(world, reason)
    need = await world.need_of(returnee)
    assert await world.promises() == {}
    # The same organisation's second service, further away, and the same service asked by another person.
    sister = await world.provider(place="GT12", organization_id=first.organization_id)
    other = await world.person({})
    await world.round()
    asked = {row["provider_service_id"] for row in await world.rows("SELECT * FROM offer WHERE status = 'pending'")}
    offer = await world.offer_of(returnee)
    if follows.next is Next.ASK_NEXT:
        assert need["owner"] is None
        assert (offer["status"] == "pending") is not follows.excludes_organization
        assert offer["provider_service_id"] == (
            first.service_id if follows.excludes_organization else sister.service_id
        )
    else:
        owned_for = {Next.SEARCH: "person_not_found", Next.ASK_PERSON: "person_refused", Next.REVIEW: "unsafe"}
        assert (need["owner"], need["owner_reason"]) == ("lead", owned_for[follows.next])
        assert offer["status"] == "declined"
    at_first = (await world.offer_of(other))["provider_service_id"] == first.service_id
    assert at_first is (follows.closes is None)
    assert (await world.pool(first))["closed"] is (follows.closes is Closing.POOL)
    excluded = await world.rows("SELECT code FROM exclusion WHERE need_id = $1", need["need_id"])
    assert [row["code"] for row in excluded] == ([] if follows.excludes is None else [follows.excludes])
    assert asked
    assert await world.promises() == {}


@pytest.mark.parametrize("reason", DeclineReason)
async def test_what_a_provider_writes_stays_in_referral(world: World, reason: DeclineReason):
    """Without `note` in the closed body it would be refused; in an event the payload would hold it."""
    returnee, _ = await declined(world, reason)
    assert await world.note_of("offer.decline") == NOTE
    payloads = await world.rows("SELECT payload FROM outbox ORDER BY id")
    assert not any(NOTE.encode() in row["payload"] for row in payloads)
    assert NOTE not in json.dumps(await world.ask(f"returnees/{returnee}/journey"))


@pytest.mark.parametrize("body", [{"reason": "other"}, {"reason": "other", "note": None}])
async def test_other_alone_says_nothing_and_is_refused(world: World, body):
    """With `needs_note` taken out of the row the answer is 200."""
    shelter = await world.provider()
    returnee = await world.person({})
    await world.round()
    offer = await world.offer_of(returnee)
    answer = await world.step(f"offers/{offer['offer_id']}/decline", body, headers=world.partner(shelter))
    problem = answer.json()
    assert (answer.status_code, problem["errors"][0]["pointer"]) == (422, "/note")
    assert problem["errors"][0]["rule"] == "required-with-other"
    assert (await world.offer_of(returnee))["status"] == "pending"


async def test_a_service_no_longer_offered_is_asked_again_once_it_is_published_anew(world: World):
    """Without the comparison of versions in `providers.queries.no_longer_offered` it stays closed for ever."""
    returnee, first = await declined(world, "no_longer_offered")
    other = await world.person({})
    await world.declare(first, 10)
    assert await world.round() == 0
    await world.hear(making.service(first.service_id, first.organization_id, version=2))
    assert await world.round() == 1
    assert (await world.offer_of(other))["provider_service_id"] == first.service_id
    assert (await world.offer_of(returnee))["status"] == "declined"


async def test_a_conflict_of_interest_takes_back_what_the_organisation_has_of_this_person(world: World):
    """Other needs of the person too, and those told later; without `avoid_organization` the clinic keeps its offer."""
    shelter = await world.provider()
    clinic = await world.provider(organization_id=shelter.organization_id, category="health", service_type="clinic")
    returnee = await world.person({}, {"category": "health"})
    assert await world.round() == 2
    offer = await world.row("SELECT * FROM offer WHERE category = 'shelter'")
    body = {"reason": "conflict_of_interest"}
    await world.step(f"offers/{offer['offer_id']}/decline", body, headers=world.partner(shelter))
    taken_back = await world.row("SELECT * FROM offer WHERE category = 'health'")
    assert (taken_back["status"], taken_back["reason"]) == ("recalled", "conflict_of_interest")
    assert (await world.pool(clinic))["held"] == 0
    await world.hear(making.need(returnee, category="health"))
    assert await world.round() == 0
    stranger = await world.person({"category": "health"})
    assert await world.round() == 1
    assert (await world.offer_of(stranger))["provider_service_id"] == clinic.service_id
    assert await world.promises() == {}


@pytest.mark.parametrize("position", [0, 1])
async def test_a_conflict_with_a_member_keeps_the_household_from_that_organisation(world: World, position: int):
    """Whoever of them it is. With the conflicts of the reference person alone the second household is offered."""
    clinic = await world.provider(category="health", service_type="clinic")
    await world.provider(organization_id=clinic.organization_id)
    key, members = uuid4(), [uuid4(), uuid4()]
    for member in members:
        await world.hear(making.registered(member, household_id=key), making.consent(member))
    await world.hear(making.household(key, members))
    await world.hear(making.need(members[position], category="health"))
    assert await world.round() == 1
    offer = await world.offer_of(members[position])
    body = {"reason": "conflict_of_interest"}
    await world.step(f"offers/{offer['offer_id']}/decline", body, headers=world.partner(clinic))
    await world.hear(making.need(members[0], household_id=key, people_count=2))
    assert await world.round() == 0
    assert await world.promises() == {}


async def test_unsafe_is_reviewed_and_not_even_a_person_has_that_service_asked_again(world: World):
    """With `UNSAFE` among the rules that a person may overrule the override is a 200."""
    returnee, first = await declined(world, "unsafe")
    second = await world.provider(place="GT12")
    assert await world.round() == 0
    (review,) = (await world.ask("reviews", status="pending"))["items"]
    assert (review["reason"], review["desk"]) == ("unsafe", "lead")
    referral = await world.referral_of(returnee)
    body = {"provider_service_id": str(second.service_id), "reason": "they are used to it"}
    for path, sent in (
        (f"referrals/{referral['referral_id']}/override", body),
        (f"needs/{referral['need_id']}/seek-again", None),
    ):
        answer = await world.step(path, sent)
        assert (answer.status_code, answer.json()["state"]) == (409, "awaiting_review")
    assert (await world.step(f"reviews/{review['id']}/approve", {})).status_code == 200
    referral = referral["referral_id"]
    body = {"provider_service_id": str(first.service_id), "reason": "they have a guard now"}
    answer = await world.step(f"referrals/{referral}/override", body)
    assert (answer.status_code, answer.json()["code"], answer.json()["reasons"]) == (409, "not-a-candidate", ["unsafe"])
    assert await world.round() == 1
    assert (await world.offer_of(returnee))["provider_service_id"] == second.service_id


async def test_who_answers_for_what_was_called_unsafe_settles_no_other_review(world: World):
    """With one mark for all approvals an age that is disputed later would be routed without the child desk."""
    returnee, _ = await declined(world, "unsafe")
    await world.provider(place="GT12", eligibility={"unaccompanied_children": True})
    (review,) = (await world.ask("reviews", status="pending"))["items"]
    await world.step(f"reviews/{review['id']}/approve", {})
    await world.hear(making.registered(returnee, version=2, protection_flags=[ProtectionFlag.AGE_DISPUTED]))
    assert await world.round() == 0
    (review,) = (await world.ask("reviews", status="pending"))["items"]
    assert (review["reason"], review["desk"]) == ("age_unresolved", "child-desk")
    assert await world.promises() == {}
    await world.step(f"reviews/{review['id']}/decide-age", {"group": "unsure", "basis": "assessment"})
    assert await world.round() == 1
    kept = await world.row("SELECT approved_for FROM referral")
    assert kept["approved_for"] == ["age_unresolved", "unsafe"]


async def test_a_person_who_is_said_to_have_refused_is_asked_before_the_next_offer(world: World):
    """New facts and rounds change nothing; the desk does. Without the bound in `wake` the consent wakes it."""
    returnee, _ = await declined(world, "person_refused")
    second = await world.provider(place="GT12")
    await world.hear(making.consent(returnee, version=2))
    assert await world.round() == 0
    need = await world.need_of(returnee)
    assert (await world.step(f"needs/{need['need_id']}/seek-again")).status_code == 200
    assert await world.round() == 1
    assert (await world.offer_of(returnee))["provider_service_id"] == second.service_id
