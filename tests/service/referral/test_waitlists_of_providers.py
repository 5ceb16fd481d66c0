"""A provider with the right to see queues sees those of its own services, and nobody else's."""

from uuid import uuid4

from tests.service.referral.world import World


async def test_a_provider_sees_who_waits_for_its_own_services_and_no_other(world: World):
    one = await world.provider(places=1)
    other = await world.provider(places=1)
    for _ in range(3):
        await world.person({})
    await world.round()
    (all_of_it,) = (await world.ask("waitlists"))["items"]
    assert all_of_it["returnee_id"], "staff see who it is"
    assert set(all_of_it["provider_service_ids"]) == {str(one.service_id), str(other.service_id)}
    for own in (one, other):
        headers = world.issuer.headers("work-lists:read", organization_id=own.organization_id, client_id="partner")
        (entry,) = (await world.ask("waitlists", headers=headers))["items"]
        assert entry["provider_service_ids"] == [str(own.service_id)]
        assert [pool["pool_id"] for pool in entry["pools"]] == [str(own.pool_id)]
        assert (entry["returnee_id"], entry["need_id"]) == (None, None), "it has accepted nobody"
        assert await world.ask("waitlists/count", headers=headers) == {"count": 1, "more": False}
    stranger = world.issuer.headers("work-lists:read", organization_id=uuid4(), client_id="partner")
    assert (await world.ask("waitlists", headers=stranger))["items"] == []
    assert await world.ask("waitlists/count", headers=stranger) == {"count": 0, "more": False}
    headers = world.issuer.headers("work-lists:read", organization_id=other.organization_id, client_id="partner")
    (entry,) = (await world.ask("waitlists", headers=headers, pool_id=str(one.pool_id)))["items"]
    assert [pool["pool_id"] for pool in entry["pools"]] == [str(other.pool_id)], "also when it asks by another's pool"
