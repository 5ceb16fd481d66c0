"""Changes of supply are counted where they happen, and rounds read only the services that their needs can reach."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from libs.chassis.database import raw
from libs.events.catalogue.directory import PoolDeclared
from services.referral.places import queries as ledger
from services.referral.providers import queries as providers
from services.referral.providers.queries import Views
from services.referral.router.actions import upkeep
from tests.service.referral import making
from tests.service.referral.kinds import asked
from tests.service.referral.world import World


async def supply(world: World) -> dict[str, int]:
    async with world.database.transaction() as session:
        return await ledger.supply_counts(session)


async def add_up(world: World) -> None:
    async with world.database.transaction() as session:
        await upkeep.add_up_supply(session)


async def test_declared_and_freed_places_services_and_organisations_are_changes_of_supply(world: World):
    """Seen to fail without any one of the four triggers."""
    assert await supply(world) == {}
    shelter = await world.provider(1)
    await world.provider(category="food")
    told = await supply(world)
    await world.declare(shelter, 1)
    assert await supply(world) == {**told, "shelter": told["shelter"] + 1}, "a declaration"
    besides = [PoolDeclared(pool_id=uuid4(), kind="child_beds", maximum=1, available=1, starts_on=None, ends_on=None)]
    await world.declare(shelter, 1, besides=besides)
    assert await supply(world) == {**told, "shelter": told["shelter"] + 3}, "two pools, one of them new"
    returnee = await world.person({})
    await world.round()
    assert await supply(world) == {**told, "shelter": told["shelter"] + 3}, "a hold is none"
    offer = await world.offer_of(returnee)
    await world.step(f"offers/{offer['offer_id']}/decline", {"reason": "not_our_area"}, headers=world.partner(shelter))
    told = await supply(world)
    await world.hear(making.service(shelter.service_id, shelter.organization_id, version=2))
    assert await supply(world) == {**told, "shelter": told["shelter"] + 1}, "a service"
    await world.hear(making.organization(shelter.organization_id, version=2))
    assert await supply(world) == {"shelter": told["shelter"] + 2, "food": told["food"] + 1}, "an organisation"


async def test_adding_up_changes_no_count_and_leaves_no_rows(world: World):
    await world.provider()
    await world.provider(category="food")
    told = await supply(world)
    await asyncio.gather(*(add_up(world) for _ in range(4)))
    assert await supply(world) == told
    assert await world.rows("SELECT 1 FROM supply_change") == []
    await world.provider()
    await add_up(world)
    assert (await supply(world))["shelter"] > told["shelter"]


async def test_a_change_that_is_not_committed_counts_when_it_is(world: World):
    """A number that is given out before the commit would be missed by a router that looks in between."""
    shelter = await world.provider()
    told = await supply(world)
    async with world.database.transaction() as session:
        await (await raw(session)).execute(
            "UPDATE pool SET freed_count = freed_count + 1 WHERE pool_id = $1", shelter.pool_id
        )
        await world.provider(category="food")
        await add_up(world)
        assert (await supply(world))["shelter"] == told["shelter"] + 1, "the organisation of the other provider"
    assert (await supply(world))["shelter"] == told["shelter"] + 2


async def test_views_are_read_again_only_if_they_have_changed(world: World):
    """Seen to fail without the revision in `_listed`."""
    shelter, other = await world.provider(), await world.provider()
    known = Views()

    async def read() -> list[object]:
        async with world.database.transaction() as session:
            found = await providers.within(session, known, ["shelter//"])
        return sorted((one.view for one in found), key=lambda view: view.provider_service_id == other.service_id)

    first = await read()
    assert all(before is after for before, after in zip(first, await read(), strict=True))
    await world.hear(making.service(shelter.service_id, shelter.organization_id, version=2, languages=["quc"]))
    again = await read()
    assert (again[0].languages, again[1]) == (["quc"], first[1])
    assert again[1] is first[1]


async def test_a_need_finds_a_service_of_the_area_around_its_place_and_none_of_another(world: World):
    """Places of three levels; the explanation counts what is out of reach."""
    far = await world.provider(catchment=["GT13"], category="legal")
    near = await world.provider(catchment=["GT12"], category="legal")
    returnee = await world.person({"category": "legal"}, reception_place="GT1203", destination="GT1203")
    await world.round()
    assert await asked(world, returnee) == near.service_id != far.service_id
    why = await world.ask(f"offers/{(await world.offer_of(returnee))['offer_id']}/explanation")
    assert (why["excluded"], why["of_other_kinds"]) == ([], 1)


async def test_a_service_whose_organisation_is_not_known_yet_is_no_candidate(world: World):
    await world.hear(making.service(uuid4(), uuid4()))
    returnee = await world.person({})
    assert await world.round() == 0
    assert (await world.need_of(returnee))["owner"] == "lead"
