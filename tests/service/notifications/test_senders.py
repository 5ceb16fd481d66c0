"""More than one sender, and senders that stop or die: nothing twice in normal running, nothing lost ever."""

import asyncio
import sys
from collections import Counter
from pathlib import Path

from services.notifications.deliveries import loop
from services.notifications.deliveries.actions import attempts
from services.notifications.deliveries.actions.deliveries import claim_deliveries
from services.notifications.deliveries.rules import Answer, Finished
from tests.service.notifications.conftest import KEY, a_database, an_offer
from tests.service.notifications.receiving import answering_after

LONELY = "tests.service.notifications.lonely_sender"
ROOT = Path(__file__).resolve().parents[3]


async def test_two_senders_send_nothing_twice(service, webhooks):
    await service.add_endpoint(webhooks.url)
    async with a_database(service.url) as other:
        service.start(service.sender())
        service.start(service.sender(other))
        for _ in range(10):
            await service.tell(*(an_offer() for _ in range(20)))
        await service.wait_for_rows("SELECT 1 FROM delivery WHERE status = 'succeeded' HAVING count(*) = 200")
        await service.stop()
    assert len(webhooks.calls) == 200
    assert set(Counter(call.message_id for call in webhooks.calls).values()) == {1}
    assert len(await service.rows("SELECT 1 FROM attempt")) == 200


async def test_a_sender_killed_between_sending_and_recording_leads_to_the_same_id_again(service, webhooks):
    endpoint = await service.add_endpoint(webhooks.url)
    gate = asyncio.Event()
    webhooks.behaviour = answering_after(gate)
    await service.tell(an_offer())
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", LONELY, service.url, KEY, "1", cwd=ROOT)
    try:
        await webhooks.wait_for(1, seconds=90)
        (row,) = await service.rows("SELECT status FROM delivery")
        assert row["status"] == "sending"
    finally:
        process.kill()
        await process.wait()
    gate.set()
    service.start(service.sender())
    first, second = await webhooks.wait_for(2)
    assert first.message_id == second.message_id
    second.verified_by(endpoint["secret"])
    await service.wait_for_rows("SELECT 1 FROM delivery WHERE status = 'succeeded'")
    rows = await service.rows("SELECT number, fault, status_code FROM attempt ORDER BY number")
    assert [tuple(row) for row in rows] == [(1, "sender-lost", None), (2, None, 204)]


async def test_a_sender_that_stops_waits_for_answers(service, webhooks):
    await service.add_endpoint(webhooks.url)
    gate = asyncio.Event()
    webhooks.behaviour = answering_after(gate)
    service.start(service.sender())
    await service.tell(an_offer())
    await webhooks.wait_for(1)
    asyncio.get_running_loop().call_later(0.3, gate.set)
    await service.stop()
    (row,) = await service.rows("SELECT status FROM delivery")
    assert row["status"] == "succeeded"


async def test_a_sender_that_must_not_wait_gives_back_what_it_holds(service, webhooks, monkeypatch):
    monkeypatch.setattr(loop, "DRAIN_SECONDS", 0.1)
    await service.add_endpoint(webhooks.url)
    gate = asyncio.Event()
    webhooks.behaviour = answering_after(gate)
    service.start(service.sender())
    await service.tell(an_offer())
    await webhooks.wait_for(1)
    await service.stop()
    (row,) = await service.rows("SELECT status, lease_until FROM delivery")
    assert (row["status"], row["lease_until"]) == ("pending", None)
    gate.set()
    service.start(service.sender())
    first, second = await webhooks.wait_for(2)
    assert first.message_id == second.message_id


async def test_what_is_recorded_too_late_changes_nothing(service, webhooks):
    """A sender whose lease has run out may come back when another has taken over."""
    await service.add_endpoint(webhooks.url)
    await service.tell(an_offer())

    async def claim():
        async with service.database.transaction() as session:
            (claimed,) = await claim_deliveries(session, limit=10, endpoint_limit=4, busy={})
            return claimed

    late = await claim()
    await service.rows("UPDATE delivery SET lease_until = now() - interval '1 second'")
    async with service.database.transaction() as session:
        assert await attempts.release_lost(session) == 1
    current = await claim()
    assert (late.attempt, current.attempt) == (1, 2)
    gone = Finished(claimed=late, answer=Answer(status_code=200), duration_ms=1)
    async with service.database.transaction() as session:
        assert await attempts.record_attempts(session, [gone], jitter=lambda: 0.0) == []
    (row,) = await service.rows("SELECT status, attempt_count FROM delivery")
    assert (row["status"], row["attempt_count"]) == ("sending", 2)


async def test_deliveries_claimed_by_one_are_passed_over_by_the_other(service, webhooks):
    await service.add_endpoint(webhooks.url)
    await service.tell(*(an_offer() for _ in range(6)))
    async with a_database(service.url) as other, service.database.transaction() as one, other.transaction() as two:
        first = await claim_deliveries(one, limit=3, endpoint_limit=9, busy={})
        second = await asyncio.wait_for(claim_deliveries(two, limit=9, endpoint_limit=9, busy={}), 5)
    assert len(first) == 3
    assert not {claimed.delivery_id for claimed in first} & {claimed.delivery_id for claimed in second}


async def test_a_database_that_fails_for_a_while_stops_no_sender(service, webhooks, monkeypatch):
    monkeypatch.setattr(loop, "PAUSE_SECONDS", 0.05)
    await service.add_endpoint(webhooks.url)
    async with a_database(service.url) as database:
        gate = asyncio.Event()
        webhooks.behaviour = answering_after(gate)
        service.start(service.sender(database))
        await service.tell(an_offer())
        await webhooks.wait_for(1)
        await service.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'test-sender'"
            " AND datname = current_database() AND pid <> pg_backend_pid()"
        )
        gate.set()
        await service.wait_for_rows("SELECT 1 FROM delivery WHERE status = 'succeeded'")
        await service.stop()
    assert len(webhooks.calls) == 1
