"""A person dies, leaves, or goes on under another record: offers are taken back, providers told, no need is lost."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from libs.events.catalogue.registration import ReturneeMerged, ReturneeUnmerged
from tests.service.referral import making
from tests.service.referral.world import World

HEALTH = {"category": "health", "service_type": "clinic"}


async def needs_of(world: World, returnee):
    """Status and reason of each of a person's needs, by category."""
    rows = await world.rows("SELECT * FROM need WHERE returnee_id = $1", returnee)
    return {row["category"]: (row["status"], row["end_reason"]) for row in rows}


async def end(world: World, returnee, reason="left_the_country"):
    return await world.step(f"returnees/{returnee}/journey/end", {"reason": reason})


async def merge(world: World, one, into):
    await world.hear(ReturneeMerged(returnee_id=one, into_returnee_id=into))


async def unmerge(world: World, one, other):
    await world.hear(ReturneeUnmerged(returnee_id=one, from_returnee_id=other))


@pytest.mark.parametrize("reason", ["died", "left_the_country"])
async def test_the_end_closes_every_need_recalls_offers_and_tells_who_had_accepted(world: World, reason: str):
    """Needs that wait on others too. A provider that was only asked does not learn what became of the person."""
    shelter, clinic = await world.provider(), await world.provider(**HEALTH)
    card, licence = uuid4(), uuid4()
    returnee = await world.person(
        {},
        {"category": "health"},
        {"category": "documents", "need_id": card},
        {"category": "training", "need_id": licence, "after_need_id": card},
    )
    assert await world.round() == 2
    taken = await world.row("SELECT * FROM offer WHERE category = 'shelter'")
    await world.step(f"offers/{taken['offer_id']}/accept", headers=world.partner(shelter))
    answer = await end(world, returnee, reason)
    assert (answer.status_code, answer.json()["journey_end_reason"]) == (200, reason)
    assert set((await needs_of(world, returnee)).values()) == {("closed", reason)}
    assert {one["reason"] for one in await world.published("need.closed.v1")} == {reason}
    (recalled,) = await world.published("offer.recalled.v1")
    assert (recalled["category"], recalled["reason"]) == ("health", "journey_ended")
    cancelled = [one for one in await world.published("referral.cancelled.v1") if one.get("organization_id")]
    assert [(one["offer_id"], one["reason"]) for one in cancelled] == [(str(taken["offer_id"]), reason)]
    assert ((await world.pool(shelter))["taken"], (await world.pool(clinic))["held"]) == (0, 0)
    assert await world.rows("SELECT 1 FROM need WHERE owner IS NOT NULL") == []
    assert await world.promises() == {}
    again = await end(world, returnee, reason)
    assert (again.status_code, again.json()["code"], again.json()["reason"]) == (409, "journey-ended", reason)


async def test_a_need_told_after_the_end_is_owned_and_not_routed_until_the_journey_is_reopened(world: World):
    """Without `_open_unless_ended` somebody would be asked for a person who has left."""
    await world.provider()
    returnee = await world.person({})
    await end(world, returnee)
    await world.hear(making.need(returnee, category="food"))
    await world.provider(category="food", service_type="hot_meals")
    assert await world.round() == 0
    food = await world.row("SELECT * FROM need WHERE category = 'food'")
    assert (food["status"], food["owner"], food["owner_reason"]) == ("open", "lead", "journey_ended")
    assert await world.promises() == {}
    shelter = await world.row("SELECT * FROM need WHERE category = 'shelter'")
    for path in (f"needs/{shelter['need_id']}/reopen", f"needs/{food['need_id']}/seek-again"):
        answer = await world.step(path)
        assert (answer.status_code, answer.json()["code"]) == (409, "journey-ended")
    await world.hear(making.consent(returnee, to_providers=False, version=2), making.consent(returnee, version=3))
    assert await world.round() == 0
    answer = await world.step(f"returnees/{returnee}/journey/reopen")
    assert (answer.status_code, answer.json()["journey_end_reason"]) == (200, None)
    assert await needs_of(world, returnee) == {"shelter": ("open", None), "food": ("open", None)}
    assert await world.round() == 2
    assert await world.promises() == {}
    assert (await world.step(f"returnees/{returnee}/journey/reopen")).status_code == 409


async def test_what_had_ended_before_stays_ended_when_the_journey_is_reopened(world: World):
    returnee = await world.person({}, {"category": "health"})
    health = await world.row("SELECT * FROM need WHERE category = 'health'")
    await world.step(f"needs/{health['need_id']}/close", {"reason": "left_the_country"})
    await world.pass_time(seconds=1)
    await end(world, returnee)
    await world.step(f"returnees/{returnee}/journey/reopen")
    assert await needs_of(world, returnee) == {"shelter": ("open", None), "health": ("closed", "left_the_country")}


@pytest.mark.parametrize("position", [0, 1])
async def test_a_households_need_outlives_a_member_and_a_desk_decides(world: World, position: int):
    """Without the look at the household the bed of the others would be cancelled with the one who died."""
    shelter = await world.provider(places=5)
    key, members = uuid4(), [uuid4(), uuid4()]
    for member in members:
        await world.hear(making.registered(member, household_id=key), making.consent(member))
    await world.hear(making.household(key, members))
    await world.hear(making.need(members[0], household_id=key, people_count=2))
    assert await world.round() == 1
    offer = await world.offer_of(members[0])
    await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(shelter))
    await end(world, members[position], "died")
    need = await world.need_of(members[0])
    assert (need["status"], need["owner"], need["owner_reason"]) == ("open", "lead", "journey_ended")
    assert (await world.referral_of(members[0]))["status"] == "accepted"
    assert (await world.pool(shelter))["taken"] == 2
    assert await world.promises() == {}


async def test_a_merge_moves_what_the_other_record_lacks_and_ends_what_both_have(world: World):
    """Chains stay chains, places in the queue stay, and who declined the one is not asked for the other."""
    shelter = await world.provider()
    card, licence = uuid4(), uuid4()
    since = datetime(2026, 3, 1, tzinfo=UTC)
    merged = await world.person(
        {"reported_at": since},
        {"category": "health"},
        {"category": "documents", "need_id": card},
        {"category": "training", "need_id": licence, "after_need_id": card},
    )
    into = await world.person({"category": "health"})
    await world.round()
    offer = await world.row("SELECT * FROM offer")
    await world.step(f"offers/{offer['offer_id']}/decline", {"reason": "not_eligible"}, headers=world.partner(shelter))
    other = await world.provider(place="GT12")
    assert await world.round() == 1
    await merge(world, merged, into)
    assert await needs_of(world, merged) == {
        "shelter": ("closed", "merged"),
        "health": ("closed", "duplicate"),
        "documents": ("closed", "merged"),
        "training": ("closed", "merged"),
    }
    assert set((await needs_of(world, into)).values()) == {("open", None)}
    assert len(await world.rows("SELECT 1 FROM need WHERE returnee_id = $1", into)) == 4
    assert [one["reason"] for one in await world.published("offer.recalled.v1")] == ["merged"]
    assert (await world.pool(other))["held"] == 0
    training = await world.row("SELECT * FROM need WHERE returnee_id = $1 AND category = 'training'", into)
    documents = await world.row("SELECT * FROM need WHERE returnee_id = $1 AND category = 'documents'", into)
    assert (training["after_need_id"], training["moved_from"]) == (documents["need_id"], licence)
    moved = await world.row("SELECT * FROM referral WHERE returnee_id = $1 AND category = 'shelter'", into)
    assert moved["waiting_since"] == since
    assert await world.rows("SELECT 1 FROM need WHERE returnee_id = $1 AND owner IS NOT NULL", merged) == []
    assert await world.promises() == {}
    assert await world.round() == 1
    assert (await world.offer_of(into))["provider_service_id"] == other.service_id
    before = len(await world.types())
    await merge(world, merged, into)
    assert len(await world.types()) == before


async def test_what_a_provider_has_accepted_runs_on_under_the_record_that_it_knows(world: World):
    """The bed stays; the same need of the record that stays ends as the duplicate, and nothing is asked twice."""
    shelter = await world.provider()
    merged, into = await world.person({}), await world.person()
    await world.round()
    offer = await world.offer_of(merged)
    await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(shelter))
    await world.hear(making.need(into))
    await world.round()
    await merge(world, merged, into)
    assert (await needs_of(world, merged), await needs_of(world, into)) == (
        {"shelter": ("open", None)},
        {"shelter": ("closed", "duplicate")},
    )
    assert (await world.pool(shelter))["held"] == 0
    assert (await world.pool(shelter))["taken"] == 1
    answer = await world.step(
        f"referrals/{offer['referral_id']}/not-delivered", {"reason": "other"}, headers=world.partner(shelter)
    )
    assert answer.status_code == 200
    need = await world.need_of(merged)
    assert (need["status"], need["owner"], need["owner_reason"]) == ("open", "lead", "merged")
    assert await world.promises() == {}


async def test_an_organisation_that_may_not_meet_the_person_hears_of_neither_record(world: World):
    """Declared for the one, it holds for the other, whichever goes on, also where no need moves.

    Without `conflicting` in `end_steps.merge` the shelter keeps its offer, and the clinic of the same organisation is
    asked next.
    """
    shelter = await world.provider()
    await world.provider(organization_id=shelter.organization_id, **HEALTH)
    merged, into = await world.person({}), await world.person()
    await world.round()
    declined = await world.offer_of(merged)
    body = {"reason": "conflict_of_interest"}
    await world.step(f"offers/{declined['offer_id']}/decline", body, headers=world.partner(shelter))
    await world.hear(making.need(into))
    assert await world.round() == 1
    await merge(world, merged, into)
    asked = await world.offer_of(into)
    assert (asked["status"], asked["reason"]) == ("recalled", "conflict_of_interest")
    await world.hear(making.need(into, category="health"))
    assert await world.round() == 0
    assert (await world.pool(shelter))["held"] == 0
    assert await world.promises() == {}


async def test_a_merge_undone_gives_each_record_its_own_needs_again(world: World):
    merged = await world.person({}, {"category": "health"})
    into = await world.person({"category": "health"})
    await merge(world, merged, into)
    await world.hear(making.need(merged, category="food"))
    food = await world.row("SELECT * FROM need WHERE category = 'food'")
    assert (food["owner"], food["owner_reason"]) == ("lead", "merged")
    await world.pass_time(seconds=1)
    await unmerge(world, merged, into)
    opened = ("open", None)
    assert await needs_of(world, merged) == {"shelter": opened, "health": opened, "food": opened}
    assert await needs_of(world, into) == {"health": opened, "shelter": ("closed", "merged")}
    assert await world.rows("SELECT 1 FROM need WHERE owner IS NOT NULL") == []
    assert await world.promises() == {}


async def test_what_was_taken_up_under_the_other_record_stays_there_when_a_merge_is_undone(world: World):
    """A desk decides about the need here: nobody can say from afar who sleeps in that bed."""
    shelter = await world.provider()
    merged, into = await world.person({}), await world.person()
    await merge(world, merged, into)
    assert await world.round() == 1
    offer = await world.offer_of(into)
    await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(shelter))
    await world.pass_time(seconds=1)
    await unmerge(world, merged, into)
    assert (await world.pool(shelter))["taken"] == 1
    need = await world.need_of(merged)
    assert (need["status"], need["owner"], need["owner_reason"]) == ("open", "lead", "merged")
    assert await world.promises() == {}


async def test_only_staff_end_a_journey_and_only_for_a_reason_that_exists(world: World):
    shelter = await world.provider()
    returnee = await world.person({})
    partner = world.issuer.headers("needs:write", organization_id=shelter.organization_id, client_id="partner")
    answer = await world.step(f"returnees/{returnee}/journey/end", {"reason": "died"}, headers=partner)
    assert (answer.status_code, answer.json()["code"]) == (403, "staff-only")
    for body in ({"reason": "merged"}, {"reason": "bored"}, {}, {"reason": "died", "note": "x"}):
        assert (await world.step(f"returnees/{returnee}/journey/end", body)).status_code == 422
    assert (await end(world, uuid4())).status_code == 404
    assert await needs_of(world, returnee) == {"shelter": ("open", None)}
