"""What operators of the network see of this service: what is stuck in its bus, and which endpoints fail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.service.notifications.conftest import ALICE, BRUNO, Notifications

PATHS = ("/v1/event-bus", "/v1/endpoints/trouble")


async def ask(api: Notifications, path: str, *, scopes: str = "operations:read", **claims: Any) -> Any:
    token = api.tokens(scopes, client_id="operator", **claims)
    return await api.client.get(path, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("path", PATHS)
async def test_only_staff_with_the_scope_are_told(service: Notifications, path: str) -> None:
    assert (await ask(service, path)).status_code == 200
    for claims in ({"organization_id": ALICE}, {"reception_places": ["GT"]}, {"service": "referral"}):
        assert (await ask(service, path, **claims)).json()["code"] == "staff-only"
    assert (await ask(service, path, scopes="endpoints:read")).json()["code"] == "insufficient-scope"


async def test_what_is_stuck_in_the_bus_is_told_in_codes_and_ids(service: Notifications) -> None:
    key = uuid4()
    await service.rows(
        "INSERT INTO outbox (event_id, topic, key, type, payload, created_at)"
        " VALUES (gen_random_uuid(), 'enlace.notifications', 'Marta Sample', 't.v1', '', now() - interval '1 hour')"
    )
    await service.rows(
        "INSERT INTO consumer_position (consumer_group, topic, partition, next_offset, stopped)"
        " VALUES ('notifications', 'enlace.referral', 3, 7, '10 events in a row failed')"
    )
    await service.rows("INSERT INTO parked_key VALUES ('notifications', 'enlace.referral', $1)", str(key).encode())
    await service.rows(
        "INSERT INTO parked (consumer_group, topic, partition, log_offset, key, reason, error, sealed, content)"
        " VALUES ('notifications', 'enlace.referral', 3, 6, $1, 'handler', 'Marta Sample', false, '')",
        str(key).encode(),
    )
    answer = await ask(service, "/v1/event-bus")
    told = answer.json()
    assert told["outbox"] | {"oldest_age_seconds": 0} == {
        "events": 1, "more": False, "refused": 0, "oldest_age_seconds": 0, "relay_leads": False, "held_since": None,
    }  # fmt: skip
    assert told["outbox"]["oldest_age_seconds"] >= 3_600
    (stopped,) = told["stopped_partitions"]
    assert (stopped["topic"], stopped["partition"], stopped["reason"]) == ("enlace.referral", 3, "too-many-failures")
    assert (told["parked"]["keys"], told["parked"]["keys_of_senders"]) == (1, 0)
    (parked,) = told["parked"]["items"]
    assert (parked["key_id"], parked["reason"], parked["events"]) == (str(key), "handler", 1)
    assert told["consumer"] is None, "a process of the API alone consumes nothing"
    assert told["client_rebuilds"] == {"consumer": 0, "producer": 0}
    assert "Marta" not in answer.text


async def add_endpoint(
    service: Notifications,
    organization: UUID,
    *,
    status: str = "enabled",
    reason: str | None = None,
    failing_since: datetime | None = None,
) -> UUID:
    endpoint = uuid4()
    await service.rows(
        "INSERT INTO endpoint (id, organization_id, url, status, disabled_reason, failing_since, version, created_at,"
        " changed_at) VALUES ($1, $2, 'https://secret.example.org/token', $3, $4, $5, 1, now(), now())",
        *(endpoint, organization, status, reason, failing_since),
    )
    for attempts, restricted in ((3, False), (2, True)):
        await service.rows(
            "INSERT INTO delivery (message_id, endpoint_id, organization_id, event_type, body, due_at, attempt_count,"
            " created_at, restricted) VALUES ($1, $2, $3, 'offer.made.v1', '{}', now(), $4, now(), $5)",
            *(uuid4(), endpoint, organization, attempts, restricted),
        )
    return endpoint


def at(hour: int) -> datetime:
    return datetime(2026, 3, 2, hour, tzinfo=UTC)


async def test_endpoints_that_fail_are_listed_and_those_that_work_or_were_turned_off_are_not(
    service: Notifications,
) -> None:
    """Taken out: `own_work` in `endpoints_in_trouble` (none was listed); `disabled_reason` in `_TROUBLED`."""
    failing = await add_endpoint(service, ALICE, failing_since=at(9))
    gone = await add_endpoint(service, BRUNO, status="disabled", reason="gone", failing_since=at(8))
    await add_endpoint(service, ALICE)
    await add_endpoint(service, ALICE, status="disabled", reason="by_owner", failing_since=at(7))
    answer = await ask(service, "/v1/endpoints/trouble", scopes="operations:read restricted:read")
    told = answer.json()
    assert told["total"] == {"count": 2, "more": False}
    assert [UUID(one["endpoint_id"]) for one in told["items"]] == [gone, failing], "the longest first"
    assert told["items"][1] == {
        "organization_id": str(ALICE),
        "endpoint_id": str(failing),
        "status": "enabled",
        "disabled_reason": None,
        "since": "2026-03-02T09:00:00Z",
        "failed_attempts": 5,
        "waiting_deliveries": 2,
    }
    assert (told["items"][0]["status"], told["items"][0]["disabled_reason"]) == ("disabled", "gone")
    assert "secret.example.org" not in answer.text


async def test_deliveries_about_restricted_services_do_not_count_for_others(service: Notifications) -> None:
    """Taken out: `$1 OR NOT d.restricted` (an operator could tell that there are some)."""
    await add_endpoint(service, ALICE, failing_since=at(9))
    (told,) = (await ask(service, "/v1/endpoints/trouble")).json()["items"]
    assert (told["waiting_deliveries"], told["failed_attempts"]) == (1, 3)
