"""Who took a consent, as a sender writes it: sealed, also where a process of before wrote it in clear."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.chassis.migrations import upgrade_async
from services.registration.consent.actions.consents import seal_staff_references
from services.registration.consent.queries import consent_rows, consent_view
from services.registration.vault.actions import create_keys
from services.registration.vault.queries import data_key
from services.registration.vault.rules import SubjectKind
from tests.infra import for_service
from tests.service.registration.conftest import a_consent
from tests.service.registration.test_restricted_moving import RETURNEE_OF_BEFORE

OF_BEFORE = """
INSERT INTO consent (id, returnee_id, discloser, purpose, recipient_class, data_described_sealed, given_by, method,
    language, staff_reference, revocation_explained, given_at, expires_at, recorded_at)
VALUES ($1, $2, 'client:reception-system', 'referral', 'providers', $3, 'self', 'signature', 'spa', $4, true,
    now() - interval '1 day', now() + interval '1 year', now())
"""
SEAL = "UPDATE consent SET staff_reference = '', staff_reference_sealed = $2 WHERE id = $1"


async def a_consent_of_before(registration, owner, reference):
    """A person and their consent as a process of before writes it."""
    returnee_id, consent_id = uuid4(), uuid4()
    await owner.execute(RETURNEE_OF_BEFORE, returnee_id, returnee_id.bytes, f"GT-{returnee_id.hex[:8]}")
    made_at = datetime.now(UTC)
    key = (await create_keys(registration.vault, [returnee_id], kind=SubjectKind.PERSON, at=made_at))[returnee_id]
    described = key.seal("My name (sample)", table="consent", column="data_described")
    await owner.execute(OF_BEFORE, consent_id, returnee_id, described, reference)
    return returnee_id, consent_id


async def shown(session, returnee_id, vault):
    ((row, withdrawal),) = await consent_rows(session, returnee_id)
    key = await data_key(vault, returnee_id)
    return consent_view(row, withdrawal, key, age_group="unsure", at=row.recorded_at).staff_reference


async def test_a_new_reference_is_shown_and_stands_nowhere_in_clear(registration):
    reference = f"desk-{uuid4()}"
    person = await registration.register(consents=[a_consent(staff_reference=reference)])
    listed = (await registration.get(f"/v1/returnees/{person['id']}/consents")).json()
    assert [one["staff_reference"] for one in listed] == [reference]
    (row,) = await registration.fetch("SELECT * FROM consent WHERE returnee_id = $1", UUID(person["id"]))
    assert row["staff_reference"] == ""
    assert reference.encode() not in row["staff_reference_sealed"]


async def test_references_of_before_are_read_sealed_and_read_again(postgres_server, registration):
    """From the revision before: rows in clear, one of them of somebody whose key has gone since."""
    url = postgres_server.new_database("references_in_clear")
    await upgrade_async("registration", url, revision="0017")
    owner = await asyncpg.connect(url)
    vault = registration.vault
    try:
        known, _ = await a_consent_of_before(registration, owner, "desk-known")
        gone, consent_of_gone = await a_consent_of_before(registration, owner, "desk-gone")
        await upgrade_async("registration", url)
        postgres_server.give_service_its_rights(url)
        later, _ = await a_consent_of_before(registration, owner, "desk-later")
        await registration.fetch("DELETE FROM data_key WHERE subject_id = $1", gone, keys=True)
        database = type(registration.database)(
            for_service(url), clock=registration.database.clock, application_name="sealing"
        )
        async with database.transaction() as session:
            assert await shown(session, known, vault) == "desk-known", "read before it is sealed"
            assert await seal_staff_references(session, vault=vault, limit=100) == 2
            assert await seal_staff_references(session, vault=vault, limit=100) == 0
        async with database.transaction() as session:
            assert [await shown(session, one, vault) for one in (known, later)] == ["desk-known", "desk-later"]
        left = await owner.fetch("SELECT id, staff_reference FROM consent WHERE staff_reference <> ''")
        assert [tuple(row) for row in left] == [(consent_of_gone, "desk-gone")], "the erasure's replay blanks it"
        await owner.execute("UPDATE returnee SET erased_at = now() WHERE id = $1", gone)
        await owner.execute("UPDATE consent SET staff_reference = '' WHERE returnee_id = $1", gone)
        await database.close()
    finally:
        await owner.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE consent SET staff_reference = 'desk-other' WHERE id = $1",
        "UPDATE consent SET staff_reference = '' WHERE id = $1",
        "UPDATE consent SET staff_reference = '', staff_reference_sealed = '\\x01', method = 'voice' WHERE id = $1",
        "UPDATE consent SET staff_reference = '', staff_reference_sealed = '\\x01', language = 'eng' WHERE id = $1",
        "UPDATE consent SET staff_reference = '', staff_reference_sealed = '\\x01', given_at = now() WHERE id = $1",
        "UPDATE consent SET staff_reference_sealed = '\\x01' WHERE id = $1",
        "UPDATE consent SET data_described_sealed = '\\x01' WHERE id = $1",
        "DELETE FROM consent WHERE id = $1",
    ],
)
async def test_nothing_but_the_reference_changes_and_only_into_a_sealed_one(registration, change):
    owner = await asyncpg.connect(registration.url)
    try:
        _, consent_id = await a_consent_of_before(registration, owner, "desk-1")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await owner.execute(change, consent_id)
        await owner.execute(SEAL, consent_id, b"\x01sealed")
        for again in (b"\x01another", None):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                await owner.execute(SEAL, consent_id, again)
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await owner.execute("UPDATE consent SET staff_reference = 'desk-1' WHERE id = $1", consent_id)
    finally:
        await owner.close()


async def test_a_reference_that_is_sealed_goes_with_the_person(registration):
    person = await registration.register(consents=[a_consent()])
    erased = await registration.post(f"/v1/returnees/{person['id']}/erasure")
    assert erased.status_code < 300, erased.text
    rows = await registration.fetch("SELECT * FROM consent WHERE returnee_id = $1", UUID(person["id"]))
    assert [(row["staff_reference"], row["staff_reference_sealed"]) for row in rows] == [("", None)]
