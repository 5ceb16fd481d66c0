"""What a sender says of a flight or bus: sealed, found again, and the same across the change from rows in clear."""

import asyncio
import json
from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.chassis.database import raw
from libs.chassis.migrations import upgrade_async
from libs.events.catalogue.arrivals import ArrivalBatchAnnounced, ArrivalBatchLanded
from libs.events.postgres import Cause, cause_of
from services.registration.arrivals import queries
from services.registration.arrivals.actions.references import locked_batch, seal_batches
from services.registration.arrivals.schemas import Sender
from services.registration.arrivals.tables import Words, keep_words, reference_key, words_of
from services.registration.audit.rules import Actor, Sight
from services.registration.vault.sealing import MasterKey, VaultError, successor
from tests.infra import for_service
from tests.service.registration.conftest import KEY, LANDED_AT, a_returnee, an_announcement

SOURCE = "urn:reception:sample"
OF_BEFORE = """
INSERT INTO arrival_batch (id, source, sender_reference, status, carrier, origin, registered_count, version, created_at)
VALUES ($1, $2, $3, 'referenced', $4, $5, 0, 1, now())
"""
STUB_OF_BEFORE = OF_BEFORE + " ON CONFLICT (source, sender_reference) DO NOTHING"
NOTE_OF_BEFORE = """
INSERT INTO operator_action (action, operator, reason, subject) VALUES ('parked.discard', 'ana', 'a test', $1)
"""
CLEAR = "sender_reference IS NOT NULL OR carrier IS NOT NULL OR origin IS NOT NULL"


def a_sender(source=SOURCE):
    actor = Actor(who=source, client_id=source, sight=Sight(restricted_categories=frozenset()))
    return Sender(source=source, organization_id=None, actor=actor, context=None)


async def rows_of(registration, reference, source="client:reception-system"):
    key = reference_key(registration.vault.master, source, reference)
    return await registration.fetch("SELECT * FROM arrival_batch WHERE reference_key = $1", key)


async def test_words_are_shown_as_before_and_stand_nowhere_in_clear(registration):
    told = an_announcement(carrier="Muestra Aérea", origin="Aeropuerto Ejemplo")
    created = await registration.post("/v1/arrival-batches", told)
    path = f"/v1/arrival-batches/{created.json()['id']}"
    listed = (await registration.get("/v1/arrival-batches")).json()["items"]
    for shown in (created.json(), (await registration.get(path)).json(), listed[0]):
        assert [shown[name] for name in ("sender_reference", "carrier", "origin")] == [
            told["sender_reference"], "Muestra Aérea", "Aeropuerto Ejemplo",
        ]  # fmt: skip
    (row,) = await rows_of(registration, told["sender_reference"])
    assert (row["sender_reference"], row["carrier"], row["origin"]) == (None, None, None)


async def test_announced_named_by_people_and_landed_is_one_batch_by_either_way_in(registration):
    """The reference alone joins them: what is sealed anew each time could not be compared."""
    told = an_announcement(1)
    reference = told["sender_reference"]
    await registration.hear(ArrivalBatchAnnounced.model_validate(told), source=SOURCE)
    landing = {name: told[name] for name in ("sender_reference", "mode", "reception_place")}
    landed = ArrivalBatchLanded.model_validate(landing | {"landed_at": LANDED_AT.isoformat(), "people_count": 1})
    await registration.hear(landed, source=SOURCE)
    assert len(await rows_of(registration, reference, SOURCE)) == 1
    answers = [await registration.post("/v1/returnees", a_returnee(batch_reference=reference)) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    (row,) = await rows_of(registration, reference)
    assert row["registered_count"] == 2
    assert await rows_of(registration, reference, "client:another") == []


async def test_many_who_name_a_new_batch_at_once_found_one(registration):
    reference = f"flight-{uuid4()}"
    bodies = [a_returnee(batch_reference=reference) for _ in range(6)]
    answers = await asyncio.gather(*(registration.post("/v1/returnees", body) for body in bodies))
    assert {answer.status_code for answer in answers} == {201}
    (row,) = await rows_of(registration, reference)
    assert row["registered_count"] == 6


async def test_words_that_were_moved_to_another_batch_do_not_open(registration):
    one, two = [(await registration.announce(carrier=f"Muestra {n}"))["id"] for n in range(2)]
    theirs = "(SELECT words_sealed FROM arrival_batch WHERE id = $1)"
    await registration.fetch(f"UPDATE arrival_batch SET words_sealed = {theirs} WHERE id = $2", UUID(one), UUID(two))
    answer = await registration.get(f"/v1/arrival-batches/{two}")
    assert answer.status_code == 500
    assert "Muestra" not in answer.text
    await registration.fetch("DELETE FROM manifest_entry WHERE arrival_batch_id = $1", UUID(two))
    await registration.fetch("DELETE FROM arrival_batch WHERE id = $1", UUID(two))


def test_words_open_after_the_secret_that_was_there_has_gone():
    first = MasterKey.from_base64(KEY)
    row_id = uuid4()
    sealed = first.seal_words("Muestra", table="t", column="c", row_id=row_id)
    both = successor(KEY)
    secrets = [line for line in both.split() if ":" not in line]
    kept = [line for line in both.split() if ":" in line]
    alone = MasterKey.from_base64("\n".join([secrets[1], *kept]))
    for key in (MasterKey.from_base64(both), alone):
        assert key.open_words(sealed, table="t", column="c", row_id=row_id) == "Muestra"
        assert reference_key(key, SOURCE, "f") == reference_key(first, SOURCE, "f")
    with pytest.raises(VaultError):
        MasterKey.from_base64(secrets[1]).open_words(sealed, table="t", column="c", row_id=row_id)
    for place in ({"table": "u"}, {"column": "d"}, {"row_id": uuid4()}):
        with pytest.raises(VaultError):
            first.open_words(sealed, **({"table": "t", "column": "c", "row_id": row_id} | place))
    with pytest.raises(VaultError):
        first.open_parked(sealed)


async def test_batches_of_before_are_found_told_again_and_sealed_and_stay_the_same(postgres_server, registration):
    """From the revision before: rows in clear. Found under their key alone, each of them would be founded twice."""
    url = postgres_server.new_database("batches_in_clear")
    await upgrade_async("registration", url, revision="0018")
    owner = await asyncpg.connect(url)
    master = registration.vault.master
    ids = [uuid4() for _ in range(3)]
    try:
        for number, batch_id in enumerate(ids):
            await owner.execute(OF_BEFORE, batch_id, SOURCE, f"flight-{number}", "Aérea", None)
        await upgrade_async("registration", url)
        postgres_server.give_service_its_rights(url)
        database = type(registration.database)(
            for_service(url), clock=registration.database.clock, application_name="words"
        )
        async with database.transaction() as session:
            row = await locked_batch(session, a_sender(), "flight-0", master=master)
            assert (row.id, words_of(row, master)) == (ids[0], Words("flight-0", "Aérea", None))
            keep_words(row, Words("flight-0", None, "Origen"), master)
            session.add(row)
        async with database.transaction() as session:
            assert (await locked_batch(session, a_sender(), "flight-0", master=master)).id == ids[0]
            assert await seal_batches(session, master=master, limit=2) == 2
        async with database.transaction() as session:
            assert await seal_batches(session, master=master, limit=2) == 1
            assert await seal_batches(session, master=master, limit=2) == 0
        assert await owner.fetchval(f"SELECT count(*) FROM arrival_batch WHERE {CLEAR}") == 0
        async with database.transaction() as session:
            found = [await locked_batch(session, a_sender(), f"flight-{n}", master=master) for n in range(3)]
            assert [row.id for row in found] == ids
            assert [words_of(row, master) for row in found] == [
                Words("flight-0", None, "Origen"), Words("flight-1", "Aérea"), Words("flight-2", "Aérea"),
            ]  # fmt: skip
        assert await owner.fetchval("SELECT count(*) FROM arrival_batch") == 3
        await _beside_a_process_of_before(database, owner, ids[0], master)
        await database.close()
    finally:
        await owner.close()


async def test_notes_of_discarded_arrival_events_lose_the_id_that_a_sender_gave(postgres_server):
    url = postgres_server.new_database("notes_in_clear")
    await upgrade_async("registration", url, revision="0018")
    owner = await asyncpg.connect(url)
    try:
        kept = [{"topic": "enlace.arrivals", "offset": 7}, {"topic": "enlace.referral", "event_id": "e-1"}]
        for note in (kept[0] | {"event_id": "Muestra"}, kept[1]):
            await owner.execute(NOTE_OF_BEFORE, json.dumps(note))
        await upgrade_async("registration", url)
        rows = await owner.fetch("SELECT subject FROM operator_action ORDER BY id")
        assert [json.loads(row["subject"]) for row in rows] == kept
    finally:
        await owner.close()


async def _beside_a_process_of_before(database, owner, batch_id, master):
    """It founds nothing, and is told to try again; what it still writes in clear counts and is sealed."""
    for reference in ("flight-0", "flight-new"):
        with pytest.raises(asyncpg.SerializationError) as refused:
            async with database.transaction() as session:
                await (await raw(session)).execute(STUB_OF_BEFORE, uuid4(), SOURCE, reference, None, None)
        assert cause_of(refused.value) is Cause.CONFLICT, "the bus takes the batch again and parks nothing"
    await owner.execute("UPDATE arrival_batch SET carrier = 'Otra' WHERE id = $1", batch_id)
    for _ in range(2):
        async with database.transaction() as session:
            (row,) = await queries.locked_batches(session, [batch_id])
            assert words_of(row, master) == Words("flight-0", "Otra", "Origen")
            await seal_batches(session, master=master, limit=10)
    assert await owner.fetchval(f"SELECT count(*) FROM arrival_batch WHERE {CLEAR}") == 0


async def test_a_batch_in_which_people_are_registered_is_sealed_later_and_holds_nobody_up(registration):
    """Seen to wait for the lock without SKIP LOCKED."""
    batch = UUID((await registration.announce())["id"])
    await registration.fetch("UPDATE arrival_batch SET carrier = 'Otra' WHERE id = $1", batch)
    master = registration.vault.master
    async with registration.database.transaction() as held:
        await (await raw(held)).execute("SELECT FROM arrival_batch WHERE id = $1 FOR KEY SHARE", batch)
        async with registration.database.transaction() as session:
            await (await raw(session)).execute("SET LOCAL lock_timeout = '2s'")
            await seal_batches(session, master=master, limit=100)
        (row,) = await registration.fetch("SELECT carrier FROM arrival_batch WHERE id = $1", batch)
        assert row["carrier"] == "Otra"
    async with registration.database.transaction() as session:
        assert await seal_batches(session, master=master, limit=100) >= 1
    (row,) = await registration.fetch("SELECT carrier FROM arrival_batch WHERE id = $1", batch)
    assert row["carrier"] is None
