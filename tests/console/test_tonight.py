"""Tonight: the numbers of the network, for those who may see them; one call for many watchers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.console import told
from tests.console.world import World

OPERATOR = ("progress:read", "operations:read", "work-lists:read", "places:read", "directory:read", "referrals:read")
PROMISE = {"name": "no_clock_is_overdue", "promise": "x", "violations": 0, "by_kind": {}}


def waits(**changes: Any) -> dict[str, Any]:
    ended = {"count": 3, "median_seconds": 60, "p90_seconds": 300, "worst_seconds": 7200}
    now = {"waiting": told.count(4), "oldest_seconds": 180}
    return {
        "as_of": told.AT,
        "hours": 24,
        "to_first_offer": ended,
        "to_answer": ended,
        "without_offer": now,
        "without_answer": now,
        **changes,
    }


def bus(**changes: Any) -> dict[str, Any]:
    outbox = {"events": 0, "more": False, "refused": 0, "oldest_age_seconds": 0, "relay_leads": True}
    parked = {"keys": 0, "keys_of_senders": 0, "oldest_age_seconds": 0, "items": []}
    return {
        "outbox": outbox | {"held_since": None},
        "stopped_partitions": [],
        "parked": parked,
        "consumer": None,
        "client_rebuilds": {"consumer": 0, "producer": 0},
        **changes,
    }


@pytest.fixture
def night(world: World) -> dict[str, Any]:
    """One flight and one service, as the services tell them."""
    batch, pool = told.batch(), told.pool(held=3, taken=5, maximum=8, free=0, over_committed=True)
    needs = told.batch_needs(batch["batch_id"], met=50, owned_by_desk=7, people_without_offer=11)
    world.services.tell("registration", "/v1/arrival-batches/progress", told.page(batch))
    world.services.tell("referral", "/v1/arrival-batches/progress", {"items": [needs]})
    world.services.tell("referral", "/v1/waiting-times", waits())
    counts = {name: told.count() for name in ("mine", "due", "overdue", "escalations", "halted", "unmet")}
    world.services.tell("referral", "/v1/work-lists/counts", counts | {"waiting": {"provider": told.count(6)}})
    world.services.tell("referral", "/v1/invariants", {"holds": True, "promises": [PROMISE]})
    world.services.tell("referral", "/v1/places", told.page(pool))
    world.services.tell("referral", "/v1/desks", {"desks": []})
    world.services.tell("provider_directory", "/v1/taxonomy", told.taxonomy())
    for service in ("registration", "referral", "provider_directory", "notifications"):
        world.services.tell(service, "/v1/event-bus", bus())
    world.services.tell("notifications", "/v1/endpoints/trouble", {"total": told.count(), "items": []})
    service = pool["provider_service_id"]
    return {"batch": batch, "pool": pool, "service": service}


async def test_the_flight_its_needs_waits_and_places_are_told_in_words(world: World, night: dict[str, Any]):
    page = await world.client(*OPERATOR, staff=True).get("/tonight")
    assert page.status_code == 200
    for text in (
        "Sample Air 101",
        "100 of 135",
        "2 absent",
        ">11<",
        "2 hours",
        "more taken than there are",
        "all kept",
    ):
        assert text in page.text, text
    assert "<svg" in page.text


async def test_the_part_renews_itself_and_a_broken_promise_is_told(world: World, night: dict[str, Any]):
    broken = {"holds": False, "promises": [PROMISE | {"violations": 2}]}
    world.services.tell("referral", "/v1/invariants", broken)
    page = await world.client(*OPERATOR, staff=True).get("/tonight/now")
    assert 'hx-get="/tonight/now"' in page.text
    assert "<html" not in page.text
    assert "2 breaches" in page.text
    assert "each deadline is acted on in time" in page.text


async def test_what_is_stuck_is_told_in_words(world: World, night: dict[str, Any]):
    stopped = {"topic": "enlace.registration", "partition": 3, "since": told.AT, "reason": "log-cut"}
    parked = bus()["parked"] | {"keys": 2, "oldest_age_seconds": 3600}
    world.services.tell("referral", "/v1/event-bus", bus(stopped_partitions=[stopped], parked=parked))
    outbox = bus()["outbox"] | {"events": 12, "oldest_age_seconds": 90, "relay_leads": False}
    world.services.tell("registration", "/v1/event-bus", bus(outbox=outbox))
    failing = {"organization_id": told.id_(), "endpoint_id": told.id_(), "status": "enabled", "since": told.AT}
    failing |= {"disabled_reason": None, "failed_attempts": 3, "waiting_deliveries": 4}
    world.services.tell("notifications", "/v1/endpoints/trouble", {"total": told.count(1), "items": [failing]})
    page = await world.client(*OPERATOR, staff=True).get("/tonight")
    for text in ("its log was cut", "2 people or objects are parked", "12 events are not sent", "4 messages wait"):
        assert text in page.text, text
    assert "log-cut" not in page.text


@pytest.mark.parametrize("service", ["registration", "referral", "provider_directory", "notifications"])
async def test_a_service_that_is_away_is_a_part_that_says_so(world: World, night: dict[str, Any], service: str):
    """Seen to fail without `part`."""
    world.services.away.add(service)
    page = await world.client(*OPERATOR, staff=True).get("/tonight")
    assert page.status_code == 200
    assert "no answer" in page.text
    if service in ("registration", "referral"):
        assert "does not answer now" in page.text
    if service != "registration":
        assert "Sample Air 101" in page.text


async def test_reception_sees_its_flights_and_nothing_of_the_desks(world: World, night: dict[str, Any]):
    browser = world.client("progress:read", "arrivals:read", reception_places=("GT01",))
    page = await browser.get("/tonight")
    assert "Sample Air 101" in page.text
    assert "Places by service" not in page.text
    asked = {one.path for one in world.services.asked}
    assert asked == {"/v1/arrival-batches/progress"}


async def test_fifty_watchers_with_equal_rights_cost_one_call_and_others_have_their_own(
    world: World, night: dict[str, Any]
):
    """Seen to fail without `Person.shared`, and with a key that leaves out the rights."""
    crowd = [world.client(*OPERATOR, staff=True) for _ in range(50)]
    await asyncio.gather(*(browser.get("/tonight/now") for browser in crowd))
    assert len(world.services.sent("GET", "/v1/waiting-times")) == 1
    await world.client(*OPERATOR, "restricted:read", staff=True).get("/tonight/now")
    assert len(world.services.sent("GET", "/v1/waiting-times")) == 2
    await world.client("progress:read", reception_places=("GT12",)).get("/tonight/now")
    assert len(world.services.sent("GET", "/v1/arrival-batches/progress")) == 2 * 3
