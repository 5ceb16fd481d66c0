"""Offers under consents that name one organisation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from libs.events.catalogue.consents import NamedConsentGrant
from libs.events.catalogue.registration import ConsentChanged
from libs.events.codes import AgeBand, ConsentPurpose
from tests.service.referral import making
from tests.service.referral.making import EMPLOYERS, REFERRAL, SOMEDAY
from tests.service.referral.world import Provider, World

COURSE = {"category": "training", "service_type": "course"}
GATED = {"categories": {"training": {"basic": False}}}


def naming(returnee_id: UUID, *named: Provider, classes: Any = (), version: int = 1, until: Any = SOMEDAY):
    """This person allows referral to these organisations, and what is in `classes`."""
    told = making.allowing(returnee_id, *classes, version=version)
    grants = [
        NamedConsentGrant(purpose=ConsentPurpose.REFERRAL, organization_id=one.organization_id, expires_at=until)
        for one in named
    ]
    return ConsentChanged.model_validate({**told.model_dump(), "organizations": grants})


async def who_wants_a_course(world: World, *named: Provider, **more: Any) -> UUID:
    returnee_id = uuid4()
    await world.hear(
        making.registered(returnee_id),
        naming(returnee_id, *named, **more),
        making.need(returnee_id, category="training"),
    )
    await world.round()
    return returnee_id


async def offers(world: World) -> list[tuple[UUID, str]]:
    rows = await world.rows("SELECT organization_id, status FROM offer ORDER BY made_at, offer_id")
    return [(row["organization_id"], row["status"]) for row in rows]


async def test_only_the_named_organisation_is_asked(new_world):
    async with new_world(**GATED) as world:
        providers = [await world.provider(**COURSE) for _ in range(3)]
        returnee = await who_wants_a_course(world, providers[1])
        assert await offers(world) == [(providers[1].organization_id, "pending")]
        offer = await world.offer_of(returnee)
        declined = await world.step(
            f"offers/{offer['offer_id']}/decline", {"reason": "full"}, headers=world.partner(providers[1])
        )
        assert declined.status_code == 200, declined.text
        await world.round()
        assert len(await offers(world)) == 1, "after its refusal nobody else is asked"


async def test_a_person_who_names_an_organisation_that_does_not_serve_is_offered_nothing(new_world):
    async with new_world(**GATED) as world:
        await world.provider(**COURSE)
        await who_wants_a_course(world, Provider())
        assert await offers(world) == []


async def test_the_end_of_a_named_consent_recalls_only_what_it_carried(new_world):
    async with new_world(**GATED) as world:
        first, second = [await world.provider(**COURSE) for _ in range(2)]
        returnee = await who_wants_a_course(world, first)
        other = await who_wants_a_course(world, second)
        assert await offers(world) == [(first.organization_id, "pending"), (second.organization_id, "pending")]
        await world.hear(naming(returnee, version=2))
        assert await offers(world) == [(first.organization_id, "recalled"), (second.organization_id, "pending")]
        assert (await world.need_of(returnee))["owner_reason"] == "consent_withdrawn"
        await world.hear(naming(returnee, second, version=3))
        await world.round()
        assert [one for one in await offers(world) if one[1] == "pending"] == [(second.organization_id, "pending")] * 2
        assert (await world.need_of(other))["owner"] is None
        assert await world.promises() == {}


async def test_an_offer_goes_on_while_either_consent_allows_it(new_world):
    async with new_world(**GATED) as world:
        named = await world.provider(**COURSE)
        returnee = await who_wants_a_course(world, named, classes=(REFERRAL,))
        assert await offers(world) == [(named.organization_id, "pending")]
        await world.hear(naming(returnee, named, version=2))
        assert await offers(world) == [(named.organization_id, "pending")], "the organisation is still named"
        await world.hear(naming(returnee, classes=(REFERRAL,), version=3))
        assert await offers(world) == [(named.organization_id, "pending")], "its class is still allowed"
        await world.hear(naming(returnee, classes=(EMPLOYERS,), version=4))
        assert await offers(world) == [(named.organization_id, "recalled")]


async def test_the_end_of_a_consent_for_the_class_leaves_the_named_organisation_alone(new_world):
    async with new_world(**GATED) as world:
        asked, named = [await world.provider(**COURSE) for _ in range(2)]
        returnee = await who_wants_a_course(world, asked)
        await world.hear(naming(returnee, named, version=2))
        await world.round()
        assert await offers(world) == [(asked.organization_id, "recalled"), (named.organization_id, "pending")]


async def test_a_named_consent_that_runs_out_ends_its_offer_and_no_earlier(new_world):
    async with new_world(**GATED) as world:
        named = await world.provider(**COURSE)
        until = await world.database_now() + timedelta(hours=2)
        returnee = await who_wants_a_course(world, named, until=until)
        offer = await world.offer_of(returnee)
        await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(named))
        await world.judge_consents()
        assert (await world.referral_of(returnee))["halted_since"] is None
        world.clock.passed += timedelta(hours=3)
        await world.judge_consents()
        assert (await world.referral_of(returnee))["halted_for"] == ["no_consent"]


async def test_a_household_goes_only_where_every_member_allows_it(new_world):
    async with new_world(**GATED) as world:
        first, second = [await world.provider(**COURSE) for _ in range(2)]
        key, members = uuid4(), [uuid4(), uuid4()]
        for member in members:
            await world.hear(making.registered(member, household_id=key, age_band=AgeBand.FROM_35_TO_59))
        await world.hear(making.allowing(members[0], REFERRAL), naming(members[1], second))
        await world.hear(making.household(key, members))
        await world.hear(making.need(members[0], household_id=key, people_count=2, category="training"))
        await world.round()
        assert await offers(world) == [(second.organization_id, "pending")]
        await world.hear(naming(members[1], first, version=2))
        assert await offers(world) == [(second.organization_id, "recalled")]
