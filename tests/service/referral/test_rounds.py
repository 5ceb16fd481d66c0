"""The router's rounds: who goes first, who waits for whom, and that a round is all or nothing."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from libs.chassis.database import raw
from libs.events.catalogue.registration import ArrivalBatchIntakeCompleted, ArrivalBatchLanded
from libs.events.codes import ProtectionFlag, TransportMode, Urgency
from services.referral.router.actions import rounds
from tests.service.referral import making
from tests.service.referral.world import World

NORMAL = {"urgency": Urgency.NORMAL}


def completed(batch_id, *, returnees: int, needs: int) -> ArrivalBatchIntakeCompleted:
    return ArrivalBatchIntakeCompleted(
        arrival_batch_id=batch_id, returnee_count=returnees, need_count=needs, completed_at=datetime.now(UTC)
    )


async def test_the_last_place_goes_to_the_urgent_need_and_then_to_the_one_that_waits_longest(world: World):
    await world.provider(places=2)
    now = datetime.now(UTC)
    late = await world.person({"urgency": Urgency.NORMAL, "reported_at": now - timedelta(hours=1)})
    early = await world.person({"urgency": Urgency.NORMAL, "reported_at": now - timedelta(hours=2)})
    urgent = await world.person({"urgency": Urgency.EMERGENCY, "reported_at": now})
    assert await world.round() == 2
    states = {one: (await world.referral_of(one))["status"] for one in (late, early, urgent)}
    assert states == {urgent: "offered", early: "offered", late: "waitlisted"}


async def test_a_flights_ordinary_needs_wait_until_all_that_its_intake_counted_are_seen(world: World):
    await world.provider(places=10)
    batch = uuid4()
    await world.hear(
        ArrivalBatchLanded(
            arrival_batch_id=batch,
            mode=TransportMode.FLIGHT,
            reception_place="GT01",
            landed_at=datetime.now(UTC),
            people_count=2,
        )
    )
    ordinary = await world.person(NORMAL | {"arrival_batch_id": batch}, arrival_batch_id=batch)
    urgent = await world.person({"arrival_batch_id": batch}, arrival_batch_id=batch)
    assert await world.round() == 1
    assert (await world.referral_of(urgent))["status"] == "offered"
    await world.hear(completed(batch, returnees=3, needs=3))
    assert await world.round() == 0
    last = await world.person(NORMAL | {"arrival_batch_id": batch}, arrival_batch_id=batch)
    assert await world.round() == 2
    assert {(await world.referral_of(one))["status"] for one in (ordinary, last)} == {"offered"}


async def test_a_flight_whose_intake_never_completes_goes_after_the_packs_timeout(world: World):
    await world.provider()
    batch = uuid4()
    await world.person(NORMAL | {"arrival_batch_id": batch}, arrival_batch_id=batch)
    assert await world.round() == 0
    await world.pass_time(seconds=601)
    assert await world.round() == 1


async def test_a_journey_that_somebody_holds_is_left_for_the_next_round(world: World):
    await world.provider()
    held, free = await world.person({}), await world.person({})
    async with world.database.transaction() as session:
        await (await raw(session)).execute("SELECT 1 FROM journey WHERE returnee_id = $1 FOR UPDATE", held)
        assert await world.round() == 1
        assert (await world.referral_of(free))["status"] == "offered"
    assert await world.round() == 1


async def test_a_round_that_is_cut_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch):
    shelter = await world.provider()
    returnee = await world.person({})
    before = await world.types()

    async def crash(*_: object, **__: object) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as cut:
        cut.setattr("services.referral.journeys.actions.writing.clocks.start", crash)
        with pytest.raises(ConnectionResetError):
            await world.round()
    assert (await world.pool(shelter))["held"] == 0
    assert (await world.referral_of(returnee))["status"] == "seeking"
    assert await world.rows("SELECT 1 FROM offer") == []
    assert await world.types() == before
    assert await world.promises() == {}
    assert await world.round() == 1


async def test_nobody_in_the_network_means_an_owner_and_a_new_service_is_tried_by_itself(world: World):
    returnee = await world.person({"category": "training"})
    assert await world.round() == 0
    need = await world.need_of(returnee)
    assert (need["owner"], need["owner_reason"]) == ("lead", "no_candidate")
    assert await world.promises() == {}
    await world.provider(category="training", service_type="course")
    assert await world.round() == 1


async def test_a_need_that_is_not_routed_in_time_is_owned(world: World):
    returnee = await world.person({"arrival_batch_id": uuid4(), "urgency": Urgency.NORMAL})
    await world.pass_time(seconds=7201)
    need = await world.need_of(returnee)
    assert (need["owner"], need["owner_reason"]) == ("lead", "routing_overdue")
    assert [one["owner"] for one in await world.published("referral.escalated.v1")] == ["lead"]


async def test_the_queue_is_served_by_urgency_then_time_when_a_place_comes_free(world: World):
    shelter = await world.provider(places=1)
    now = datetime.now(UTC)
    first = await world.person({})
    await world.round()
    later = await world.person({"urgency": Urgency.NORMAL, "reported_at": now - timedelta(hours=1)})
    sooner = await world.person({"urgency": Urgency.NORMAL, "reported_at": now - timedelta(hours=2)})
    await world.round()
    queue = (await world.ask("waitlists", category="shelter"))["items"]
    assert [one["returnee_id"] for one in queue] == [str(sooner), str(later)]
    offer = await world.offer_of(first)
    await world.step(f"offers/{offer['offer_id']}/decline", {"reason": "not_eligible"}, headers=world.partner(shelter))
    assert await world.round() == 1
    assert (await world.referral_of(sooner))["status"] == "offered"
    assert (await world.referral_of(later))["status"] == "waitlisted"
    assert await world.promises() == {}


async def test_a_place_that_never_comes_names_an_owner_and_keeps_the_place_in_the_queue(world: World):
    await world.provider(places=0)
    returnee = await world.person({})
    await world.round()
    await world.pass_time(days=2)
    need = await world.need_of(returnee)
    assert (need["owner"], need["owner_reason"]) == ("lead", "waitlist_overdue")
    assert len((await world.ask("waitlists"))["items"]) == 1


async def test_without_consent_only_basic_categories_are_offered(new_world):
    async with new_world(categories={"mhpss": {"basic": False}}) as world:
        await world.provider()
        await world.provider(category="mhpss", service_type="counselling")
        returnee = await world.person({}, {"category": "mhpss"}, consented=False)
        assert await world.round() == 1
        need = await world.row("SELECT * FROM need WHERE returnee_id = $1 AND category = 'mhpss'", returnee)
        assert need["owner_reason"] == "no_candidate"
        await world.hear(making.consent(returnee, version=2))
        assert await world.round() == 1
        assert await world.promises() == {}


async def test_an_age_in_dispute_goes_to_a_person_first_even_when_it_is_learned_late(world: World):
    await world.provider(eligibility={"unaccompanied_children": True})
    returnee = await world.person({}, protection_flags=[ProtectionFlag.AGE_DISPUTED])
    assert await world.round() == 0
    assert (await world.referral_of(returnee))["status"] == "awaiting_review"
    (review,) = (await world.ask("reviews", status="pending"))["items"]
    assert (review["reason"], review["desk"]) == ("age_unresolved", "child-desk")
    assert await world.promises() == {}
    unsure = {"group": "unsure", "basis": "assessment", "note": "Seen by the child desk"}
    await world.step(f"reviews/{review['id']}/decide-age", unsure)
    assert await world.round() == 1
    again = await world.step(f"reviews/{review['id']}/approve", {})
    assert again.json()["code"] == "step-not-allowed"


async def test_a_service_that_accepts_by_itself_does_so_in_the_same_round(world: World):
    bus = await world.provider(places=2, accepts_automatically=True, category="transport")
    returnee = await world.person({"category": "transport"})
    await world.round()
    assert (await world.referral_of(returnee))["status"] == "accepted"
    assert ((await world.pool(bus))["held"], (await world.pool(bus))["taken"]) == (0, 1)
    actor = await world.row("SELECT actor FROM step WHERE step = 'offer.accept'")
    assert actor["actor"] == "auto"
    assert await world.promises() == {}


async def test_offers_at_a_withdrawn_service_are_recalled_and_placed_elsewhere(world: World):
    near = await world.provider()
    far = await world.provider(place="GT13")
    returnee = await world.person({})
    await world.round()
    withdrawn = making.service(near.service_id, near.organization_id, version=2, status="withdrawn")
    await world.hear(withdrawn)
    assert await world.round() == 1
    (recalled,) = await world.published("offer.recalled.v1")
    assert recalled["reason"] == "service_withdrawn"
    assert (await world.offer_of(returnee))["provider_service_id"] == far.service_id
    assert await world.promises() == {}


async def test_two_rounds_at_once_make_each_offer_once(world: World):
    shelter = await world.provider(places=30)
    for _ in range(20):
        await world.person({})

    async def one_round() -> int:
        async with world.database.transaction() as session:
            return (await rounds.place_referrals(session, world.policy, rounds.Memory())).offered

    made = await asyncio.gather(*(one_round() for _ in range(4)))
    assert sum(made) == 20
    assert (await world.pool(shelter))["held"] == 20
    assert await world.promises() == {}


async def test_a_need_that_trips_the_rules_does_not_stop_the_others(world: World):
    await world.provider()
    odd, plain = await world.person({}), await world.person({})
    async with world.database.transaction() as session:
        await (await raw(session)).execute(
            """UPDATE journey SET profile = profile || '{"age_band": "unheard_of"}' WHERE returnee_id = $1""", odd
        )
    assert await world.round() == 1
    assert (await world.referral_of(plain))["status"] == "offered"
    assert await world.promises() == {}
    await world.pass_time(seconds=7201)
    assert (await world.need_of(odd))["owner_reason"] == "routing_overdue"
