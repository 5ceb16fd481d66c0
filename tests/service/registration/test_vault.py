"""Keys in a database of their own: committed first, destroyed for good, missed loudly; and what runs by itself."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from libs.chassis.sealed_log import seal_forever
from services.registration.app import create_app
from services.registration.arrivals.actions.batches import let_manifests_age_out
from services.registration.arrivals.loop import age_out_forever
from services.registration.audit.tables import AUDIT
from services.registration.erasure.loop import replay_forever
from services.registration.pack import load_pack
from services.registration.vault.actions import create_keys, obtain_key
from services.registration.vault.queries import data_keys
from services.registration.vault.rules import SubjectKind
from tests.service.registration.conftest import PACK, a_returnee, an_announcement


async def age_out(registration):
    async with registration.database.transaction() as session:
        return await let_manifests_age_out(session, vault=registration.vault, limit=50)


async def test_names_announced_but_not_met_age_out_with_their_key(registration):
    body = an_announcement(2)
    batch = (await registration.post("/v1/arrival-batches", body)).json()
    batch_id = UUID(batch["id"])
    await age_out(registration)
    entries = f"/v1/arrival-batches/{batch['id']}/entries"
    assert (await registration.get(entries)).json()["items"][0]["given_names"], "kept for the pack's days"
    days = "manifest_until > now() + interval '13 days' AND manifest_until < now() + interval '15 days'"
    assert await registration.fetch(f"SELECT 1 FROM arrival_batch WHERE id = $1 AND {days}", batch_id)
    await registration.fetch("UPDATE arrival_batch SET manifest_until = now() WHERE id = $1", batch_id)
    assert await age_out(registration) == 1
    assert await data_keys(registration.vault, [batch_id]) == {}
    shown = (await registration.get(entries)).json()["items"]
    assert [entry["given_names"] for entry in shown] == [None, None]
    rows = await registration.fetch("SELECT * FROM manifest_entry WHERE arrival_batch_id = $1", batch_id)
    assert all(row["given_names_sealed"] is None for row in rows)
    again = await registration.post("/v1/arrival-batches", body)
    assert (again.status_code, again.json()["code"]) == (409, "manifest-aged-out")
    person = await registration.register(arrival_batch_id=batch["id"], manifest_reference="seat-0")
    assert person["case_code"], "who comes late is registered all the same"


async def test_a_key_left_by_a_failed_transaction_is_used_by_the_next(registration):
    subject = uuid7()
    left = await create_keys(registration.vault, [subject], kind=SubjectKind.MANIFEST, at=datetime.now(UTC))
    found = await obtain_key(registration.vault, subject, kind=SubjectKind.MANIFEST, at=datetime.now(UTC))
    sealed = left[subject].seal("Muestra", table="t", column="c")
    assert found.open(sealed, table="t", column="c") == "Muestra"


async def test_a_refused_arrival_leaves_no_person_behind(registration):
    before = await registration.fetch("SELECT count(*) AS n FROM returnee")
    answer = await registration.post("/v1/returnees", a_returnee(needs=[{"category": "food", "people_count": 4}]))
    assert answer.status_code == 422
    assert await registration.fetch("SELECT count(*) AS n FROM returnee") == before


async def test_without_the_database_of_keys_nothing_is_registered_and_readiness_says_so(registration, running):
    settings = registration.settings.model_copy(update={"keys_database_url": "postgresql://nobody@127.0.0.1:1/none"})
    before = await registration.fetch("SELECT count(*) AS n FROM returnee")
    async with running(create_app(settings)) as client:
        answer = await client.post("/v1/returnees", json=a_returnee(), headers=registration.headers())
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        ready = await client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["parts"]["keys"]["ready"] is False
    assert await registration.fetch("SELECT count(*) AS n FROM returnee") == before


async def test_each_person_has_a_key_of_their_own(registration):
    one, two = await registration.register(), await registration.register()
    sql = "SELECT * FROM data_key WHERE subject_id = ANY($1)"
    rows = await registration.fetch(sql, [UUID(one["id"]), UUID(two["id"])], keys=True)
    assert len({row["wrapped"] for row in rows}) == 2
    assert {row["kind"] for row in rows} == {"person"}


async def test_an_erased_member_leaves_the_household_and_somebody_else_speaks_for_it(registration):
    reference = f"family/{uuid4()}"
    head = await registration.register(
        household_reference=reference, household_size=3, needs=[{"category": "shelter", "people_count": 3}]
    )
    others = [await registration.register(household_reference=reference) for _ in range(2)]
    await registration.post(f"/v1/returnees/{head['id']}/erasure")
    last = (await registration.events("household.changed.v1"))[-1]
    assert sorted(last["member_ids"]) == sorted(one["id"] for one in others)
    assert last["reference_returnee_id"] in last["member_ids"]
    assert last["expected_size"] == 2


@pytest.mark.parametrize("loop", ["sealer", "erasures", "manifests"])
async def test_what_runs_by_itself_ends_when_told_to(registration, loop):
    database, vault = registration.database, registration.vault
    stop = asyncio.Event()
    running_loop = {
        "sealer": lambda: seal_forever(stop, database=database, table=AUDIT),
        "erasures": lambda: replay_forever(stop, database=database, pack=load_pack(PACK), vault=vault),
        "manifests": lambda: age_out_forever(stop, database=database, vault=vault),
    }[loop]
    task = asyncio.create_task(running_loop())
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(task, 300)


async def test_the_sealer_seals_by_itself(registration):
    await registration.register()
    stop = asyncio.Event()
    task = asyncio.create_task(seal_forever(stop, database=registration.database, table=AUDIT))
    async with asyncio.timeout(300):
        while True:
            if await registration.fetch("SELECT 1 FROM audit_seal"):
                break
            await asyncio.sleep(0.1)
    stop.set()
    await asyncio.wait_for(task, 300)
