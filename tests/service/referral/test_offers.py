"""From a need to an answer, over HTTP."""

from itertools import product
from typing import Any
from uuid import uuid4

import pytest

from services.referral.offers.rules import OfferOrder
from tests.service.referral.world import Provider, World


async def test_a_need_becomes_an_offer_under_a_case_code_that_holds_a_place(world: World):
    shelter = await world.provider(places=3)
    returnee = await world.person({})
    assert await world.round() == 1
    (offer,) = (await world.ask("offers", headers=world.partner(shelter), status="pending"))["items"]
    assert offer["case_code"] == f"EN-{returnee.hex[-8:-4].upper()}-{returnee.hex[-4:].upper()}"
    assert offer["organization_id"] == str(shelter.organization_id)
    assert (offer["category"], offer["urgency"], offer["people_count"]) == ("shelter", "urgent", 1)
    pool = await world.pool(shelter)
    assert (pool["held"], pool["taken"]) == (1, 0)
    assert await world.types() == ["referral.opened.v1", "offer.made.v1"]
    assert await world.promises() == {}


async def test_accepting_takes_the_place_and_names_it_in_an_event(world: World):
    shelter = await world.provider(places=3)
    returnee = await world.person({})
    await world.round()
    offer = await world.offer_of(returnee)
    answer = await world.step(f"offers/{offer['offer_id']}/acknowledge", headers=world.partner(shelter))
    assert answer.json()["status"] == "acknowledged"
    answer = await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(shelter))
    assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
    pool = await world.pool(shelter)
    assert (pool["held"], pool["taken"], pool["taken_uncounted"]) == (0, 1, 1)
    assert (await world.referral_of(returnee))["status"] == "accepted"
    (event,) = await world.published("offer.accepted.v1")
    assert event["organization_id"] == str(shelter.organization_id)
    assert await world.promises() == {}


async def test_another_organisation_does_not_see_the_offer(world: World):
    await world.provider()
    returnee = await world.person({})
    await world.round()
    offer = await world.offer_of(returnee)
    stranger = world.issuer.headers("offers:read offers:answer", organization_id=uuid4(), client_id="stranger")
    assert (await world.ask("offers", headers=stranger))["items"] == []
    for step in ("acknowledge", "accept"):
        answer = await world.step(f"offers/{offer['offer_id']}/{step}", headers=stranger)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    answer = await world.client.get(f"/v1/offers/{offer['offer_id']}", headers=stranger)
    assert answer.status_code == 404


async def test_a_declined_offer_goes_to_the_next_candidate_at_once_and_never_back(world: World):
    near = await world.provider(place="GT01")
    far = await world.provider(place="GT13")
    returnee = await world.person({})
    await world.round()
    first = await world.offer_of(returnee)
    assert first["provider_service_id"] == near.service_id
    answer = await world.step(
        f"offers/{first['offer_id']}/decline", {"reason": "not_eligible"}, headers=world.partner(near)
    )
    assert answer.json()["reason"] == "not_eligible"
    assert (await world.pool(near))["held"] == 0
    assert await world.round() == 1
    second = await world.offer_of(returnee)
    assert second["provider_service_id"] == far.service_id
    await world.step(
        f"offers/{second['offer_id']}/decline",
        {"reason": "other", "note": "closed for the night"},
        headers=world.partner(far),
    )
    assert await world.round() == 0
    need = await world.need_of(returnee)
    assert (need["owner"], need["owner_reason"]) == ("lead", "candidates_spent")
    assert (await world.types())[-2:] == ["need.assigned.v1", "referral.escalated.v1"]
    assert await world.promises() == {}


async def test_a_provider_lists_what_it_serves_now_and_what_has_ended_with_the_newest_first(world: World):
    shelter = await world.provider(places=3)
    people = [await world.person({}) for _ in range(3)]
    await world.round()
    waiting, running, ended = [await world.offer_of(one) for one in people]
    headers = world.partner(shelter)
    for offer in (running, ended):
        await world.step(f"offers/{offer['offer_id']}/accept", headers=headers)
        await world.step(f"referrals/{offer['referral_id']}/start", headers=headers)
    report = {"reason": "provider_unable"}
    await world.step(f"referrals/{ended['referral_id']}/not-delivered", report, headers=headers)

    serves = await world.ask("offers", headers=headers, referral_status=["accepted", "in_service"])
    assert [(one["id"], one["referral_status"]) for one in serves["items"]] == [
        (str(running["offer_id"]), "in_service")
    ]
    over = await world.ask("offers", headers=headers, referral_status=["not_delivered"])
    assert [one["id"] for one in over["items"]] == [str(ended["offer_id"])]
    every = (await world.ask("offers", headers=headers, order="newest"))["items"]
    assert [one["id"] for one in every] == sorted((one["id"] for one in every), reverse=True)
    assert {one["id"]: one["referral_status"] for one in every}[str(waiting["offer_id"])] is None

    first = await world.ask("offers", headers=headers, order="newest", limit=2)
    second = await world.ask("offers", headers=headers, order="newest", limit=2, after=first["next"])
    assert [one["id"] for one in first["items"] + second["items"]] == [one["id"] for one in every]


async def _waiting(world: World, *needs: dict[str, Any]) -> tuple[Provider, list[str]]:
    """A provider with an offer for each of these needs; the offers in the order of the needs."""
    shelter = await world.provider(places=len(needs))
    people = [await world.person(one) for one in needs]
    await world.round()
    return shelter, [str((await world.offer_of(one))["offer_id"]) for one in people]


async def test_the_most_urgent_offers_come_first_page_after_page_and_without_those_that_have_ended(world: World):
    urgencies = ["normal", "emergency", "urgent", "normal", "emergency", "urgent"]
    shelter, offers = await _waiting(world, *({"urgency": one} for one in urgencies))
    headers = world.partner(shelter)
    await world.step(f"offers/{offers[0]}/acknowledge", headers=headers)
    await world.step(f"offers/{offers[1]}/decline", {"reason": "not_eligible"}, headers=headers)
    # Of two equally urgent offers, the one with less time comes first.
    await world.rows(f"UPDATE offer SET answer_by = answer_by - interval '1 second' WHERE offer_id = '{offers[5]}'")
    await world.rows(f"UPDATE offer SET answer_by = answer_by + interval '1 hour' WHERE offer_id = '{offers[0]}'")
    expected = [offers[4], offers[5], offers[2], offers[3], offers[0]]
    whole = await world.ask("offers", headers=headers, order="most_urgent")
    assert [one["id"] for one in whole["items"]] == expected
    first = await world.ask("offers", headers=headers, order="most_urgent", limit=2)
    second = await world.ask("offers", headers=headers, order="most_urgent", limit=2, after=first["next"])
    third = await world.ask("offers", headers=headers, order="most_urgent", limit=2, after=second["next"])
    assert [one["id"] for page in (first, second, third) for one in page["items"]] == expected
    assert third["next"] is None
    only = await world.ask("offers", headers=headers, order="most_urgent", status="acknowledged")
    assert [one["id"] for one in only["items"]] == [offers[0]]
    assert await world.ask("offers/counts", headers=headers) == {"waiting": {"count": 5, "more": False}}


async def test_the_list_and_the_count_of_waiting_offers_are_those_of_the_caller(world: World):
    shelter, offers = await _waiting(world, {})
    other = await world.provider()
    for caller, seen in ((world.partner(shelter), offers), (world.partner(other), []), (world.staff(), offers)):
        assert [one["id"] for one in (await world.ask("offers", headers=caller, order="most_urgent"))["items"]] == seen
        assert (await world.ask("offers/counts", headers=caller))["waiting"]["count"] == len(seen)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"status": "accepted"}, "status"),
        ({"status": "declined"}, "status"),
        ({"referral_status": "in_service"}, "referral_status"),
    ],
)
async def test_a_filter_that_no_waiting_offer_meets_is_refused(world: World, query: dict[str, str], named: str):
    answer = await world.client.get("/v1/offers", params={"order": "most_urgent", **query}, headers=world.staff())
    assert answer.status_code == 422
    assert [(one["pointer"], one["rule"]) for one in answer.json()["errors"]] == [(named, "not-waiting")]


async def test_a_cursor_of_another_order_is_refused(world: World):
    shelter, _ = await _waiting(world, {}, {}, {})
    headers = world.partner(shelter)
    cursors = {one: (await world.ask("offers", headers=headers, order=one, limit=1))["next"] for one in OfferOrder}
    for order, (told, after) in product(OfferOrder, cursors.items()):
        params = {"order": order, "limit": 1, "after": after}
        answer = await world.client.get("/v1/offers", params=params, headers=headers)
        assert answer.status_code == (200 if order == told else 422), (order, told)
        if order != told:
            assert [one["rule"] for one in answer.json()["errors"]] == ["bad-cursor"]


async def test_silence_reminds_then_expires_then_asks_the_next(world: World):
    near = await world.provider(place="GT01")
    far = await world.provider(place="GT13")
    returnee = await world.person({})
    await world.round()
    first = await world.offer_of(returnee)
    await world.pass_time(seconds=1801)
    assert len(await world.published("offer.reminded.v1")) == 1
    await world.pass_time(seconds=1800)
    assert len(await world.published("offer.expired.v1")) == 1
    late = await world.step(f"offers/{first['offer_id']}/accept", headers=world.partner(near))
    assert (late.status_code, late.json()["code"]) == (409, "offer-expired")
    assert await world.round() == 1
    assert (await world.offer_of(returnee))["provider_service_id"] == far.service_id
    assert (await world.pool(near))["held"] == 0
    assert await world.promises() == {}


async def test_a_declared_full_closes_the_pool_until_the_next_declaration(world: World):
    shelter = await world.provider(places=5)
    one, other = await world.person({}), await world.person({})
    await world.round()
    offer = await world.offer_of(one)
    await world.step(f"offers/{offer['offer_id']}/decline", {"reason": "full"}, headers=world.partner(shelter))
    assert (await world.pool(shelter))["closed"]
    assert await world.round() == 0
    assert (await world.referral_of(one))["status"] == "waitlisted"
    assert (await world.referral_of(other))["status"] == "offered"
    (entry,) = (await world.ask("waitlists"))["items"]
    assert (entry["returnee_id"], entry["position"]) == (str(one), 1)
    assert await world.promises() == {}
    await world.declare(shelter, 5)
    assert await world.round() == 1
    assert (await world.referral_of(one))["status"] == "offered"
    assert (await world.ask("waitlists"))["items"] == []
    assert await world.promises() == {}


async def test_a_partner_is_told_only_its_own_part_of_the_explanation(world: World):
    chosen = await world.provider(place="GT01")
    await world.provider(place="GT13")
    returnee = await world.person({})
    await world.round()
    path = f"offers/{(await world.offer_of(returnee))['offer_id']}/explanation"
    assert len((await world.ask(path))["ranked"]) == 2
    shown = await world.ask(path, headers=world.partner(chosen))
    assert [one["provider_service_id"] for one in shown["ranked"]] == [str(chosen.service_id)]
    assert shown["excluded"] == []
