"""The whole schedule of retries, three days of it, on a clock that races from one attempt to the next."""

from datetime import UTC, datetime

from libs.chassis.paced_clock import LEAD, PacedClock, Schedule
from services.notifications.deliveries import loop
from tests.service.notifications.conftest import ALICE, a_database, an_offer
from tests.service.notifications.receiving import answering
from tests.service.notifications.test_sending import outbox

RACES_AT = 1_000_000.0


async def test_when_all_attempts_are_spent_the_delivery_fails_and_its_endpoint_is_switched_off(
    service, webhooks, monkeypatch, tmp_path
):
    """The clock races to each attempt and keeps real time while it is made: a busy machine is late by seconds only."""
    monkeypatch.setattr(loop, "POLL_SECONDS", 0.02)
    real = datetime.now(UTC)
    schedule = Schedule(tmp_path / "schedule", shows=real, rate=1.0, real=real)
    endpoint = await service.add_endpoint(webhooks.url)
    other = await service.add_endpoint(webhooks.url + "/other", event_types=["endpoint.disabled.v1"])
    webhooks.behaviour = answering(500)
    async with a_database(service.url, PacedClock(tmp_path / "schedule", fastest=RACES_AT)) as database:
        service.start(service.sender(database))
        await service.tell(an_offer(), database=database)
        for made in range(1, 10):
            (row,) = await service.wait_for_rows(
                "SELECT due_at FROM delivery WHERE attempt_count = $1 AND due_at IS NOT NULL", made
            )
            real = datetime.now(UTC)
            if row["due_at"] > database.clock.at(real) + LEAD:
                schedule.race(RACES_AT, to=row["due_at"], real=real)
        await service.wait_for_rows("SELECT 1 FROM delivery WHERE status = 'failed'")
        await service.stop()
    assert len(webhooks.calls) == 10
    rows = await service.rows("SELECT number, at FROM attempt ORDER BY number")
    assert [row["number"] for row in rows] == list(range(1, 11))
    assert (rows[-1]["at"] - rows[0]["at"]).total_seconds() >= 75 * 3600 + 35 * 60
    ((failed, _, _),) = await outbox(service, "delivery.failed.v1")
    assert failed["attempt_count"] == 10
    ((disabled, key, _),) = await outbox(service, "endpoint.disabled.v1")
    assert (disabled["organization_id"], key) == (str(ALICE), endpoint["id"])
    read = (await service.get(f"/v1/endpoints/{endpoint['id']}")).json()
    assert (read["status"], read["disabled_reason"]) == ("disabled", "failing")
    assert (await service.get(f"/v1/endpoints/{other['id']}")).json()["status"] == "enabled"
