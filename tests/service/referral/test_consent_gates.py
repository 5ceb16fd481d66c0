"""Which consent opens which category comes from the pack; referral gates each offer by the right one."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.chassis.database import raw
from libs.events.codes import AgeBand
from tests.service.referral import making
from tests.service.referral.making import COUNTED, EMPLOYERS, REFERRAL
from tests.service.referral.world import World

JOBS = {"category": "employment", "service_type": "local_jobs"}
COURSE = {"category": "training", "service_type": "course"}
GATED = {"categories": {category: {"basic": False} for category in ("employment", "training")}}


async def who_wants_a_job_and_a_course(world: World, *grants: Any) -> UUID:
    returnee_id = uuid4()
    await world.hear(
        making.registered(returnee_id),
        making.allowing(returnee_id, *grants),
        making.need(returnee_id, category="employment"),
        making.need(returnee_id, category="training"),
    )
    return returnee_id


async def standing(world: World, column: str = "status") -> dict[str, Any]:
    """By category: this column of the newest offer."""
    rows = await world.rows(f"SELECT category, {column} FROM offer ORDER BY made_at, offer_id")
    return {row["category"]: row[column] for row in rows}


@pytest.mark.parametrize(
    ("grants", "offered"),
    [
        ((REFERRAL,), {"training"}),
        ((EMPLOYERS,), {"employment"}),
        ((REFERRAL, EMPLOYERS), {"training", "employment"}),
        (((EMPLOYERS[0], REFERRAL[1]),), set()),
        ((COUNTED,), set()),
    ],
    ids=["referral", "employers", "both", "the purpose for another recipient", "only to be counted"],
)
async def test_an_offer_needs_the_consent_that_the_pack_names_for_its_category(new_world, grants, offered):
    async with new_world(**GATED) as world:
        await world.provider(**JOBS)
        await world.provider(**COURSE)
        await who_wants_a_job_and_a_course(world, *grants)
        await world.round()
        assert set(await standing(world)) == offered
        assert await world.promises() == {}


async def test_withdrawing_one_purpose_ends_what_rests_on_it_and_nothing_else(new_world):
    async with new_world(**GATED) as world:
        await world.provider(**JOBS)
        await world.provider(**COURSE)
        returnee = await who_wants_a_job_and_a_course(world, REFERRAL, EMPLOYERS)
        await world.round()
        await world.hear(making.allowing(returnee, REFERRAL, version=2))
        assert await standing(world) == {"employment": "recalled", "training": "pending"}
        await world.hear(making.allowing(returnee, REFERRAL, EMPLOYERS, version=3))
        await world.round()
        assert await standing(world) == {"employment": "pending", "training": "pending"}
        await world.hear(making.allowing(returnee, EMPLOYERS, version=4))
        assert await standing(world) == {"employment": "pending", "training": "recalled"}
        assert await world.promises() == {}


async def test_another_purpose_given_again_does_not_route_what_a_withdrawal_ended(new_world):
    async with new_world(**GATED) as world:
        await world.provider(**JOBS)
        returnee = await who_wants_a_job_and_a_course(world, EMPLOYERS)
        await world.round()
        await world.hear(making.allowing(returnee, version=2))
        await world.hear(making.allowing(returnee, REFERRAL, version=3))
        await world.round()
        assert await standing(world) == {"employment": "recalled"}
        need = await world.row("SELECT owner_reason FROM need WHERE category = 'employment'")
        assert need["owner_reason"] == "consent_withdrawn"


async def test_a_households_offer_needs_the_categorys_consent_of_every_member(new_world):
    async with new_world(**GATED) as world:
        await world.provider(**JOBS)
        key, members = uuid4(), [uuid4(), uuid4()]
        for member in members:
            await world.hear(making.registered(member, household_id=key, age_band=AgeBand.FROM_35_TO_59))
        await world.hear(making.allowing(members[0], EMPLOYERS), making.allowing(members[1], REFERRAL))
        await world.hear(making.household(key, members))
        await world.hear(making.need(members[0], household_id=key, people_count=2, category="employment"))
        await world.round()
        assert await standing(world) == {}
        await world.hear(making.allowing(members[1], EMPLOYERS, version=2))
        await world.round()
        assert await standing(world) == {"employment": "pending"}
        await world.hear(making.allowing(members[1], REFERRAL, version=3))
        assert await standing(world) == {"employment": "recalled"}


async def test_a_log_that_is_told_anew_fills_in_the_consents_of_an_older_release(new_world):
    """Without `<=` in `keep_consents` the version that is known already is passed over."""
    async with new_world(**GATED) as world:
        await world.provider(**JOBS)
        returnee = await who_wants_a_job_and_a_course(world, REFERRAL, EMPLOYERS)
        async with world.database.transaction() as session:
            await (await raw(session)).execute("UPDATE journey SET consents = '{}'")
        await world.hear(making.allowing(returnee, REFERRAL, EMPLOYERS))
        await world.round()
        assert await standing(world) == {"employment": "pending"}
