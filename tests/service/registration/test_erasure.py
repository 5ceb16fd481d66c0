"""An erased person is gone: from every sealed column, from search, after every restore; and others are told."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.registration.erasure.actions import replay_erasures
from services.registration.vault.queries import data_key, data_keys
from services.registration.vault.sealing import VaultError
from tests.service.registration.conftest import a_consent

TOLD = {
    "identity": {"given_names": "Muestra Borrada", "family_names": "Ejemplo", "birth_date": "1990-05-17"},
    "consents": [a_consent()],
    "safe_contact": {"channel": "sms", "address": "+502 5123 4569"},
}
SEALED = """
    SELECT 'returnee' AS kind, 'given_names' AS field, given_names_sealed AS sealed FROM returnee WHERE id = $1
    UNION ALL SELECT 'returnee', 'family_names', family_names_sealed FROM returnee WHERE id = $1
    UNION ALL SELECT 'returnee', 'birth_date', birth_date_sealed FROM returnee WHERE id = $1
    UNION ALL SELECT 'returnee', 'sender_reference', sender_reference_sealed FROM returnee WHERE id = $1
    UNION ALL SELECT 'safe_contact', 'address', address_sealed FROM safe_contact WHERE returnee_id = $1
    UNION ALL SELECT 'consent', 'data_described', data_described_sealed FROM consent WHERE returnee_id = $1
"""


async def test_no_sealed_column_opens_after_erasure_not_even_from_a_backup(registration):
    person = await registration.register(**TOLD)
    returnee_id = UUID(person["id"])
    backup = await registration.fetch(SEALED, returnee_id)
    (kept,) = await registration.fetch("SELECT * FROM data_key WHERE subject_id = $1", returnee_id, keys=True)
    key = await data_key(registration.vault, returnee_id)
    for row in backup:  # all of them open before
        assert key.open(row["sealed"], table=row["kind"], column=row["field"])
    answer = await registration.post(f"/v1/returnees/{person['id']}/erasure")
    assert answer.status_code == 200, answer.text
    with pytest.raises(VaultError):
        await data_key(registration.vault, returnee_id)
    with pytest.raises(Exception, match="erased"):  # a key cannot come back while the list is there
        await registration.fetch("INSERT INTO data_key VALUES ($1, $2, $3, $4, $5)", *dict(kept).values(), keys=True)
    after = {(row["kind"], row["field"]): row["sealed"] for row in await registration.fetch(SEALED, returnee_id)}
    assert {kind for kind, _ in after} == {"returnee", "consent"}, "the safe contact has gone whole"
    assert set(after.values()) == {None}
    (row,) = await registration.fetch("SELECT * FROM returnee WHERE id = $1", returnee_id)
    assert row["search_index"] == [], "no name can be tried out against what is left"


async def test_an_erased_person_is_not_found_and_others_are_told(registration):
    person = await registration.register(**TOLD)
    path = f"/v1/returnees/{person['id']}"
    await registration.post(f"{path}/erasure")
    for gone in (path, f"{path}/consents", f"{path}/safe-contact?purpose=follow_up", f"{path}/needs"):
        answer = await registration.get(gone)
        assert (answer.status_code, answer.json()["code"]) == (410, "returnee-erased"), gone
    found = await registration.post("/v1/returnees/search", {"names": "Borrada"})
    assert person["id"] not in [one["id"] for one in found.json()["items"]]
    (told,) = await registration.events("returnee.erased.v1")
    assert told["returnee_id"] == person["id"]
    (row,) = await registration.fetch(
        "SELECT sex, nationality, age_band FROM returnee WHERE id = $1", UUID(person["id"])
    )
    assert (row["nationality"], row["age_band"]) == ("GT", "35_59"), "facts that tell of nobody stay"
    log = (await registration.get(f"{path}/access-log")).json()["items"]
    assert "returnee.erase" in [entry["action"] for entry in log], "the person can still get the list"


async def test_a_repeat_of_an_erased_arrival_registers_nobody(registration):
    reference = f"erased/{datetime.now(UTC).timestamp()}"
    person = await registration.register(sender_reference=reference)
    await registration.post(f"/v1/returnees/{person['id']}/erasure")
    again = await registration.post(
        "/v1/returnees",
        {
            "sender_reference": reference,
            "arrived_at": "2026-03-02T00:00:00Z",
            "identity": {"given_names": "Muestra", "family_names": "Otra Vez"},
            "profile": {"nationality": "GT", "identity_document": "held"},
        },
    )
    assert (again.status_code, again.json()["code"]) == (410, "returnee-erased")


async def test_a_restored_database_of_people_forgets_the_erased_again(registration):
    person = await registration.register(**TOLD)
    returnee_id = UUID(person["id"])
    before = dict((await registration.fetch("SELECT * FROM returnee WHERE id = $1", returnee_id))[0])
    await registration.post(f"/v1/returnees/{person['id']}/erasure")
    # What a restore brings back: the row as it was, and no entry in this database's list.
    await registration.fetch("DELETE FROM erasure WHERE returnee_id = $1", returnee_id)
    await registration.fetch(
        "UPDATE returnee SET erased_at = NULL, given_names_sealed = $2, family_names_sealed = $3, case_code = $4,"
        " arrival_key = $5 WHERE id = $1",
        returnee_id,
        *(before[name] for name in ("given_names_sealed", "family_names_sealed", "case_code", "arrival_key")),
    )
    async with registration.database.transaction() as session:
        assert await replay_erasures(session, pack=registration.pack, vault=registration.vault) == 1
    (row,) = await registration.fetch("SELECT * FROM returnee WHERE id = $1", returnee_id)
    assert row["erased_at"] is not None
    assert row["given_names_sealed"] is None
    assert len(await registration.events("returnee.erased.v1")) == 2


async def test_a_restored_database_of_keys_loses_the_keys_of_the_erased_again(registration):
    person = await registration.register(**TOLD)
    returnee_id = UUID(person["id"])
    (kept,) = await registration.fetch("SELECT * FROM data_key WHERE subject_id = $1", returnee_id, keys=True)
    await registration.post(f"/v1/returnees/{person['id']}/erasure")
    await registration.fetch("DELETE FROM erased_subject WHERE subject_id = $1", returnee_id, keys=True)
    await registration.fetch("INSERT INTO data_key VALUES ($1, $2, $3, $4, $5)", *dict(kept).values(), keys=True)
    assert await data_keys(registration.vault, [returnee_id])
    async with registration.database.transaction() as session:
        await replay_erasures(session, pack=registration.pack, vault=registration.vault)
    assert await data_keys(registration.vault, [returnee_id]) == {}
