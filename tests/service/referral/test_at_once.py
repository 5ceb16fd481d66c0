from __future__ import annotations
from tests.service.referral.world import World

async def test_one(world: World):
    await world.provider(places=1)
    await world.round()
    world.router.leads = True
    one = await world.person({})
    assert (await world.referral_of(one))["status"] == "offered"
    assert await world.round() == 0
    assert await world.promises() == {}
