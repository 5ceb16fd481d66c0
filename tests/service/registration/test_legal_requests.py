"""Requests of authorities are records that a person answers. No route gives data because somebody asks (domain P16)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.chassis.errors import NotFound
from libs.chassis.walls import WORKS_FOR
from services.registration.audit.rules import Actor, Sight
from services.registration.legal_requests.actions import record_legal_request
from services.registration.legal_requests.queries import legal_request
from services.registration.legal_requests.schemas import LegalRequestBody
from services.registration.vault.queries import data_key

CLERK = {"scopes": "legal-requests:write", "client_id": "clerk", "reception_places": ["GT01"], "staff": False}
OFFICER = {
    "scopes": "legal-requests:read legal-requests:write legal-requests:answer access-log:read restricted:read",
    "client_id": "officer",
}
REFUSED = {"answer": "refused", "ground": "no_legal_basis", "notice": {"status": "given"}}
MARK = "Muestra Legal"


def later(days=30):
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def a_request(returnee_id, **changes):
    return {
        "returnee_id": returnee_id, "authority": "police", "reference": f"{MARK} 0142",
        "asked": ["whereabouts", "identity"], "received_at": "2026-03-02T15:00:00Z",
        "words": f"Where is {MARK}? (sample)",
    } | changes  # fmt: skip


async def recorded(registration, person, **changes):
    answer = await registration.post("/v1/legal-requests", a_request(person["id"], **changes), **CLERK)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def answered(registration, request, body, *, version=1, **claims):
    headers = registration.headers(**(OFFICER | claims)) | {"If-Match": f'"{version}"'}
    return await registration.client.post(f"/v1/legal-requests/{request['id']}/answer", json=body, headers=headers)


async def test_a_clerk_records_the_officer_answers_and_nothing_of_the_person_is_in_any_answer(registration):
    identity = {"given_names": "Muestra Nadie", "family_names": "Ejemplo Visto", "document_number": "2987654320101"}
    person = await registration.register(identity=identity)
    made = await recorded(registration, person)
    assert (made["status"], made["asked"], made["answer"]) == ("open", ["identity", "whereabouts"], None)
    assert MARK not in str(made), "what the authority wrote is for the officer"
    listed = await registration.get(f"/v1/legal-requests?status=open&returnee_id={person['id']}", **OFFICER)
    assert [one["id"] for one in listed.json()["items"]] == [made["id"]]
    whole = await registration.get(f"/v1/legal-requests/{made['id']}", **OFFICER)
    assert (whole.json()["reference"], whole.headers["Cache-Control"]) == (f"{MARK} 0142", "no-store")
    given = {
        "answer": "partly", "ground": "court_order", "given": ["identity"],
        "notice": {"status": "deferred", "reason": "ordered_by_court", "due_at": later()},
    }  # fmt: skip
    answer = await answered(registration, made, given)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["status"], answer.json()["given"], answer.json()["notice"]) == (
        "answered", ["identity"], "deferred",
    )  # fmt: skip
    for response in (listed, whole, answer):
        for value in identity.values():
            assert value not in response.text
    again = await answered(registration, made, REFUSED, version=2)
    assert (again.status_code, again.json()["code"]) == (409, "legal-request-answered")


async def test_the_same_request_sent_twice_is_one_record(registration):
    person, headers = await registration.register(), registration.headers(**CLERK)
    two = [
        await registration.client.post("/v1/legal-requests", json=a_request(person["id"]), headers=headers)
        for _ in range(2)
    ]
    assert two[0].json() == two[1].json()
    rows = await registration.fetch("SELECT id FROM legal_request WHERE returnee_id = $1", UUID(person["id"]))
    assert len(rows) == 1


async def test_what_the_authority_wrote_is_sealed_and_gone_with_the_person(registration):
    person = await registration.register()
    made = await recorded(registration, person)
    (row,) = await registration.fetch("SELECT * FROM legal_request WHERE id = $1", UUID(made["id"]))
    assert MARK.encode() not in row["reference_sealed"] + row["words_sealed"]
    key = await data_key(registration.vault, UUID(person["id"]))
    opened = key.open(row["words_sealed"], table="legal_request", column=f"words.{made['id']}")
    assert opened == f"Where is {MARK}? (sample)"
    assert (await registration.post(f"/v1/returnees/{person['id']}/erasure")).status_code == 200
    (row,) = await registration.fetch("SELECT * FROM legal_request WHERE id = $1", UUID(made["id"]))
    assert (row["reference_sealed"], row["words_sealed"]) == (None, None)
    whole = (await registration.get(f"/v1/legal-requests/{made['id']}", **OFFICER)).json()
    assert (whole["reference"], whole["words"], whole["authority"]) == (None, None, "police")
    refused = await registration.post("/v1/legal-requests", a_request(person["id"]), **CLERK)
    assert refused.status_code == 410


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"answer": "given", "given": ["identity", "whereabouts"]}, "/ground"),
        ({"ground": "court_order"}, "/ground"),
        ({"given": ["identity"]}, "/given"),
        ({"answer": "partly", "ground": "court_order"}, "/given"),
        ({"answer": "partly", "ground": "court_order", "given": ["needs"]}, "/given"),
        ({"answer": "given", "ground": "court_order", "given": ["identity"]}, "/given"),
        ({"notice": {"status": "deferred", "reason": "danger_to_person"}}, "/notice/due_at"),
        ({"notice": {"status": "deferred", "due_at": "2099-01-01T00:00:00Z"}}, "/notice/reason"),
        ({"notice": {"status": "given", "due_at": "2099-01-01T00:00:00Z"}}, "/notice/due_at"),
        (
            {"notice": {"status": "deferred", "reason": "danger_to_person", "due_at": "2020-01-01T00:00:00Z"}},
            "/notice/due_at",
        ),
        ({"ground": "because they asked"}, "/ground"),
        ({"words": "we told them"}, "/words"),
    ],
)
async def test_an_answer_without_a_ground_that_allows_it_changes_nothing(registration, changes, pointer):
    made = await recorded(registration, await registration.register())
    answer = await answered(registration, made, REFUSED | changes)
    assert answer.status_code == 422, answer.text
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    (row,) = await registration.fetch("SELECT status FROM legal_request WHERE id = $1", UUID(made["id"]))
    assert row["status"] == "open"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"asked": []}, "/asked"),
        ({"asked": ["everything"]}, "/asked/0"),
        ({"received_at": "2099-01-01T00:00:00Z"}, "/received_at"),
        ({"authority": "a friend"}, "/authority"),
        ({"reference": " "}, "/reference"),
    ],
)
async def test_a_request_in_other_words_than_codes_is_refused(registration, changes, pointer):
    person = await registration.register()
    answer = await registration.post("/v1/legal-requests", a_request(person["id"], **changes), **CLERK)
    assert answer.status_code == 422, answer.text
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


async def test_who_does_not_see_the_person_neither_records_nor_reads_nor_answers(registration):
    person = await registration.register()
    made = await recorded(registration, person)
    elsewhere = {"reception_places": ["GT12"]}
    told = await registration.post("/v1/legal-requests", a_request(person["id"]), **(CLERK | elsewhere))
    unknown = await registration.post("/v1/legal-requests", a_request(str(uuid4())), **(CLERK | elsewhere))
    assert (told.status_code, unknown.status_code) == (404, 404)
    read = await registration.get(f"/v1/legal-requests/{made['id']}", **(OFFICER | elsewhere))
    assert read.status_code == 404
    assert (await answered(registration, made, REFUSED, **elsewhere)).status_code == 404
    listed = await registration.get("/v1/legal-requests?limit=200", **(OFFICER | elsewhere))
    assert made["id"] not in listed.text


async def test_a_clerk_an_organisation_and_a_program_with_other_scopes_answer_nothing(registration):
    made = await recorded(registration, await registration.register())
    for claims in (
        {"scopes": "legal-requests:write"},
        {"scopes": "legal-requests:read returnees:read access-log:read"},
        {"organization_id": str(uuid4()), "staff": False},
    ):
        assert (await answered(registration, made, REFUSED, **claims)).status_code == 403
    assert (await registration.get("/v1/legal-requests", **CLERK)).status_code == 403


async def test_only_who_sees_restricted_entries_learns_of_a_request_from_the_record_of_access(registration):
    person = await registration.register()
    made = await recorded(registration, person)
    await registration.get(f"/v1/legal-requests/{made['id']}", **OFFICER)
    await answered(registration, made, REFUSED)
    path = f"/v1/returnees/{person['id']}/access-log"
    theirs = (await registration.get(path, **OFFICER)).json()["items"]
    mine = (await registration.get(path)).text
    assert {one["action"] for one in theirs if one["purpose"] == "legal_request"} == {
        "restricted.legal_request.record", "restricted.legal_request.read", "restricted.legal_request.answer",
    }  # fmt: skip
    assert "legal_request" not in mine


async def test_the_wall_alone_keeps_requests_about_people_elsewhere(registration):
    made = await recorded(registration, await registration.register())
    connection = await asyncpg.connect(registration.settings.database_url)
    try:
        for areas, count in (("{GT01%}", 1), ("{GT12%}", 0)):
            async with connection.transaction():
                await connection.execute(f"SET LOCAL {WORKS_FOR} = 'caller'")
                await connection.execute(f"SET LOCAL enlace.areas = '{areas}'")
                rows = await connection.fetch("SELECT id FROM legal_request WHERE id = $1", UUID(made["id"]))
                assert len(rows) == count
    finally:
        await connection.close()


async def test_the_condition_of_the_code_alone_keeps_requests_about_people_elsewhere(registration):
    person = await registration.register()
    request_id = UUID((await recorded(registration, person))["id"])
    here, elsewhere = (Actor(who="x", client_id="x", sight=Sight(areas=(area,))) for area in ("GT01", "GT12"))
    async with registration.database.transaction() as session:  # the service's own work: no wall hides a row
        assert (await legal_request(session, request_id, actor=here)).id == request_id
        with pytest.raises(NotFound):
            await legal_request(session, request_id, actor=elsewhere)
        body = LegalRequestBody.model_validate(a_request(person["id"]))
        with pytest.raises(NotFound):
            await record_legal_request(session, body, actor=elsewhere, vault=registration.vault)
