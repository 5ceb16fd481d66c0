"""Who holds what is one query, over HTTP: seen by staff and by the pool's own provider. And over-committed pools."""

from uuid import uuid4

from tests.service.referral.world import Provider, World


def reader(world: World, one: Provider) -> dict[str, str]:
    return world.issuer.headers("places:read", organization_id=one.organization_id, client_id="partner")


async def test_who_holds_what_page_by_page(world: World):
    shelter = await world.provider(places=5)
    people = [await world.person({}) for _ in range(3)]
    await world.round()
    first = await world.offer_of(people[0])
    await world.step(f"offers/{first['offer_id']}/accept", headers=world.partner(shelter))
    path = f"places/{shelter.pool_id}/holds"
    page = await world.ask(path, limit=2)
    rest = await world.ask(path, limit=2, after=page["next"])
    holds = page["items"] + rest["items"]
    assert [one["offer_id"] for one in holds] == sorted(one["offer_id"] for one in holds)
    assert {one["offer_id"]: one["status"] for one in holds}[str(first["offer_id"])] == "taken"
    assert len(holds) == 3
    assert all(one["case_code"].startswith("EN-") and one["place_count"] == 1 for one in holds)
    (taken,) = (await world.ask(path, status="taken"))["items"]
    assert taken["referral_id"] == str(first["referral_id"])
    await world.step(f"referrals/{first['referral_id']}/not-delivered", {"reason": "provider_unable"})
    assert len((await world.ask(path))["items"]) == 2
    assert [one["offer_id"] for one in (await world.ask(path, status="released"))["items"]] == [taken["offer_id"]]


async def test_a_provider_sees_its_own_pools_and_who_holds_them(world: World):
    """Seen to fail without the organisation in `_SEEN`."""
    mine, other = await world.provider(), await world.provider(place="GT13")
    await world.person({})
    await world.round()
    assert [one["pool_id"] for one in (await world.ask("places", headers=reader(world, mine)))["items"]] == [
        str(mine.pool_id)
    ]
    assert len((await world.ask(f"places/{mine.pool_id}/holds", headers=reader(world, mine)))["items"]) == 1
    for pool_id in (other.pool_id, uuid4()):
        answer = await world.client.get(f"/v1/places/{pool_id}/holds", headers=reader(world, mine))
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


async def test_a_restricted_pool_does_not_exist_for_others(world: World):
    house = await world.provider(category="gbv", restricted=True, service_type="safe_house")
    path = f"/v1/places/{house.pool_id}/holds"
    assert (await world.client.get(path, headers=world.staff())).status_code == 404
    assert (await world.client.get(path, headers=reader(world, house))).status_code == 404
    assert (await world.client.get(path, headers=world.staff(restricted=True))).status_code == 200


async def test_an_over_committed_pool_is_listed_and_recovers_as_places_come_free(world: World):
    """Seen to fail with the ceiling left as it was by a release."""
    shelter, roomy = await world.provider(places=3), await world.provider(places=9, category="food")
    people = [await world.person({}) for _ in range(3)]
    assert await world.round() == 3
    await world.declare(shelter, 1)
    listed = (await world.ask("places", over_committed="true"))["items"]
    assert [(one["pool_id"], one["held"], one["free"]) for one in listed] == [(str(shelter.pool_id), 3, 0)]
    assert [one["pool_id"] for one in (await world.ask("places", over_committed="false"))["items"]] == [
        str(roomy.pool_id)
    ]
    waiting = await world.person({})
    ceilings = []
    for person in people:
        assert await world.round() == 0
        assert (await world.referral_of(waiting))["status"] == "waitlisted"
        offer = await world.offer_of(person)
        body = {"reason": "not_eligible"}
        await world.step(f"offers/{offer['offer_id']}/decline", body, headers=world.partner(shelter))
        ceilings.append((await world.pool(shelter))["ceiling"])
        assert await world.promises() == {}
    assert ceilings == [2, 1, 1]
    assert (await world.ask("places", over_committed="true"))["items"] == []
    assert await world.round() == 1
    assert (await world.referral_of(waiting))["status"] == "offered"


async def test_auto_accept_while_places_last_and_again_when_one_comes_free(world: World):
    """By the same table of states, with actor `auto`. Seen to fail with the acceptance left to the provider."""
    bus = await world.provider(places=2, accepts_automatically=True, category="transport")
    people = [await world.person({"category": "transport"}) for _ in range(3)]
    assert await world.round() == 2
    stood = [(await world.referral_of(one))["status"] for one in people]
    assert sorted(stood) == ["accepted", "accepted", "waitlisted"]
    assert (await world.pool(bus))["taken"] == 2
    taken = people[stood.index("accepted")]
    referral = await world.referral_of(taken)
    await world.step(f"referrals/{referral['referral_id']}/not-delivered", {"reason": "provider_unable"})
    assert await world.round() >= 1
    steps = await world.rows("SELECT actor, led_to FROM step WHERE step = 'offer.accept'")
    assert [(row["actor"], row["led_to"]) for row in steps] == [("auto", "accepted")] * 3
    pool = await world.pool(bus)
    assert (pool["held"], pool["taken"], pool["ceiling"]) == (0, 2, 2)
    assert await world.promises() == {}
