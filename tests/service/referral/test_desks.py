"""The desks of the country by name, so that a person can hand over a need without knowing codes."""

from __future__ import annotations

from typing import Any

from tests.service.referral.conftest import NewWorld
from tests.service.referral.world import World
from tests.unit.referral.making_facts import a_policy

CATEGORIES: dict[str, Any] = {
    "employment": {"stage": 6, "lead_desk": "jobs-desk"},
    "gbv": {"stage": 3, "lead_desk": "quiet-desk", "restricted": True},
}
NAMES = {"jobs-desk": "Work", "quiet-desk": "A quiet room", "lead": "Everything else"}


async def desks(world: World, *, restricted: bool = False, mine: tuple[str, ...] = ()) -> dict[str, dict[str, Any]]:
    scopes = "work-lists:read restricted:read" if restricted else "work-lists:read"
    headers = world.headers(scopes, client_id="somebody", desks=list(mine))
    found = (await world.ask("desks", headers=headers))["desks"]
    assert [one["name"] for one in found] == sorted(one["name"] for one in found)
    return {one["desk"]: one for one in found}


async def test_desks_have_their_name_their_stages_and_categories_and_whose_they_are(new_world: NewWorld):
    async with new_world(categories=CATEGORIES, desk_names=NAMES) as world:
        shown = await desks(world, mine=("jobs-desk",))
        assert shown["jobs-desk"] == {
            "desk": "jobs-desk", "name": "Work", "stages": [6], "categories": ["employment"], "mine": True,
        }  # fmt: skip
        assert (shown["lead"]["name"], shown["lead"]["mine"]) == ("Everything else", False)
        assert shown[world.policy.steward_desk]["name"] == world.policy.steward_desk, "without a name: the code"


async def test_a_desk_of_restricted_categories_does_not_exist_for_others(new_world: NewWorld):
    async with new_world(categories=CATEGORIES, desk_names=NAMES) as world:
        assert "quiet-desk" not in await desks(world)
        assert "gbv" not in str(await desks(world))
        own = (await desks(world, mine=("quiet-desk",)))["quiet-desk"]
        assert (own["mine"], own["categories"]) == (True, [])
        assert (await desks(world, restricted=True))["quiet-desk"]["categories"] == ["gbv"]


async def test_desks_are_for_staff(world: World):
    partner = world.issuer.headers("work-lists:read", organization_id=(await world.provider()).organization_id)
    assert (await world.client.get("/v1/desks", headers=partner)).json()["code"] == "staff-only"
    assert (await world.client.get("/v1/desks", headers=world.partner(await world.provider()))).status_code == 403


def test_every_desk_of_the_policy_can_be_listed():
    policy = a_policy(categories=CATEGORIES)
    assert {"jobs-desk", "quiet-desk", "lead"} <= policy.desks
