"""What returnees take back: a consent, a need, everything."""

from datetime import UTC, datetime
from uuid import uuid4

from libs.events.catalogue.registration import NeedWithdrawn, ReturneeErased, ReturneeMerged, ReturneeUnmerged
from libs.events.codes import AgeBand
from tests.service.referral import making
from tests.service.referral.world import World

GATED = {"categories": {"mhpss": {"basic": False}}}
COUNSELLING = {"category": "mhpss", "service_type": "counselling"}


async def test_withdrawn_consent_recalls_the_offer_and_leaves_the_need_with_a_desk(new_world):
    async with new_world(**GATED) as world:
        clinic, shelter = await world.provider(**COUNSELLING), await world.provider()
        returnee = await world.person({"category": "mhpss"}, {})
        assert await world.round() == 2
        await world.hear(making.consent(returnee, to_providers=False, version=2))
        (event,) = await world.published("offer.recalled.v1")
        assert (event["category"], event["reason"]) == ("mhpss", "consent_withdrawn")
        assert ((await world.pool(clinic))["held"], (await world.pool(shelter))["held"]) == (0, 1)
        need = await world.row("SELECT * FROM need WHERE category = 'mhpss'")
        assert (need["status"], need["owner"], need["owner_reason"]) == ("open", "lead", "consent_withdrawn")
        offer = await world.row("SELECT * FROM offer WHERE category = 'mhpss'")
        late = await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(clinic))
        assert late.json()["code"] == "offer-recalled"
        assert await world.promises() == {}


async def test_consent_withdrawn_after_acceptance_cancels_and_frees_the_place(new_world):
    async with new_world(**GATED) as world:
        clinic = await world.provider(**COUNSELLING)
        returnee = await world.person({"category": "mhpss"})
        await world.round()
        offer = await world.offer_of(returnee)
        await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(clinic))
        await world.hear(making.consent(returnee, to_providers=False, version=2))
        assert (await world.pool(clinic))["taken"] == 0
        assert [one["reason"] for one in await world.published("referral.cancelled.v1")] == ["consent_withdrawn"]
        assert await world.promises() == {}
        await world.hear(making.consent(returnee, version=3))
        assert await world.round() == 1
        assert (await world.need_of(returnee))["owner"] is None


async def test_a_member_who_withdraws_consent_ends_what_rested_on_the_whole_household(new_world):
    async with new_world(categories={"shelter": {"basic": False}}) as world:
        shelter = await world.provider()
        key, members = uuid4(), [uuid4(), uuid4()]
        for member, age in zip(members, (AgeBand.FROM_25_TO_34, AgeBand.FROM_35_TO_59), strict=True):
            await world.hear(making.registered(member, household_id=key, age_band=age), making.consent(member))
        await world.hear(making.household(key, members))
        await world.hear(making.need(members[0], household_id=key, people_count=2))
        assert await world.round() == 1
        await world.hear(making.consent(members[1], to_providers=False, version=2))
        assert (await world.pool(shelter))["held"] == 0
        assert (await world.need_of(members[0]))["owner_reason"] == "consent_withdrawn"


async def test_an_older_word_on_consent_changes_nothing(new_world):
    async with new_world(**GATED) as world:
        await world.provider(**COUNSELLING)
        returnee = await world.person({"category": "mhpss"})
        await world.round()
        await world.hear(making.consent(returnee, version=3))
        await world.hear(making.consent(returnee, to_providers=False, version=2))
        assert (await world.offer_of(returnee))["status"] == "pending"


async def test_a_withdrawn_need_is_refused_and_its_offer_recalled(world: World):
    shelter = await world.provider()
    returnee = await world.person({})
    await world.round()
    need_id = (await world.need_of(returnee))["need_id"]
    withdrawn = NeedWithdrawn(returnee_id=returnee, need_id=need_id, withdrawn_at=datetime.now(UTC))
    await world.hear(withdrawn)
    assert (await world.need_of(returnee))["status"] == "refused"
    assert (await world.pool(shelter))["held"] == 0
    assert (await world.published("offer.recalled.v1"))[0]["reason"] == "need_withdrawn"
    await world.hear(withdrawn)
    assert await world.promises() == {}


async def test_erasure_ends_everything_and_drops_the_profile(world: World):
    shelter = await world.provider()
    await world.provider(category="health", service_type="clinic")
    returnee = await world.person({}, {"category": "health"})
    await world.round()
    offer = await world.row("SELECT * FROM offer WHERE category = 'shelter'")
    await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(shelter))
    await world.hear(ReturneeErased(returnee_id=returnee, erased_at=datetime.now(UTC)))
    journey = await world.row("SELECT * FROM journey")
    assert (journey["profile"], list(journey["consents"])) == (None, ["statistics:statistics_office"])
    await _is_coarse(world)
    assert {row["status"] for row in await world.rows("SELECT status FROM need")} == {"closed"}
    assert {row["held"] + row["taken"] for row in await world.rows("SELECT held, taken FROM pool")} == {0}
    await world.hear(making.registered(returnee, version=9))
    assert (await world.row("SELECT profile FROM journey"))["profile"] is None
    assert await world.promises() == {}


async def _is_coarse(world: World) -> None:
    """No code that organisations know, no flight, no trace, no moment finer than the month of the arrival."""
    journey = await world.row("SELECT * FROM journey")
    assert [journey[name] for name in ("case_code", "arrival_batch_id", "traceparent")] == [None, None, None]
    offers = await world.rows("SELECT case_code, traceparent FROM offer")
    assert {tuple(row.values()) for row in offers} == {("", None)}
    moments = [journey["first_seen_at"]]
    for table, columns in (("need", "reported_at"), ("referral", "opened_at, waiting_since")):
        for row in await world.rows(f"SELECT {columns}, arrival_batch_id, traceparent FROM {table}"):
            *times, batch, trace = row.values()
            assert (batch, trace) == (None, None)
            moments += times
    assert {(at.day, at.hour, at.minute, at.second, at.microsecond) for at in moments} == {(1, 0, 0, 0, 0)}
    assert all(len(row["area"] or "") <= 4 for row in await world.rows("SELECT area FROM need"))


async def test_a_merge_is_kept_and_can_be_undone(world: World):
    one, other = await world.person(), await world.person()
    await world.hear(ReturneeMerged(returnee_id=one, into_returnee_id=other))
    into = "SELECT merged_into FROM journey WHERE returnee_id = $1"
    assert (await world.row(into, one))["merged_into"] == other
    await world.hear(ReturneeUnmerged(returnee_id=one, from_returnee_id=other))
    assert (await world.row(into, one))["merged_into"] is None
