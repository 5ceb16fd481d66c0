"""Access to save a life: a reason, a second person, an end by itself, a notice to the data protection officer, a review
(domain P5, P18)."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.chassis.auth import Caller
from libs.chassis.database import claiming, now, raw
from libs.chassis.tenancy import Tenant
from services.registration.audit.api import said_of
from tests.infra import for_service
from tests.service.registration.conftest import a_consent

PATH = "/v1/emergencies"
NOT_CLOSED = {"returnee", "safe_contact", "emergency", "audit_entry"}
WORDS = "Muestra Palabra: unconscious at the terminal (sample)"
IDENTITY = {"given_names": "Muestra Uno", "family_names": "Ejemplo Urgente", "document_number": "2987654320101"}
CLERK = {
    "scopes": "emergency:open emergency-person:read returnees:read", "client_id": "clerk-elsewhere",
    "reception_places": ["GT12"], "staff": False,
}  # fmt: skip
SECOND = {"scopes": "emergency:read emergency:approve", "client_id": "steward-desk", "reception_places": []}
OFFICER = {
    "scopes": "emergency:read emergency:review access-log:read access-reports:read restricted:read returnees:read",
    "client_id": "officer", "reception_places": ["GT"],
}  # fmt: skip


def a_request(person, **changes):
    return {"case_code": person["case_code"], "reason": "medical_emergency", "words": WORDS} | changes


async def a_person(registration, **changes):
    told = {
        "identity": IDENTITY, "safe_contact": {"channel": "call", "address": "+50255550142"},
        "needs": [{"category": "gbv"}, {"category": "shelter"}], "consents": [a_consent()],
    }  # fmt: skip
    return await registration.register(**(told | changes))


async def asked(registration, person, **claims):
    answer = await registration.post(PATH, a_request(person), **(CLERK | claims))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def step(registration, emergency, name, body, *, version, **claims):
    headers = registration.headers(**claims) | {"If-Match": f'"{version}"'}
    return await registration.client.post(f"{PATH}/{emergency['id']}/{name}", json=body, headers=headers)


async def approved(registration, person, **claims):
    emergency = await asked(registration, person, **claims)
    answer = await step(registration, emergency, "decision", {"decision": "approved"}, version=1, **SECOND)
    assert answer.status_code == 200, answer.text
    return answer.json()


def reading(registration, emergency, **claims):
    return registration.get(f"{PATH}/{emergency['id']}/person", **(CLERK | claims))


async def end(registration, emergency):
    sql = "UPDATE emergency SET ends_at = ends_at - interval '1 day' WHERE id = $1"
    await registration.fetch(sql, UUID(emergency["id"]))


async def test_a_second_person_opens_who_the_person_is_and_how_to_reach_them_and_the_officer_reviews_it(registration):
    person = await a_person(registration)
    assert (await registration.get(f"/v1/returnees/{person['id']}", **CLERK)).status_code == 404
    emergency = await asked(registration, person)
    assert emergency["state"] == "waiting"
    listed = await registration.get(f"{PATH}?to_review=true&limit=200", **OFFICER)
    assert emergency["id"] in listed.text, "the officer sees it at once"
    refused = await reading(registration, emergency)
    assert (refused.status_code, refused.json()["code"], refused.json()["state"]) == (
        403, "emergency-not-open", "waiting",
    )  # fmt: skip
    whole = await registration.get(f"{PATH}/{emergency['id']}", **SECOND)
    assert (whole.json()["words"], whole.headers["Cache-Control"]) == (WORDS, "no-store")
    answer = await step(registration, emergency, "decision", {"decision": "approved"}, version=1, **SECOND)
    assert answer.json()["state"] == "open"
    shown = await reading(registration, emergency)
    assert shown.status_code == 200, shown.text
    told = shown.json()
    assert set(told) == {"emergency_id", "ends_at", "case_code", "identity", "languages", "safe_contact"}
    assert told["identity"]["given_names"] == "Muestra Uno"
    assert told["safe_contact"]["address"] == "+50255550142"
    for word in ("gbv", "shelter", "restricted"):
        assert word not in shown.text
    assert (await registration.get(f"/v1/returnees/{person['id']}", **CLERK)).status_code == 404, "and nothing else"
    early = await step(registration, emergency, "review", {"verdict": "justified"}, version=2, **OFFICER)
    assert early.json()["code"] == "emergency-lasts"
    await end(registration, emergency)
    late = await reading(registration, emergency)
    assert (late.status_code, late.json()["state"]) == (403, "ended"), "it ends by itself"
    done = await step(registration, emergency, "review", {"verdict": "justified"}, version=2, **OFFICER)
    assert (done.status_code, done.json()["verdict"]) == (200, "justified")
    again = await step(registration, emergency, "review", {"verdict": "not_justified"}, version=3, **OFFICER)
    assert again.json()["code"] == "emergency-reviewed"


async def test_each_read_is_recorded_with_the_emergency_and_the_person_learns_of_it(registration):
    person = await a_person(registration)
    emergency = await approved(registration, person)
    await reading(registration, emergency)
    entries = (await registration.get(f"/v1/returnees/{person['id']}/access-log", **OFFICER)).json()["items"]
    found = {one["action"]: one for one in entries if one["purpose"] == "vital_interest"}
    assert found.keys() == {"emergency.ask", "emergency.approved", "emergency.read"}
    assert found["emergency.read"]["who"] == "clerk-elsewhere"
    assert f"emergency.{emergency['id']}" in found["emergency.read"]["fields"]
    report = await registration.get(f"/v1/returnees/{person['id']}/access-report?proof=document_seen", **OFFICER)
    (told,) = report.json()["emergencies"]
    assert (told["reason"], told["decision"], told["verdict"]) == ("medical_emergency", "approved", None)
    page = await registration.get(f"/v1/returnees/{person['id']}/access-report/page?proof=document_seen", **OFFICER)
    assert "emergencia médica" in page.text
    assert WORDS not in report.text + page.text


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"reason": None}, "/reason"),
        ({"reason": "curious"}, "/reason"),
        ({"words": " "}, "/words"),
        ({"case_code": ""}, "/case_code"),
        ({"approved": True}, "/approved"),
    ],
)
async def test_without_a_reason_of_the_list_nothing_is_asked(registration, changes, pointer):
    person = await a_person(registration)
    answer = await registration.post(PATH, a_request(person, **changes), **CLERK)
    assert answer.status_code == 422
    assert pointer in [fault["pointer"] for fault in answer.json()["errors"]]
    rows = await registration.fetch("SELECT id FROM emergency WHERE returnee_id = $1", UUID(person["id"]))
    assert rows == []
    body = a_request(person)
    del body["reason"]
    assert (await registration.post(PATH, body, **CLERK)).status_code == 422


async def test_nobody_approves_or_reviews_what_they_asked_for(registration):
    emergency = await asked(registration, await a_person(registration))
    alone = {**CLERK, "scopes": f"{CLERK['scopes']} {SECOND['scopes']} emergency:review", "staff": True}
    for name, body in (("decision", {"decision": "approved"}), ("review", {"verdict": "justified"})):
        answer = await step(registration, emergency, name, body, version=1, **alone)
        assert (answer.status_code, answer.json()["code"]) == (409, "second-person-needed")
    assert (await reading(registration, emergency)).status_code == 403
    answer = await step(registration, emergency, "decision", {"decision": "approved"}, version=1, **SECOND)
    assert answer.status_code == 200
    await end(registration, emergency)
    approver = SECOND | {"scopes": "emergency:read emergency:review"}
    answer = await step(registration, emergency, "review", {"verdict": "justified"}, version=2, **approver)
    assert answer.json()["code"] == "second-person-needed"


async def test_a_refusal_and_a_decision_too_late_open_nothing(registration):
    person = await a_person(registration)
    refused = await asked(registration, person)
    answer = await step(registration, refused, "decision", {"decision": "refused"}, version=1, **SECOND)
    assert (answer.json()["state"], answer.json()["ends_at"]) == ("refused", None)
    again = await step(registration, refused, "decision", {"decision": "approved"}, version=2, **SECOND)
    assert (again.status_code, again.json()["code"]) == (409, "emergency-decided")
    assert (await reading(registration, refused)).json()["state"] == "refused"
    late = await asked(registration, person)
    sql = "UPDATE emergency SET asked_at = asked_at - interval '1 day' WHERE id = $1"
    await registration.fetch(sql, UUID(late["id"]))
    answer = await step(registration, late, "decision", {"decision": "approved"}, version=1, **SECOND)
    assert answer.json()["code"] == "emergency-decided"
    assert (await reading(registration, late)).json()["state"] == "lapsed"


async def test_only_who_asked_reads_and_only_who_decides_or_reviews_sees_the_requests(registration):
    emergency = await approved(registration, await a_person(registration))
    for claims in ({"client_id": "another-clerk"}, {"organization_id": str(uuid4()), "client_id": "partner"}):
        assert (await reading(registration, emergency, **claims)).status_code == 404
    assert (await registration.get(PATH, **CLERK)).status_code == 403
    centre = {"scopes": SECOND["scopes"], "staff": False, "reception_places": ["GT"], "client_id": "centre"}
    answer = await step(registration, emergency, "decision", {"decision": "approved"}, version=2, **centre)
    assert (answer.status_code, answer.json()["code"]) == (403, "staff-only")


async def test_who_asked_finds_their_own_requests_and_nobody_elses_with_state_and_end(registration):
    person = await a_person(registration)
    mine = await approved(registration, person, client_id="clerk-of-the-night")
    theirs = await asked(registration, person)
    own = await registration.get(f"{PATH}/mine", **(CLERK | {"client_id": "clerk-of-the-night"}))
    (told,) = own.json()["items"]
    assert (told["id"], told["state"], told["ends_at"]) == (mine["id"], "open", mine["ends_at"])
    assert not any(one in own.text for one in (person["case_code"], WORDS))
    scopes = "emergency-person:read emergency:read emergency:approve"
    again = await registration.get(f"{PATH}/mine", **(SECOND | {"client_id": "clerk-of-the-night", "scopes": scopes}))
    assert theirs["id"] not in again.text, "also for somebody who sees all requests"
    assert (await registration.get(f"{PATH}/mine", **SECOND)).status_code == 403


async def test_whom_the_person_excludes_gets_nothing_in_an_emergency_either(registration):
    theirs = str(uuid4())
    person = await a_person(registration)
    avoided = {"profile": {"avoid_organizations": [theirs]}}
    changed = await registration.patch(f"/v1/returnees/{person['id']}", avoided, etag='"1"')
    assert changed.status_code == 200, changed.text
    partner = {"organization_id": theirs, "client_id": "partner", "reception_places": []}
    excluded = await registration.post(PATH, a_request(person), **(CLERK | partner))
    unknown = await registration.post(PATH, a_request({"case_code": "GT-2222-2222"}), **(CLERK | partner))
    assert (excluded.status_code, unknown.status_code) == (404, 404)
    other = partner | {"organization_id": str(uuid4())}
    assert (await registration.post(PATH, a_request(person), **(CLERK | other))).status_code == 201
    assert (await registration.post(f"/v1/returnees/{person['id']}/erasure")).status_code == 200
    assert (await registration.post(PATH, a_request(person), **CLERK)).status_code == 404


def caller(registration):
    """The transaction of a request of the clerk."""
    claims = {"client_id": "clerk-elsewhere", "reception_places": ["GT12"]}
    tenant = Tenant.of(claims, frozenset())
    whole = Caller(subject="s", client_id="clerk-elsewhere", scopes=frozenset(), claims=claims, tenant=tenant)
    return partial(registration.database.transaction_of, tenant, said_of(whole, pack=registration.pack))


async def count_under(registration, said, table, column, returnee_id):
    async with caller(registration)() as session:
        moment = {"enlace.at": now(session).isoformat()}
        async with claiming(session, moment | said):
            sql = f"SELECT count(*) FROM {table} WHERE {column} = $1"
            return await (await raw(session)).fetchval(sql, returnee_id)


async def test_the_database_opens_this_person_alone_and_no_other_table_and_only_while_it_lasts(registration):
    person, other = await a_person(registration), await a_person(registration)
    emergency = await approved(registration, person)
    mine, theirs = UUID(person["id"]), UUID(other["id"])
    count = partial(count_under, registration)
    said = {"enlace.emergency": emergency["id"]}
    for table, column in (("returnee", "id"), ("safe_contact", "returnee_id")):
        assert await count({}, table, column, mine) == 0, table
        assert await count(said, table, column, mine) == 1, table
        assert await count(said, table, column, theirs) == 0, table
        foreign = said | {"enlace.principal": "somebody-else"}
        assert await count(foreign, table, column, mine) == 0, table
        later = said | {"enlace.at": "2099-01-01T00:00:00+00:00"}
        assert await count(later, table, column, mine) == 0, "the end is the database's rule too"
    for table in ("need", "consent", "consent_state"):
        assert await count(said, table, "returnee_id", mine) == 0, table
    waiting = await asked(registration, other)
    assert await count({"enlace.emergency": waiting["id"]}, "returnee", "id", theirs) == 0, "not approved"


async def test_every_other_table_is_closed_while_the_setting_is_made(registration):
    walled = await registration.fetch("SELECT relname FROM pg_class WHERE relrowsecurity")
    closed = await registration.fetch(
        "SELECT tablename FROM pg_policies WHERE policyname = 'closed_while_emergency' AND permissive = 'RESTRICTIVE'"
    )
    names = {row["tablename"] for row in closed}
    assert {row["relname"] for row in walled} - names == NOT_CLOSED, "a new table needs closed_while()"


async def test_no_caller_writes_an_approval_by_itself(registration):
    person = await a_person(registration)
    waiting = await asked(registration, person)
    change = "UPDATE emergency SET decision = 'approved', decided_at = now(), decided_by = 'x', ends_at = 'infinity'"
    async with caller(registration)() as session:
        connection = await raw(session)
        assert await connection.execute(f"{change} WHERE id = $1", UUID(waiting["id"])) == "UPDATE 0"
        assert await connection.fetchval("SELECT count(*) FROM emergency WHERE id = $1", UUID(waiting["id"])) == 1
    alone = change.replace("'x'", "asked_by").replace("decided_by", "decided_who = asked_who, decided_by")
    with pytest.raises(asyncpg.CheckViolationError, match="second_person"):
        await registration.fetch(f"{alone} WHERE id = $1", UUID(waiting["id"]))
    connection = await asyncpg.connect(for_service(registration.url))
    try:
        assert await connection.fetchval("SELECT count(*) FROM emergency") == 0
    finally:
        await connection.close()


async def test_what_was_written_is_sealed_and_gone_with_the_person(registration):
    person = await a_person(registration)
    emergency = await approved(registration, person)
    select = "SELECT words_sealed FROM emergency WHERE id = $1"
    (row,) = await registration.fetch(select, UUID(emergency["id"]))
    assert b"Muestra" not in row["words_sealed"]
    assert (await registration.post(f"/v1/returnees/{person['id']}/erasure")).status_code == 200
    (row,) = await registration.fetch(select, UUID(emergency["id"]))
    assert row["words_sealed"] is None
    assert (await reading(registration, emergency)).status_code == 404
    told = await registration.get(f"{PATH}/{emergency['id']}", **OFFICER)
    assert (told.status_code, told.json()["words"]) == (200, None)


async def test_the_time_of_the_access_is_that_of_the_pack(registration):
    emergency = await approved(registration, await a_person(registration))
    (row,) = await registration.fetch("SELECT ends_at - decided_at AS lasts FROM emergency WHERE id = $1",
                                      UUID(emergency["id"]))  # fmt: skip
    assert row["lasts"] == timedelta(minutes=registration.pack.reception.emergencies.minutes)
