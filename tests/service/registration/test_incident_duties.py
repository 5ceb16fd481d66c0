"""Duties after an incident: until when the authority and the people must be told, and what ends them (domain P23)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.chassis.migrations import upgrade_async
from tests.service.registration.conftest import Registration

OFFICER: dict[str, Any] = {"scopes": "incidents:read incidents:write", "client_id": "officer"}


def an_incident(*, hours: float, **changes: Any) -> dict[str, Any]:
    """An incident that is known since that time."""
    known = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
    return {"kind": "lost_device", "began_at": known, "known_at": known, "measures": []} | changes


async def recorded(registration: Registration, *, hours: float, **changes: Any) -> dict[str, Any]:
    answer = await registration.post("/v1/incidents", an_incident(hours=hours, **changes), **OFFICER)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def step(registration: Registration, incident: dict[str, Any], name: str, body: Any, **claims: Any) -> Any:
    headers = registration.headers(**(OFFICER | claims)) | {"If-Match": f'"{incident["version"]}"'}
    return await registration.client.post(f"/v1/incidents/{incident['id']}/{name}", json=body, headers=headers)


def of(incident: dict[str, Any], duty: str) -> dict[str, Any]:
    (found,) = [one for one in incident["duties"] if one["duty"] == duty]
    return found


async def listed(registration: Registration, *, overdue: bool) -> set[str]:
    found, after = set[str](), ""
    while True:
        path = f"/v1/incidents?overdue={str(overdue).lower()}&limit=200{after}"
        page = (await registration.get(path, **OFFICER)).json()
        found |= {one["id"] for one in page["items"]}
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


async def test_an_incident_says_until_when_what_must_be_done_and_the_late_ones_are_a_list(registration: Registration):
    fresh, late = await recorded(registration, hours=1), await recorded(registration, hours=73)
    assert [one["duty"] for one in fresh["duties"]] == ["authority_told", "people_told"]
    duty = of(late, "authority_told")
    assert datetime.fromisoformat(duty["due_at"]) - datetime.fromisoformat(late["known_at"]) == timedelta(hours=72)
    assert (duty["set_by"], duty["overdue"], of(fresh, "authority_told")["overdue"]) == ("network", True, False)
    overdue, others = await listed(registration, overdue=True), await listed(registration, overdue=False)
    assert (fresh["id"] in overdue, late["id"] in overdue) == (False, True)
    assert (fresh["id"] in others, late["id"] in others) == (True, False)


async def test_what_is_recorded_or_not_required_is_not_late_any_more_and_counts_from_the_record(
    registration: Registration,
) -> None:
    late = await recorded(registration, hours=100, measures=["access_revoked"])
    body = {"measures": ["authority_told"], "not_required": [{"duty": "people_told", "reason": "no_risk_to_people"}]}
    answer = await step(registration, late, "measures", body)
    assert answer.status_code == 200, answer.text
    done = answer.json()
    assert (done["status"], done["version"]) == ("open", 2)
    assert done["measures"] == ["access_revoked", "authority_told"], "what was recorded before stays"
    authority, people = of(done, "authority_told"), of(done, "people_told")
    assert (authority["overdue"], authority["settled_by"], authority["not_required_because"]) == (
        False,
        "officer",
        None,
    )
    assert authority["settled_at"] > authority["due_at"], "that it was late can be seen"
    assert (people["overdue"], people["not_required_because"]) == (False, "no_risk_to_people")
    assert late["id"] not in await listed(registration, overdue=True)
    told_now = (await step(registration, done, "measures", {"measures": ["people_told"]})).json()
    assert of(told_now, "people_told")["not_required_because"] is None
    assert of(told_now, "authority_told")["settled_at"] == authority["settled_at"], "its time stays"


async def test_an_incident_is_closed_only_when_each_duty_is_done_or_has_a_reason(registration: Registration) -> None:
    made = await recorded(registration, hours=1, measures=["authority_told"])
    refused = await step(registration, made, "close", {"measures": ["access_revoked"]})
    assert refused.status_code == 422, refused.text
    faults = [(one["pointer"], one["rule"]) for one in refused.json()["errors"]]
    assert faults == [("/not_required", "reason-required")] * 2, "what is not in the last list is not done"
    same = (await registration.get(f"/v1/incidents/{made['id']}", **OFFICER)).json()
    assert same == made, "nothing is stored"
    reason = {"duty": "people_told", "reason": "nobody_affected"}
    noted = (await step(registration, made, "measures", {"not_required": [reason]})).json()
    closed = await step(registration, noted, "close", {"measures": ["authority_told", "access_revoked"]})
    assert closed.status_code == 200, closed.text
    assert of(closed.json(), "people_told")["not_required_because"] == "nobody_affected", "a reason before is enough"
    again = await step(registration, closed.json(), "measures", {"measures": ["people_told"]})
    assert (again.status_code, again.json()["code"]) == (409, "incident-closed")


@pytest.mark.parametrize("name", ["measures", "close"])
@pytest.mark.parametrize(
    ("body", "pointer", "rule"),
    [
        ({"not_required": [{"duty": "authority_told", "reason": "no_safe_contact"}]}, "/0/reason", "reason-of-duty"),
        ({"not_required": [{"duty": "people_told", "reason": "we forgot"}]}, "/0/reason", None),
        ({"not_required": [{"duty": "keys_rotated", "reason": "nobody_affected"}]}, "/0/duty", None),
        (
            {
                "not_required": [
                    {"duty": "people_told", "reason": one} for one in ("nobody_affected", "no_safe_contact")
                ]
            },
            "/1/duty",
            "once",
        ),
        (
            {
                "measures": ["people_told", "authority_told"],
                "not_required": [{"duty": "people_told", "reason": "nobody_affected"}],
            },
            "/0/duty",
            "contradiction",
        ),
    ],
    ids=["reason of another duty", "words", "no duty", "two reasons", "done and not required"],
)
async def test_a_reason_that_cannot_be_is_refused_by_its_field_and_nothing_is_stored(
    registration: Registration, name: str, body: dict[str, Any], pointer: str, rule: str | None
) -> None:
    made = await recorded(registration, hours=1, measures=["authority_told"] if rule == "once" else [])
    answer = await step(registration, made, name, {"measures": ["access_revoked"]} | body)
    assert answer.status_code == 422, answer.text
    faults = [one for one in answer.json()["errors"] if one["rule"] != "reason-required"]
    assert [one["pointer"] for one in faults] == [f"/not_required{pointer}"]
    assert rule in (None, faults[0]["rule"])
    assert (await registration.get(f"/v1/incidents/{made['id']}", **OFFICER)).json() == made


async def test_a_step_says_something_needs_its_scope_and_the_version_that_was_read(registration: Registration) -> None:
    made = await recorded(registration, hours=1)
    empty = await step(registration, made, "measures", {})
    assert [one["pointer"] for one in empty.json()["errors"]] == ["/measures"]
    body = {"measures": ["authority_told"]}
    reader = await step(registration, made, "measures", body, scopes="incidents:read")
    assert (reader.status_code, reader.json()["code"]) == (403, "insufficient-scope")
    theirs = {"organization_id": str(uuid4()), "staff": False}
    assert (await step(registration, made, "measures", body, **theirs)).status_code == 403
    path = f"/v1/incidents/{made['id']}/measures"
    assert (await registration.post(path, body, **OFFICER)).status_code == 428
    assert (await step(registration, made | {"version": 7}, "measures", body)).status_code == 412
    unknown = await step(registration, made | {"id": str(uuid4())}, "measures", body)
    assert unknown.status_code == 404


async def test_the_wall_keeps_duties_from_who_is_no_staff(registration: Registration) -> None:
    made = await recorded(registration, hours=1)
    connection = await asyncpg.connect(registration.settings.database_url)
    try:
        for staff, count in (("true", 2), ("false", 0)):
            async with connection.transaction():
                await connection.execute("SET LOCAL enlace.works_for = 'caller'")
                await connection.execute(f"SET LOCAL enlace.staff = '{staff}'")
                query = "SELECT duty FROM incident_duty WHERE incident_id = $1"
                assert len(await connection.fetch(query, UUID(made["id"]))) == count
    finally:
        await connection.close()


OF_BEFORE = """
    INSERT INTO incident (id, kind, status, version, began_at, known_at, measures, recorded_at, recorded_by, closed_at,
        closed_by)
    VALUES ($1, 'other', $2::text, 1, now(), now(), $3, now(), 'clerk', CASE WHEN $2::text = 'closed' THEN now() END,
        CASE WHEN $2::text = 'closed' THEN 'officer' END)
"""


async def test_incidents_of_an_older_version_get_their_duties_with_what_was_recorded(postgres_server: Any) -> None:
    url = postgres_server.new_database("incidents_of_before")
    await upgrade_async("registration", url, revision="0041")
    owner, nothing, told, closed = await asyncpg.connect(url), uuid4(), uuid4(), uuid4()
    try:
        await owner.execute(OF_BEFORE, nothing, "open", [])
        await owner.execute(OF_BEFORE, told, "open", ["authority_told", "keys_rotated"])
        await owner.execute(OF_BEFORE, closed, "closed", ["people_told"])
        await upgrade_async("registration", url)
        rows = await owner.fetch("SELECT incident_id, duty, settled_by, settled_at IS NULL AS open FROM incident_duty")
    finally:
        await owner.close()
    assert {(row["incident_id"], row["duty"], row["settled_by"], row["open"]) for row in rows} == {
        (nothing, "authority_told", None, True),
        (nothing, "people_told", None, True),
        (told, "authority_told", "clerk", False),
        (told, "people_told", None, True),
        (closed, "authority_told", None, True),
        (closed, "people_told", "officer", False),
    }
