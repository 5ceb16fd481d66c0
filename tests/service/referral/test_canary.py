"""Every text that a request to referral can carry gets a mark; then the marks are looked for.

The fields come from the API document: a new one that nobody marks here fails the test.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from libs.events.codes import AgeBand
from libs.events.people_codes import AgeGroup
from tests.marks import Marks, mark, watching
from tests.service.referral import making
from tests.service.referral.staying import staying
from tests.service.referral.test_promises import breaks, reviews, watcher
from tests.service.referral.test_searching import lost, tried
from tests.service.referral.world import World

POLICY = {"food": {"review": True}, "health": {"distance_from": "destination"}}
ONLY_REFUSED = {"POST /v1/cases/search /case_code"}
"""A case code has check characters: a marked one is nobody's."""
ALLOWED = {
    "note.text": "the words about a person; they are deleted when the person is erased",
    "hand_over.note": "the words of a hand-over under way; the last part deletes them",
}


async def took(world: World, path: str, body: dict[str, Any], **more: Any) -> None:
    """Send this with a key of its own; it must be taken."""
    headers = {"Idempotency-Key": str(uuid4())} | (more.get("headers") or world.staff())
    answer = await world.step(path, body, headers=headers)
    assert answer.is_success, (path, answer.text)


async def refused_by_a_provider(world: World) -> None:
    """One offer by itself, one among many."""
    shelter = await world.provider()
    first, second = [str(one) for one in await world.offers_to(shelter, 2)]
    as_partner = {"headers": world.partner(shelter)}
    await took(world, f"offers/{first}/decline", {"reason": "full", "note": mark()}, **as_partner)
    answer = {"offer_id": second, "answer": "decline", "reason": "full", "note": mark()}
    await took(world, "offers/answers", {"answers": [answer]}, **as_partner)


async def decided_at_a_desk(world: World) -> None:
    """Approved, rejected, an age, a promise that was broken, and needs that change hands, some of them later."""
    for decision in ("approve", "reject"):
        await world.person({"category": "food"})
        (review,) = (await world.ask("reviews", status="pending"))["items"]
        await took(world, f"reviews/{review['id']}/{decision}", {"note": mark()})
    await world.person({}, age_band=AgeBand.UNKNOWN, age_group=AgeGroup.UNSURE)
    (review,) = (await world.ask("reviews", status="pending"))["items"]
    await took(world, f"reviews/{review['id']}/decide-age", {"group": "adult", "basis": "document", "note": mark()})
    await breaks(world, "UPDATE pool SET held = held + 1")
    await watcher(world).look()
    for broken in await reviews(world):
        await took(world, f"reviews/{broken['id']}/resolve", {"note": mark()})
    await breaks(world, "UPDATE pool SET held = held - 1")
    await took(world, "work-lists/hand-over", {"from": "lead", "to": "steward", "reason": mark()})


async def changed_on_the_way(world: World) -> None:
    """A stay that is longer, a search, another provider, and a referral that is not true."""
    shelter = await world.provider(places=30, max_stay_hours=72)
    _, _, path = await staying(world, shelter)
    await took(world, f"{path}/extend", {"hours": 24, "reason": mark()})
    _, _, referral = await lost(world, shelter)
    answer = await tried(world, referral, "not_found", note=mark())
    assert answer.status_code == 201, answer.text
    far = await world.provider(catchment=["GT13"])
    returnee = await world.person({})
    await world.round()
    path = f"referrals/{(await world.referral_of(returnee))['referral_id']}"
    await took(world, f"{path}/override", {"provider_service_id": str(far.service_id), "reason": mark()})
    await took(world, f"{path}/enter-in-error", {"note": mark()})


async def upheld(world: World) -> None:
    """An accepted referral stays although the person goes elsewhere."""
    clinic = await world.provider(category="health", catchment=["GT12"])
    returnee: UUID = await world.person({"category": "health"}, destination="GT12")
    await world.round()
    offer = await world.offer_of(returnee)
    await took(world, f"offers/{offer['offer_id']}/accept", {}, headers=world.partner(clinic))
    await world.hear(making.registered(returnee, version=2, destination="GT13"))
    await took(world, f"referrals/{offer['referral_id']}/uphold", {"reason": mark()})


async def refusals(world: World) -> None:
    """Marked texts that are too long, of another kind, of an unknown field, and a code that is nobody's."""
    for path, body in (
        ("cases/search", {"case_code": mark()}),
        ("work-lists/hand-over", {"from": mark(), "to": mark(), "reason": mark()}),
        (f"reviews/{uuid4()}/approve", {"note": mark() * 100}),
        (f"referrals/{uuid4()}/enter-in-error", {"note": [mark()]}),
        (f"referrals/{uuid4()}/override", {"provider_service_id": mark(), "reason": mark()}),
    ):
        answer = await world.step(path, body, headers=world.staff() | {"Idempotency-Key": str(uuid4())})
        assert 400 <= answer.status_code < 500, (path, answer.text)


async def test_every_text_of_every_request_is_marked_and_only_notes_hold_a_mark(new_world, monkeypatch, caplog, capfd):
    """Seen to fail with words of requests in logs, output, spans, metrics, refusals and events."""
    monkeypatch.setattr("services.referral.ownership.actions.NEEDS_MAX", 1)
    async with new_world(categories=POLICY) as world:
        with watching(caplog, capfd) as watch:
            marks = Marks((await world.client.get("/openapi.json")).json())
            world.client.event_hooks["response"].append(marks.look)
            for journey in (refused_by_a_provider, decided_at_a_desk, changed_on_the_way, upheld, refusals):
                await journey(world)
            await marks.ask_with_marks(world.client, world.staff())
            assert marks.missing(ONLY_REFUSED) == {}
            assert len(await world.types()) > 10, "there are events"
            assert await watch.leaks(marks, world.url, ALLOWED) == {}
