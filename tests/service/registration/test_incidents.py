"""Incidents: who was affected by a client, a person or an organisation between two moments, and what was done."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.registration.incidents.queries import AFFECTED

OFFICER = "incidents:read incidents:write restricted:read"
KNOWN = "2026-03-02T12:00:00Z"


def span(**changes):
    now = datetime.now(UTC)
    return {
        "since": (now - timedelta(minutes=5)).isoformat(),
        "until": (now + timedelta(minutes=5)).isoformat(),
    } | changes


async def affected(registration, *, limit=200, **asked):
    """All pages."""
    items, after = [], ""
    while True:
        path = f"/v1/incidents/affected?limit={limit}{after}"
        answer = await registration.post(path, asked, scopes=OFFICER, client_id="officer")
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        if answer.json()["next"] is None:
            return items
        after = f"&after={answer.json()['next']}"


async def looked_at(registration, people, **claims):
    for one in people:
        answer = await registration.get(f"/v1/returnees/{one['id']}", **claims)
        assert answer.status_code == 200, answer.text


async def test_exactly_those_are_found_at_whom_the_client_looked_in_that_time(registration):
    people = [await registration.register() for _ in range(3)]
    thief, before = f"thief-{uuid4()}", datetime.now(UTC)
    await looked_at(registration, people[:2], client_id=thief)
    await looked_at(registration, people[2:], client_id="somebody-else")
    found = await affected(registration, client_id=thief, **span())
    assert {one["returnee_id"] for one in found} == {one["id"] for one in people[:2]}
    (first,) = [one for one in found if one["returnee_id"] == people[0]["id"]]
    assert first["case_code"] == people[0]["case_code"]
    assert (first["accesses"], first["actions"], first["kinds"]) == (1, ["returnee.read"], ["read"])
    assert first["purposes"] == ["registration"]
    assert {"given_names", "birth_date", "document_number"} <= set(first["fields"])
    assert await affected(registration, client_id=thief, **span(until=before.isoformat())) == []


async def test_a_person_who_signed_in_and_an_organisation_are_searched_for_too(registration):
    one, other = await registration.register(), await registration.register()
    who, organization = f"person-{uuid4()}", str(uuid4())
    await looked_at(registration, [one], client_id="console", subject=who)
    claims = {"organization_id": organization, "staff": False}
    await looked_at(registration, [other], client_id="provider", **claims)
    assert [row["returnee_id"] for row in await affected(registration, who=who, **span())] == [one["id"]]
    found = await affected(registration, organization_id=organization, **span())
    assert [row["returnee_id"] for row in found] == [other["id"]]
    assert await affected(registration, who=who, organization_id=organization, **span()) == []


async def test_pages_are_one_list_without_gaps_and_without_doubles(registration):
    people = [await registration.register() for _ in range(5)]
    thief = f"thief-{uuid4()}"
    await looked_at(registration, [*people, *people], client_id=thief)
    found = await affected(registration, limit=2, client_id=thief, **span())
    assert [one["returnee_id"] for one in found] == sorted(one["id"] for one in people)
    assert {one["accesses"] for one in found} == {2}


async def test_who_was_on_a_manifest_that_was_read_is_affected_also_who_was_never_met(registration):
    thief = f"thief-{uuid4()}"
    batch = await registration.announce(2)
    person = await registration.register(arrival_batch_id=batch["id"], manifest_reference="seat-0")
    answer = await registration.get(f"/v1/arrival-batches/{batch['id']}/entries", client_id=thief)
    assert answer.status_code == 200, answer.text
    found = await affected(registration, client_id=thief, **span())
    assert {(one["returnee_id"], one["arrival_batch_id"]) for one in found} >= {
        (person["id"], batch["id"]),
        (None, batch["id"]),
    }


async def test_an_erased_person_and_a_look_at_restricted_needs_are_found_too(registration):
    thief = f"thief-{uuid4()}"
    person = await registration.register()
    told = await registration.post(f"/v1/returnees/{person['id']}/needs", {"category": "gbv"}, client_id=thief)
    assert told.status_code == 201, told.text
    assert (await registration.post(f"/v1/returnees/{person['id']}/erasure")).status_code == 200
    (found,) = await affected(registration, client_id=thief, **span())
    assert (found["returnee_id"], found["case_code"]) == (person["id"], None)
    assert found["actions"] == ["restricted.need.report"]


async def test_the_look_of_the_officer_is_in_the_list_of_everybody_who_was_shown(registration):
    person, thief = await registration.register(), f"thief-{uuid4()}"
    await looked_at(registration, [person], client_id=thief)
    await affected(registration, client_id=thief, **span())
    log = (await registration.get(f"/v1/returnees/{person['id']}/access-log")).json()["items"]
    (entry,) = [one for one in log if one["action"] == "incident.affected"]
    assert (entry["client_id"], entry["purpose"], entry["fields"]) == (
        "officer",
        "incident",
        ["access_log", "case_code"],
    )


@pytest.mark.parametrize(
    "claims",
    [
        {"reception_places": ["GT01"]},
        {"reception_places": []},
        {"scopes": "incidents:read"},
        {"organization_id": str(uuid4()), "staff": False},
        {"scopes": "returnees:read restricted:read"},
    ],
    ids=["one centre", "no place", "no restricted needs", "an organisation", "no scope"],
)
async def test_who_would_get_an_incomplete_list_gets_none(registration, claims):
    asked = {"client_id": "reception-system"} | span()
    answer = await registration.post("/v1/incidents/affected", asked, **({"scopes": OFFICER} | claims))
    assert answer.status_code == 403, answer.text


@pytest.mark.parametrize(
    ("changes", "pointer", "rule"),
    [
        ({"client_id": None}, "/client_id", "one-of"),
        ({"until": "2020-01-01T00:00:00Z"}, "/until", "order"),
        ({"since": "yesterday"}, "/since", None),
        ({"client_id": "a name with spaces"}, "/client_id", None),
        ({"organization_id": "nobody"}, "/organization_id", None),
        ({"name": "Muestra"}, "/name", None),
    ],
)
async def test_a_search_that_says_too_little_or_nonsense_names_the_field(registration, changes, pointer, rule):
    asked = {"client_id": "reception-system"} | span() | changes
    answer = await registration.post("/v1/incidents/affected", asked, scopes=OFFICER)
    assert answer.status_code == 422, answer.text
    (fault,) = answer.json()["errors"]
    assert fault["pointer"] == pointer
    assert rule in (None, fault["rule"])


def an_incident(**changes):
    return {
        "kind": "stolen_access", "client_id": "casa-del-migrante", "began_at": "2026-03-02T08:00:00Z",
        "ended_at": "2026-03-02T11:30:00Z", "known_at": KNOWN, "measures": ["access_revoked"],
    } | changes  # fmt: skip


async def test_an_incident_is_recorded_listed_and_closed_once(registration):
    body, headers = an_incident(), registration.headers(scopes=OFFICER)
    first = await registration.client.post("/v1/incidents", json=body, headers=headers)
    again = await registration.client.post("/v1/incidents", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201), first.text
    assert again.json() == first.json()
    made = first.json()
    assert (made["status"], made["measures"], made["closed_at"]) == ("open", ["access_revoked"], None)
    open_ones = await registration.get("/v1/incidents?status=open&limit=200", scopes=OFFICER)
    assert [one["id"] for one in open_ones.json()["items"]].count(made["id"]) == 1
    path = f"{first.headers['Location']}/close"
    closing = {
        "measures": ["people_told", "access_revoked"],
        "not_required": [{"duty": "authority_told", "reason": "law_does_not_require"}],
    }
    unconditional = await registration.post(path, closing, scopes=OFFICER)
    assert unconditional.status_code == 428
    with_tag = registration.headers(scopes=OFFICER) | {"If-Match": first.headers["ETag"]}
    closed = await registration.client.post(path, json=closing, headers=with_tag)
    assert closed.status_code == 200, closed.text
    assert (closed.json()["status"], closed.json()["measures"]) == ("closed", ["access_revoked", "people_told"])
    anew = registration.headers(scopes=OFFICER) | {"If-Match": closed.headers["ETag"]}
    late = await registration.client.post(path, json=closing, headers=anew)
    assert (late.status_code, late.json()["code"]) == (409, "incident-closed")
    open_ones = await registration.get("/v1/incidents?status=open&limit=200", scopes=OFFICER)
    assert made["id"] not in [one["id"] for one in open_ones.json()["items"]]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"ended_at": "2026-03-02T07:00:00Z"}, "/ended_at"),
        ({"known_at": "2026-03-01T07:00:00Z"}, "/known_at"),
        ({"known_at": "2099-03-01T07:00:00Z"}, "/known_at"),
        ({"measures": ["we called Maria"]}, "/measures/0"),
        ({"kind": "unknown"}, "/kind"),
        ({"note": "free words"}, "/note"),
    ],
)
async def test_an_incident_takes_codes_and_possible_times_only(registration, changes, pointer):
    answer = await registration.post("/v1/incidents", an_incident(**changes), scopes=OFFICER)
    assert answer.status_code == 422, answer.text
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


async def test_only_staff_reads_incidents_and_nobody_writes_with_the_scope_to_read(registration):
    made = (await registration.post("/v1/incidents", an_incident(), scopes=OFFICER)).json()
    theirs = {"organization_id": str(uuid4()), "staff": False, "scopes": OFFICER}
    assert (await registration.get(f"/v1/incidents/{made['id']}", **theirs)).status_code == 403
    answer = await registration.post("/v1/incidents", an_incident(), scopes="incidents:read")
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-scope")


async def test_the_wall_keeps_incidents_from_who_is_no_staff(registration):
    made = (await registration.post("/v1/incidents", an_incident(), scopes=OFFICER)).json()
    connection = await asyncpg.connect(registration.settings.database_url)
    try:
        for staff, count in (("true", 1), ("false", 0)):
            async with connection.transaction():
                await connection.execute("SET LOCAL enlace.works_for = 'caller'")
                await connection.execute(f"SET LOCAL enlace.staff = '{staff}'")
                rows = await connection.fetch("SELECT id FROM incident WHERE id = $1", UUID(made["id"]))
                assert len(rows) == count
    finally:
        await connection.close()


async def test_a_span_of_time_is_found_by_the_index_and_not_by_reading_the_record(postgres_server):
    connection = await asyncpg.connect(postgres_server.migrated("registration"))
    try:
        await connection.execute(
            """
            INSERT INTO audit_entry (at, subject_id, kind, action, who, client_id, purpose, fields)
            SELECT timestamptz '2026-01-01' + n * interval '1 minute', gen_random_uuid(), 'read', 'returnee.read',
                'desk', 'client-' || n % 10, 'registration', '{given_names}'
            FROM generate_series(1, 60000) AS n
            """
        )
        await connection.execute("VACUUM ANALYZE audit_entry")
        day = datetime(2026, 1, 20, tzinfo=UTC)
        values = (day, day + timedelta(hours=6), "client-3", None, None, None, 51)
        plan = await connection.fetch(f"EXPLAIN {AFFECTED}", *values)
        text = "\n".join(row[0] for row in plan)
        assert "audit_entry_by_time" in text, text
        assert "Seq Scan on audit_entry" not in text, text
        assert len(await connection.fetch(AFFECTED, *values)) == 36
    finally:
        await connection.close()
