"""By which a parked arrival is known is a keyed digest: who has the table tries no key, id or message out."""

from hashlib import sha256
from uuid import uuid4

from libs.chassis.database import raw
from libs.events.handling.batch import Unreadable, key_alone
from libs.events.handling.keyed import key_anew
from libs.events.handling.parking import Parking
from libs.events.kafka import Record
from libs.events.topics import TOPICS
from services.registration import app

ARRIVALS = TOPICS["enlace.arrivals"]
NAME = b"Muestra Ejemplo 1990-05-17"


def a_record(offset, headers=()):
    return Record(ARRIVALS.name, 3, offset, 0, 0, NAME, NAME, None, len(NAME), len(NAME), tuple(headers))


async def parked_of(registration, group):
    rows = await registration.fetch("SELECT key, identity FROM parked WHERE consumer_group = $1 ORDER BY id", group)
    keys = await registration.fetch("SELECT key FROM parked_key WHERE consumer_group = $1", group)
    return rows, {row["key"] for row in keys}


async def test_no_digest_without_a_key_names_a_parked_arrival(registration):
    vault, group = registration.vault, f"registration-{uuid4()}"
    records = [a_record(7), a_record(8, [("ce_id", NAME)])]
    async with registration.database.transaction() as session:
        parking = Parking(ARRIVALS, group, vault.seal_parked, vault.master.digest_of)
        for record in records:
            parking.add(Unreadable(record, key_alone(record), "envelope", "not-json", None), "envelope")
        await parking.write(await raw(session))
    rows, keys = await parked_of(registration, group)
    stored = " ".join(str(dict(row)) for row in rows) + " ".join(key.hex() for key in keys)
    for guess in (NAME, *(key_alone(record) for record in records)):
        assert guess.decode() not in stored
        assert sha256(guess).hexdigest() not in stored
    assert keys == {row["key"] for row in rows} == {
        vault.master.digest_of(sha256(key_alone(record)).digest()) for record in records
    }  # fmt: skip


async def test_what_an_older_version_has_parked_is_keyed_anew_and_keeps_its_order(registration):
    vault, group, plain = registration.vault, f"registration-{uuid4()}", sha256(NAME).digest()
    await registration.fetch(
        "INSERT INTO parked_key (consumer_group, topic, key, retry_wanted_at) VALUES ($1, $2, $3, now())",
        group, ARRIVALS.name, plain,
    )  # fmt: skip
    for offset in (1, 2):
        await registration.fetch(
            "INSERT INTO parked (consumer_group, topic, partition, log_offset, key, reason, sealed, content, identity)"
            " VALUES ($1, $2, 0, $3, $4, 'envelope', true, '', $5)",
            group, ARRIVALS.name, offset, plain, f"sha256:{sha256(NAME).hexdigest()}",
        )  # fmt: skip
    for count in (3, 0):
        async with registration.database.transaction() as session:
            assert await key_anew(await raw(session), group, [ARRIVALS], vault.master.digest_of) == count
    rows, keys = await parked_of(registration, group)
    assert keys == {row["key"] for row in rows} == {vault.master.digest_of(plain)}
    assert len(rows) == 2
    assert all(row["identity"].startswith("keyed:") for row in rows)
    (kept,) = await registration.fetch("SELECT * FROM parked_key WHERE consumer_group = $1", group)
    assert kept["retry_wanted_at"] is not None


async def test_commands_of_the_bus_get_the_digest_by_which_registration_keeps_ids(registration, monkeypatch):
    monkeypatch.setattr(app, "Settings", lambda: registration.settings)
    assert app.event_digest()(NAME) == registration.vault.master.digest_of(NAME)
