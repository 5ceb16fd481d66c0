"""How far the needs of flights and buses are, in numbers: for staff, and for reception about its own places."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.events.catalogue.registration import ReturneeErased, ReturneeMerged
from libs.events.codes import AgeBand
from services.referral.progress.rules import NeedClass
from tests.service.referral.world import World

CLASSES = [one.value for one in NeedClass]
PATH = "arrival-batches/progress"


async def arriving(world: World, batch: UUID, *needs: dict[str, Any], **profile: Any) -> UUID:
    """Somebody of this flight with these needs."""
    told = [{"arrival_batch_id": batch, **one} for one in needs]
    return await world.person(*told, arrival_batch_id=batch, **profile)


def reading(world: World, *, restricted: bool = False, **claims: Any) -> dict[str, str]:
    """Staff, unless other claims say who it is."""
    scopes = "progress:read restricted:read" if restricted else "progress:read"
    return world.headers(scopes, **({"client_id": "steward", "staff": True} | claims))


def reception(world: World, *places: str, **more: Any) -> dict[str, str]:
    return reading(world, client_id="reception", staff=False, reception_places=places, **more)


async def progress(world: World, *batches: UUID, headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
    found = await world.ask(PATH, headers=headers or reading(world), batch_id=[str(one) for one in batches])
    items: list[dict[str, Any]] = found["items"]
    return items


def told(item: dict[str, Any]) -> dict[str, int]:
    """The numbers above zero."""
    return {name: value for name, value in item.items() if name != "batch_id" and value}


async def steps(world: World, returnee: UUID, *paths: tuple[str, Any]) -> None:
    """Take these steps with the newest offer, referral or need of a returnee."""
    for path, body in paths:
        offer, need = await world.offer_of(returnee), await world.need_of(returnee)
        ids = {"offers": offer["offer_id"], "referrals": offer["referral_id"], "needs": need["need_id"]}
        kind, verb = path.split("/")
        headers = world.staff() if kind == "needs" else await world.asked(offer["offer_id"])
        answer = await world.step(f"{kind}/{ids[kind]}/{verb}", body, headers=headers)
        assert answer.status_code == 200, answer.text


ACCEPT, START = ("offers/accept", None), ("referrals/start", None)
MET = ("referrals/complete", {"outcome": "need_met"})


async def every_class(world: World, batch: UUID) -> None:
    """A flight with one need in each class, and a second one that a desk owns."""
    await world.provider(places=20)
    await world.provider(category="health", places=0)
    people = [await arriving(world, batch, {}) for _ in range(6)]
    await arriving(world, batch, {"category": "health"})
    first = uuid4()
    await arriving(world, batch, {"category": "documents", "need_id": first}, {"after_need_id": first})
    await arriving(world, batch, {}, age_band=AgeBand.UNKNOWN)
    await arriving(world, batch, {"category": "food"})
    await world.round()
    taken = ((), (ACCEPT,), (ACCEPT, START), (ACCEPT, START, MET), (("needs/refuse", None),),
             (("needs/close", {"reason": "no_help_exists"}),))  # fmt: skip
    for returnee, path in zip(people, taken, strict=True):
        await steps(world, returnee, *path)
    await arriving(world, batch, {})


async def test_each_need_of_a_flight_is_in_exactly_one_class(world: World):
    batch = uuid4()
    await every_class(world, batch)
    (item,) = await progress(world, batch)
    assert item["batch_id"] == str(batch)
    assert (item["people"], item["needs"]) == (11, 12)
    assert {name: item[name] for name in CLASSES} == dict.fromkeys(CLASSES, 1) | {"owned_by_desk": 2}
    # The waiting, the blocked, the reviewed, the one without a provider, and the newest.
    assert item["people_without_offer"] == 5
    assert item.keys() == {"batch_id", "people", "needs", "people_without_offer", *CLASSES}


async def test_an_owner_changes_the_class_only_where_no_provider_has_the_need(world: World):
    batch = uuid4()
    shelter = await world.provider()
    offered = await arriving(world, batch, {})
    await world.round()
    seeking = await arriving(world, batch, {"category": "health"})
    for returnee in (offered, seeking):
        await steps_of_desk(world, returnee)
    (item,) = await progress(world, batch)
    assert told(item) == {"people": 2, "needs": 2, "offered": 1, "owned_by_desk": 1, "people_without_offer": 1}
    assert shelter.organization_id is not None


async def steps_of_desk(world: World, returnee: UUID) -> None:
    need = await world.need_of(returnee)
    answer = await world.step(f"needs/{need['need_id']}/assign", {"owner": "lead"}, headers=world.staff())
    assert answer.status_code == 200, answer.text


async def test_who_had_an_offer_is_never_counted_as_without_one(world: World):
    batch = uuid4()
    shelter = await world.provider(places=1)
    declined = await arriving(world, batch, {}, {"category": "food"})
    await world.round()
    offer = await world.offer_of(declined)
    answer = await world.step(f"offers/{offer['offer_id']}/decline", {"reason": "full"}, headers=world.partner(shelter))
    assert answer.status_code == 200
    (item,) = await progress(world, batch)
    assert (item["offered"], item["people"], item["people_without_offer"]) == (0, 1, 0)


async def test_restricted_needs_are_not_counted_without_their_scope(world: World):
    """Seen to fail with `_seen` returning nothing: row-level security hides them from staff, but not from reception."""
    batch = uuid4()
    await arriving(world, batch, {"category": "gbv"})
    for headers in (reading(world), reception(world, "GT01")):
        (item,) = await progress(world, batch, headers=headers)
        assert told(item) == {"people": 1}
    for headers in (reading(world, restricted=True), reception(world, "GT01", restricted=True)):
        (item,) = await progress(world, batch, headers=headers)
        assert (item["needs"], item["people_without_offer"]) == (1, 1)


async def test_reception_counts_the_people_of_its_places_and_nobody_else(world: World):
    """Seen to fail with either of the two conditions on the place taken out."""
    batch = uuid4()
    await arriving(world, batch, {}, {"category": "food"}, reception_place="GT01")
    await arriving(world, batch, {}, reception_place="GT12")
    await arriving(world, batch, {}, reception_place=None)
    for places, people, needs in (
        (["GT01"], 1, 2),
        (["GT12"], 1, 1),
        (["GT01", "GT12"], 2, 3),
        (["GT"], 3, 4),
        (["GT13"], 0, 0),
        (["HN"], 0, 0),
        (["G"], 0, 0),
        ([""], 0, 0),
        (["%"], 0, 0),
    ):
        (item,) = await progress(world, batch, headers=reception(world, *places))
        assert (item["people"], item["needs"]) == (people, needs), places
    (item,) = await progress(world, batch, headers=reading(world, reception_places=["GT12"]))
    assert item["people"] == 1, "staff of a place too"
    (item,) = await progress(world, batch)
    assert item["people"] == 3


async def test_batches_come_once_in_the_asked_order_and_an_unknown_one_has_zeros(world: World):
    one, other, unknown = uuid4(), uuid4(), uuid4()
    await arriving(world, one, {})
    await arriving(world, other, {}, {"category": "food"})
    items = await progress(world, other, unknown, one, other)
    assert [UUID(item["batch_id"]) for item in items] == [other, unknown, one]
    assert [item["needs"] for item in items] == [2, 0, 1]
    assert told(items[1]) == {}


async def test_a_merged_record_and_an_erased_person_are_not_counted(world: World):
    batch = uuid4()
    merged, kept, erased = [await arriving(world, batch, {}) for _ in range(3)]
    other = await arriving(world, batch, {"category": "food"})
    await world.hear(ReturneeMerged(returnee_id=merged, into_returnee_id=other))
    (item,) = await progress(world, batch)
    assert (item["people"], item["needs"]) == (3, 4), "the need of the merged record continues under the other one"
    await world.hear(ReturneeErased(returnee_id=erased, erased_at=datetime.now(UTC)))
    (item,) = await progress(world, batch)
    assert (item["people"], item["needs"]) == (2, 3)
    assert kept is not None


@pytest.mark.parametrize("path", [PATH, "waiting-times"])
async def test_the_numbers_are_for_staff_and_reception_with_the_scope_and_for_no_organisation(world: World, path: str):
    query = {"batch_id": str(uuid4())}
    organization = str(uuid4())

    async def code(headers: dict[str, str]) -> str:
        answer = await world.client.get(f"/v1/{path}", params=query, headers=headers)
        assert answer.status_code == 403, answer.text
        return str(answer.json()["code"])

    assert await code(world.staff()) == "insufficient-scope"
    partner = {"client_id": "partner", "staff": False, "organization_id": organization}
    assert await code(reading(world, **partner)) == "wrong-caller"
    assert await code(reading(world, **partner, reception_places=["GT01"])) == "wrong-caller"
    assert await code(reading(world, client_id="nobody", staff=False)) == "tenant-missing"
    assert await code(reading(world, client_id="service", staff=False, service="notifications")) == "wrong-caller"


@pytest.mark.parametrize("ids", [[], ["no-id"], [str(uuid4()) for _ in range(51)]])
async def test_no_batch_a_wrong_one_and_too_many_are_refused(world: World, ids: list[str]):
    answer = await world.client.get(f"/v1/{PATH}", params={"batch_id": ids}, headers=reading(world))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("batch_id")
