"""A person's journey as one list, with what the reader may not know left out without a trace."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID, uuid4

from tests.service.referral import making
from tests.service.referral.test_promises import breaks
from tests.service.referral.world import STAFF, Provider, World


async def pages(
    world: World, path: str, headers: dict[str, str], **query: Any
) -> tuple[list[dict[str, Any]], list[str]]:
    """The whole list page by page, and the cursors on the way."""
    entries: list[dict[str, Any]] = []
    cursors: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = await world.ask(path, headers=headers, **query, **after)
        entries += page["items"]
        if page["next"] is None:
            return entries, cursors
        cursors.append(page["next"])
        after = {"after": page["next"]}


async def a_journey(world: World, shelter: Provider, *between: dict[str, Any]) -> UUID:
    """Shelter declined, then other needs, then shelter accepted elsewhere and begun."""
    returnee = await world.person({})
    await world.round()
    first = await world.offer_of(returnee)
    await world.step(
        f"offers/{first['offer_id']}/decline", {"reason": "no_longer_offered"}, headers=world.partner(shelter)
    )
    for one in between:
        await world.hear(making.need(returnee, **one))
    await world.round()
    return returnee


async def test_staff_see_every_step_in_order_and_backwards(world: World):
    near = await world.provider(place="GT01")
    far = await world.provider(place="GT13")
    returnee = await a_journey(world, near)
    second = await world.offer_of(returnee)
    await world.step(f"offers/{second['offer_id']}/accept", headers=world.partner(far))
    path = f"returnees/{returnee}/timeline"
    entries, _ = await pages(world, path, world.staff(), limit=2)
    assert [one["step"] for one in entries] == [
        row["step"]
        for row in await world.rows("SELECT step FROM step WHERE returnee_id = $1 ORDER BY step_id", returnee)
    ]
    assert [one["number"] for one in entries] == list(range(1, len(entries) + 1))
    declined = next(one for one in entries if one["step"] == "offer.decline")
    assert (declined["by"], declined["reason"], declined["led_to"]) == ("provider", "no_longer_offered", "declined")
    assert declined["actor"] == f"partner-{near.organization_id}"
    assert entries[0]["by"] == "network"
    backwards, _ = await pages(world, path, world.staff(), limit=3, order="newest")
    assert backwards == entries[::-1]
    by_offer, _ = await pages(world, f"offers/{second['offer_id']}/timeline", world.staff())
    assert by_offer == entries


async def test_a_restricted_need_in_the_middle_leaves_no_trace_for_others(world: World):
    """The list of a journey with a restricted need is that of a twin without it: entries, numbers, pages, cursors.

    Without the condition on `restricted` in `_OF_STAFF`, or with the cursor made of `step_id`, it fails.
    """
    await world.provider(places=50)
    plain = await world.person({})
    twin = await world.person({})
    await world.hear(making.need(twin, category="anti_trafficking"))
    for one in (plain, twin):
        await world.hear(making.need(one, category="food"))
    await world.round()
    shown = {}
    for one in (plain, twin):
        entries, cursors = await pages(world, f"returnees/{one}/timeline", world.staff(), limit=2)
        kept = [{name: e[name] for name in ("number", "step", "led_to", "by", "category")} for e in entries]
        payloads = [base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[16:] for cursor in cursors]
        shown[one] = (kept, payloads)
    assert shown[plain] == shown[twin]
    everything, _ = await pages(world, f"returnees/{twin}/timeline", world.staff(restricted=True))
    assert len(everything) > len(shown[twin][0])
    assert "anti_trafficking" in {one["category"] for one in everything}


async def test_a_provider_sees_its_own_offer_and_service_and_nothing_of_others(world: World):
    """Without `organization_id` in `_OF_PARTNER` it sees the other's offer; without `OF_THE_SERVICE` its owner."""
    near = await world.provider(place="GT01")
    far = await world.provider(place="GT13")
    returnee = await a_journey(world, near, {"category": "food"})
    second = await world.offer_of(returnee)
    await world.step(f"offers/{second['offer_id']}/accept", headers=world.partner(far))
    await world.step(f"referrals/{second['referral_id']}/start", headers=world.partner(far))
    path = f"returnees/{returnee}/timeline"
    mine, _ = await pages(world, path, world.partner(far), limit=1)
    assert [(one["number"], one["step"]) for one in mine] == [
        (1, "offer.make"),
        (2, "offer.accept"),
        (3, "referral.start"),
    ]
    assert {one["offer_id"] for one in mine} == {str(second["offer_id"])}
    assert all(one["actor"] is None and one["need_id"] is None for one in mine)
    theirs, _ = await pages(world, path, world.partner(near))
    assert [one["step"] for one in theirs] == ["offer.make", "offer.decline"]
    assert theirs == (await pages(world, f"offers/{theirs[0]['offer_id']}/timeline", world.partner(near)))[0]


async def test_a_provider_sees_of_a_restricted_offer_nothing_without_the_scope(world: World):
    """Without `restricted` in either half of `_OF_PARTNER` it sees the offer, or the service after it."""
    shelter = await world.provider()
    meals = await world.provider(category="food", organization_id=shelter.organization_id)
    returnee = await world.person({}, {"category": "food"})
    await world.round()
    for one in await world.rows("SELECT offer_id, referral_id FROM offer"):
        await world.step(f"offers/{one['offer_id']}/accept", headers=world.partner(meals))
        await world.step(f"referrals/{one['referral_id']}/start", headers=world.partner(meals))
    await breaks(world, "UPDATE offer SET restricted = category = 'shelter'")
    path, steps = f"returnees/{returnee}/timeline", ["offer.make", "offer.accept", "referral.start"]
    seen, _ = await pages(world, path, world.partner(shelter))
    assert [(one["number"], one["step"], one["category"]) for one in seen] == [
        (number, step, "food") for number, step in enumerate(steps, 1)
    ]
    everything, _ = await pages(world, path, world.partner(shelter, restricted=True))
    assert sorted(one["category"] for one in everything) == ["food"] * 3 + ["shelter"] * 3
    await breaks(world, "UPDATE offer SET restricted = true")
    assert (await world.client.get(f"/v1/{path}", headers=world.partner(shelter))).status_code == 404


async def test_a_provider_sees_that_it_was_reminded_and_in_what_role_others_acted(world: World):
    """Without `referral.remind` in `OF_THE_SERVICE` the reminder is missing; without `desks` the desk is a person."""
    shelter = await world.provider()
    returnee = await world.person({})
    await world.round()
    offer = await world.offer_of(returnee)
    await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(shelter))
    await world.pass_time(hours=12, seconds=5)
    for name in ("lead", "somebody"):
        headers = world.issuer.headers(STAFF, client_id=name)
        step = "start" if name == "lead" else "complete"
        body = {"outcome": "need_met"} if step == "complete" else None
        answer = await world.step(f"referrals/{offer['referral_id']}/{step}", body, headers=headers)
        assert answer.status_code == 200, answer.text
    entries, _ = await pages(world, f"returnees/{returnee}/timeline", world.partner(shelter))
    assert [(one["step"], one["by"]) for one in entries[1:]] == [
        ("offer.accept", "provider"),
        ("referral.remind", "network"),
        ("referral.start", "desk"),
        ("referral.complete", "person"),
    ]


async def test_a_provider_without_an_offer_does_not_learn_that_the_returnee_exists(world: World):
    near = await world.provider(place="GT01")
    stranger = await world.provider(place="GT13", category="food")
    returnee = await world.person({})
    await world.round()
    offer = await world.offer_of(returnee)
    for path in (
        f"returnees/{returnee}/timeline",
        f"returnees/{uuid4()}/timeline",
        f"offers/{offer['offer_id']}/timeline",
    ):
        answer = await world.client.get(f"/v1/{path}", headers=world.partner(stranger))
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert (await pages(world, f"returnees/{returnee}/timeline", world.partner(near)))[0]
    answer = await world.client.get(f"/v1/returnees/{uuid4()}/timeline", headers=world.staff())
    assert answer.status_code == 404
