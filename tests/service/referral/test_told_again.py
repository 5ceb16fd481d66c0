"""A need that registration tells again: more urgent, after it had ended, or under another record of the person."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from libs.events.catalogue.registration import NeedReported, ReturneeMerged
from libs.events.codes import Urgency
from tests.service.referral import making
from tests.service.referral.world import World

SOON = {"category": "shelter", "urgency": Urgency.NORMAL}


async def told(world: World, **changes: object) -> tuple[NeedReported, dict[str, object]]:
    """A person with one need, as it was told first; and what referral keeps of it."""
    returnee = await world.person()
    event = making.need(returnee, **{**SOON, **changes})
    await world.hear(event)
    return event, await world.need_of(returnee)


async def tell_again(world: World, event: NeedReported, **changes: object) -> None:
    await world.hear(event.model_copy(update={"reported_at": datetime.now(UTC) + world.clock.passed, **changes}))


async def test_a_more_urgent_telling_passes_whoever_waits_and_keeps_its_time(world: World):
    """In the queue: the one place goes to who said emergency last. Seen to fail with the queue's rank as it was."""
    shelter = await world.provider(places=1)
    (offer_id,) = await world.offers_to(shelter, 1)
    await world.step(f"offers/{offer_id}/accept", headers=world.partner(shelter))
    (first, _), (second, _) = await told(world), await told(world)
    await world.round()
    assert {(await world.referral_of(one.returnee_id))["status"] for one in (first, second)} == {"waitlisted"}
    await tell_again(world, second, urgency=Urgency.EMERGENCY)
    await world.declare(shelter, 2)
    await world.round()
    assert (await world.referral_of(second.returnee_id))["status"] == "offered"
    assert (await world.offer_of(second.returnee_id))["urgency"] == "emergency"
    assert (await world.referral_of(first.returnee_id))["status"] == "waitlisted"
    assert await world.promises() == {}


async def test_who_was_asked_without_haste_is_asked_anew_with_the_time_that_the_urgency_leaves(world: World):
    await world.provider(places=3)
    event, _ = await told(world)
    await world.round()
    before = await world.offer_of(event.returnee_id)
    await tell_again(world, event, urgency=Urgency.EMERGENCY)
    await world.round()
    after = await world.offer_of(event.returnee_id)
    ended = await world.row("SELECT status, reason FROM offer WHERE offer_id = $1", before["offer_id"])
    assert (ended["status"], ended["reason"]) == ("recalled", "more_urgent")
    assert (after["urgency"], after["status"]) == ("emergency", "pending")
    assert (await world.row("SELECT sum(held) AS held FROM pool"))["held"] == 1
    assert await world.promises() == {}


async def test_what_a_provider_has_accepted_goes_on_when_it_is_told_again(world: World):
    shelter = await world.provider(places=3)
    event, _ = await told(world)
    await world.round()
    offer = await world.offer_of(event.returnee_id)
    await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(shelter))
    await tell_again(world, event, urgency=Urgency.EMERGENCY)
    assert (await world.referral_of(event.returnee_id))["status"] == "accepted"
    assert (await world.need_of(event.returnee_id))["urgency"] == "emergency"
    assert (await world.pool(shelter))["taken"] == 1


@pytest.mark.parametrize("urgency", [Urgency.NORMAL, Urgency.URGENT])
async def test_the_same_telling_once_more_changes_nothing(world: World, urgency: Urgency):
    """Also long after it had left the inbox, and after the need has ended."""
    event, _ = await told(world, urgency=Urgency.URGENT)
    steps = await world.rows("SELECT * FROM step")
    await tell_again(world, event, urgency=urgency)
    assert await world.rows("SELECT * FROM step") == steps
    need = await world.need_of(event.returnee_id)
    await world.step(f"needs/{need['need_id']}/close", {"reason": "lost_contact"})
    await world.hear(event)
    assert (await world.need_of(event.returnee_id))["status"] == "closed"


async def test_a_need_told_again_after_it_had_ended_is_open_again_and_lost_to_nobody(world: World):
    """Registration had not heard of the end yet. Seen to fail when a known need was always a repeat of its event."""
    event, need = await told(world)
    await world.step(f"needs/{need['need_id']}/refuse")
    await world.pass_time(minutes=1)
    await tell_again(world, event, urgency=Urgency.EMERGENCY)
    need = await world.need_of(event.returnee_id)
    assert (need["status"], need["urgency"]) == ("open", "emergency")
    assert (await world.referral_of(event.returnee_id))["status"] == "seeking"
    assert (await world.published("need.reopened.v1"))[0]["need_id"] == str(event.need_id)
    assert await world.promises() == {}


async def test_a_need_told_under_the_record_that_stays_is_the_one_that_came_with_the_merge(world: World):
    """Two places at one shelter for one person, without the look at needs that have moved."""
    shelter = await world.provider(places=5)
    event, _ = await told(world)
    into = await world.person()
    merged = ReturneeMerged(returnee_id=event.returnee_id, into_returnee_id=into)
    await world.hear(merged)
    await world.hear(making.need(into, **SOON))
    needs = await world.rows("SELECT status, end_reason FROM need WHERE returnee_id = $1 ORDER BY status", into)
    assert [(row["status"], row["end_reason"]) for row in needs] == [("closed", "duplicate"), ("open", None)]
    await world.round()
    assert (await world.pool(shelter))["held"] == 1
    second = making.need(into, **SOON, is_second=True)
    await world.hear(second)
    assert (await world.row("SELECT status FROM need WHERE need_id = $1", second.need_id))["status"] == "open"
    assert await world.promises() == {}


async def test_of_two_tellings_in_one_batch_the_last_counts(world: World):
    """The first and its repeat come together; the need is as urgent as the repeat says."""
    returnee = await world.person()
    first = making.need(returnee, **SOON, need_id=uuid4())
    later = first.model_copy(
        update={"urgency": Urgency.EMERGENCY, "reported_at": first.reported_at + timedelta(minutes=1)}
    )
    await world.hear_together(first, later)
    assert (await world.need_of(returnee))["urgency"] == "emergency"
