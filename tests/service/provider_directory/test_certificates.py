"""Certificates: staff record and revoke them, and they leave the directory without the name of their holder."""

from uuid import uuid4

import pytest

from libs.certificates.holders import holder_digest
from libs.chassis.clock import Clock
from libs.chassis.database import Database, raw
from libs.chassis.tenancy import Tenant
from tests.infra import for_service

PATH = "/v1/certificates"
STEWARD = "certificates:read certificates:write"
BODY = {
    "kind": "protection_screening",
    "holder": "screener-7",
    "issuing_body": "Escuela de muestra",
    "valid_from": "2026-01-01",
    "valid_until": "2030-12-31",
}


async def record(directory, **changes):
    headers = {"Idempotency-Key": str(uuid4())}
    return await directory.post(PATH, BODY | changes, scopes=STEWARD, headers=headers)


async def revoke(directory, one, *, etag='"1"', reason="left"):
    path = f"{PATH}/{one['id']}/revoke"
    return await directory.post(path, {"reason": reason}, scopes=STEWARD, headers={"If-Match": etag})


async def test_a_certificate_is_recorded_looked_up_and_listed(directory):
    organization_id = await directory.an_organization()
    first, second = await record(directory), await record(directory, organization_id=str(organization_id))
    assert (first.status_code, first.headers["etag"]) == (201, '"1"')
    assert first.headers["location"] == f"{PATH}/{first.json()['id']}"
    one, other = first.json(), second.json()
    assert {name: one[name] for name in BODY} == BODY
    assert (one["revoked_at"], one["revocation_reason"], one["version"]) == (None, None, 1)
    assert (await directory.get(f"{PATH}/{one['id']}", scopes=STEWARD)).json() == one
    assert (await directory.get(PATH, scopes=STEWARD)).json()["items"] == [other, one]
    page = (await directory.get(f"{PATH}?limit=1", scopes=STEWARD)).json()
    assert page["items"] == [other]
    rest = await directory.get(f"{PATH}?limit=1&after={page['next']}", scopes=STEWARD)
    assert rest.json()["items"] == [one]
    of = await directory.get(f"{PATH}?organization_id={organization_id}&kind={BODY['kind']}", scopes=STEWARD)
    assert of.json()["items"] == [other]
    assert (await directory.get(f"{PATH}?kind=other_kind", scopes=STEWARD)).json()["items"] == []


async def test_the_event_has_a_digest_of_the_holder_and_not_the_issuing_body(directory):
    one, again = (await record(directory)).json(), (await record(directory)).json()
    await revoke(directory, one)
    recorded, other, revoked = await directory.outbox()
    assert [event.version for event in (recorded, revoked)] == [1, 2]
    assert (recorded.revoked_at, revoked.revoked_at is None) == (None, False)
    assert str(recorded.certificate_id) == one["id"]
    assert recorded.holder_digest == holder_digest(recorded.certificate_id, BODY["holder"])
    assert other.holder_digest != recorded.holder_digest, "two certificates of one person have nothing in common"
    for row in await directory.fetch("SELECT payload FROM outbox"):
        assert BODY["holder"].encode() not in row["payload"]
        assert b"muestra" not in row["payload"]
    assert again["version"] == 1


async def test_a_certificate_is_revoked_once_with_a_reason_and_stays(directory):
    one = (await record(directory)).json()
    assert (await revoke(directory, one, etag='"7"')).status_code == 412
    answer = await revoke(directory, one, reason="misuse")
    assert (answer.status_code, answer.json()["revocation_reason"], answer.headers["etag"]) == (200, "misuse", '"2"')
    again = await revoke(directory, one, etag='"2"')
    assert (again.status_code, again.json()["code"]) == (409, "certificate-revoked")
    assert (await directory.get(f"{PATH}/{one['id']}", scopes=STEWARD)).json()["revocation_reason"] == "misuse"
    assert (await directory.call("DELETE", f"{PATH}/{one['id']}", scopes=STEWARD)).status_code == 405


@pytest.mark.parametrize(
    ("changes", "pointer", "rule"),
    [
        ({"kind": "driving"}, "/kind", "unknown-kind"),
        ({"kind": "Not a code"}, "/kind", "string-pattern-mismatch"),
        ({"holder": "Ana Muestra"}, "/holder", "string-pattern-mismatch"),
        ({"holder": "x" * 201}, "/holder", "string-too-long"),
        ({"issuing_body": " "}, "/issuing_body", "string-too-short"),
        ({"valid_until": "2025-12-31"}, "/valid_until", "not-before-first-day"),
        ({"valid_from": "1700-01-01"}, "/valid_from", "too-long-ago"),
        ({"valid_until": 20301231}, "/valid_until", "day"),
        ({"organization_id": str(uuid4())}, "/organization_id", "known"),
        ({"holders_name": "x"}, "/holders_name", "extra-forbidden"),
    ],
)
async def test_a_faulty_certificate_is_refused_and_nothing_is_stored(directory, changes, pointer, rule):
    answer = await record(directory, **changes)
    assert answer.status_code == 422, answer.text
    assert (pointer, rule) in {(one["pointer"], one["rule"]) for one in answer.json()["errors"]}
    assert await directory.fetch("SELECT FROM certificate") == await directory.outbox() == []


async def test_a_certificate_without_a_key_of_the_request_is_refused(directory):
    assert (await directory.post(PATH, BODY, scopes=STEWARD)).json()["code"] == "idempotency-key-missing"


async def test_only_staff_with_the_scope_know_who_holds_a_certificate(directory):
    one, organization_id = (await record(directory)).json(), await directory.an_organization()
    for path in (PATH, f"{PATH}/{one['id']}"):
        assert (await directory.get(path, scopes="directory:read")).status_code == 403
        assert (await directory.get(path, scopes=STEWARD, of=organization_id)).status_code == 403
    assert (await directory.post(PATH, BODY, scopes="certificates:read")).status_code == 403


async def test_the_database_shows_certificates_to_staff_alone(directory):
    await record(directory)
    database = Database(for_service(directory.database_url), clock=Clock(), application_name="walls")
    found = {}
    for tenant in (
        Tenant("a", staff=True),
        Tenant("a", organization_id=uuid4()),
        Tenant("a", reception_places=("GT",)),
    ):
        async with database.transaction_of(tenant) as session:
            (kind,) = tenant.kinds
            found[kind.value] = await (await raw(session)).fetchval("SELECT count(*) FROM certificate")
    await database.close()
    assert found == {"staff": 1, "organization": 0, "reception": 0}
