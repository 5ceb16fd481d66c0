"""Somebody has a dump from after an erasure, the keys from before it and the vault key: nothing personal comes out."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.chassis.database import raw
from libs.events.catalogue.arrivals import ArrivalBatchAnnounced, ReturneeArrived
from services.registration.arrivals.actions.batches import let_manifests_age_out
from services.registration.database import Table
from services.registration.erasure.actions import let_arrival_keys_age_out, replay_erasures
from services.registration.people.queries import fresh_case_codes, index_tokens
from services.registration.vault.sealing import VaultError
from tests.service.registration.conftest import LANDED_AT, a_consent, a_returnee, an_announcement
from tests.service.registration.test_packets import accepted, facts, fetch


class Marked:
    """A person of whom every value is marked; each run has its own."""

    def __init__(self) -> None:
        self.mark = f"Zz{uuid4().hex[:10]}"
        self.source = f"urn:reception:{uuid4()}"
        self.flight = f"flight-{self.mark}"
        self.reference = f"{self.mark}/person"
        self.identity = {
            "given_names": f"{self.mark} Ana",
            "family_names": f"{self.mark}ez",
            "birth_date": "1990-05-17",
            "document_number": f"{self.mark}0101".upper(),
        }
        self.arrived_at = (LANDED_AT - timedelta(minutes=7, seconds=13)).replace(microsecond=123000)

    def announcement(self) -> ArrivalBatchAnnounced:
        seat = {"sender_reference": f"{self.mark}-seat", "given_names": self.mark, "family_names": self.mark}
        told = an_announcement(entries=[seat], sender_reference=self.flight)
        return ArrivalBatchAnnounced.model_validate(told)

    def arrival(self, **changes: object) -> ReturneeArrived:
        told = a_returnee(
            sender_reference=self.reference,
            arrived_at=self.arrived_at.isoformat(),
            identity=self.identity,
            batch_reference=self.flight,
            manifest_reference=f"{self.mark}-seat",
            household_reference=f"{self.mark}-family",
            consents=[a_consent(data_described=f"What {self.mark} allows", staff_reference=self.mark)],
            safe_contact={"channel": "email", "address": f"{self.mark}@example.org"},
            needs=[{"category": "health", "sender_reference": f"{self.mark}-need"}],
        )
        told["profile"] |= {"destination": "GT010203", "languages": ["quc"], "access_needs": ["wheelchair"]}
        return ReturneeArrived.model_validate(told | changes)

    def spellings(self) -> set[str]:
        words = {self.mark, self.flight, *self.identity.values(), self.arrived_at.isoformat(sep=" ")[:19]}
        return {spelt for word in words for spelt in (word.lower(), word.encode().hex())}


async def live(registration, person: Marked) -> UUID:
    """Announced, arrived, contradicted in one part, helped, and their packet fetched; the returnee's id."""
    await registration.hear(person.announcement(), source=person.source)
    await registration.hear(person.arrival(), source=person.source)
    other = person.identity | {"birth_date": "1990-05-17"}
    later = person.arrival(identity=other, safe_contact={"channel": "sms", "address": "+50255551234"})
    await registration.hear(later, source=person.source)
    found = await registration.post("/v1/returnees/search", {"names": person.identity["family_names"]})
    (shown,) = found.json()["items"]
    known = facts(shown)
    await registration.hear(accepted(known))
    assert person.mark in (await fetch(registration, known)).text
    return UUID(shown["id"])


async def dump(url: str) -> dict[str, list[asyncpg.Record]]:
    """Every row of every table."""
    connection = await asyncpg.connect(url)
    try:
        names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname NOT IN "
                                       "('pg_catalog', 'information_schema')")  # fmt: skip
        tables = sorted({row["tablename"] for row in names})
        return {name: await connection.fetch(f'SELECT * FROM "{name}"') for name in tables}
    finally:
        await connection.close()


def bytes_in(value: object) -> Iterable[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from bytes_in(one)


def opened(key, tables: dict[str, list[asyncpg.Record]]) -> list[str]:
    """All that this key opens, wherever it stands and wherever it is bound to."""
    places = [(name, column.name.removesuffix("_sealed")) for name, table in Table.metadata.tables.items()
              for column in table.columns]  # fmt: skip
    found = []
    sealed = {one for rows in tables.values() for row in rows for value in row for one in bytes_in(value)}
    for one in (one for one in sealed if one[:1] == b"\x01"):
        for table, column in places:
            try:
                found.append(f"{table}.{column} {key.open(one, table=table, column=column)}")
            except VaultError:
                continue
    return found


async def test_a_dump_the_old_keys_and_the_vault_key_give_nothing_personal(registration):
    person = Marked()
    returnee_id = await live(registration, person)
    (row,) = await registration.fetch("SELECT * FROM data_key WHERE subject_id = $1", returnee_id, keys=True)
    key = registration.vault.master.unwrap(row["wrapped"], subject_id=returnee_id)
    before = opened(key, await dump(registration.url))
    for part in ("returnee.given_names", "safe_contact.address", "consent.data_described", "doubtful_part.value"):
        assert any(one.startswith(part) for one in before), f"the attack finds {part} while the person is not erased"
    (known,) = await registration.fetch("SELECT case_code FROM returnee WHERE id = $1", returnee_id)

    assert (await registration.post(f"/v1/returnees/{returnee_id}/erasure")).status_code == 200

    ours, theirs = await dump(registration.url), await dump(registration.keys_url)
    assert opened(key, ours) == []
    everything = {name: [str(dict(row)).lower() for row in rows] for name, rows in (ours | theirs).items()}
    for word in person.spellings():
        telling = [name for name, rows in everything.items() if any(word in row for row in rows)]
        assert telling == [], (word, telling)
    tables = {name for name, rows in everything.items() if any(known["case_code"].lower() in row for row in rows)}
    assert tables <= {"outbox", "outbox_sent", "spent_case_code", "deletion_request"}, "until the packet is deleted"
    (left,) = [row for row in ours["returnee"] if row["id"] == returnee_id]
    assert (left["destination"], left["languages"], left["access_needs"]) == ("GT01", [], [])
    assert left["arrived_at"] == person.arrived_at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    told_by_the_id = datetime.fromtimestamp((returnee_id.int >> 80) / 1000, UTC)
    assert (told_by_the_id.hour, told_by_the_id.minute, told_by_the_id.second) == (0, 0, 0)


async def test_no_guess_can_be_tried_out_once_the_arrival_cannot_come_again(registration):
    person = Marked()
    returnee_id = await live(registration, person)
    master = registration.vault.master
    arrival_key = master.blind("arrival", person.source, person.reference)
    (need,) = await registration.fetch("SELECT need_key FROM need WHERE returnee_id = $1", returnee_id)
    tokens = set(index_tokens(master, person.arrival().identity))
    # Others on this database may have a name or a birth date of theirs.
    others = await registration.fetch("SELECT search_index FROM returnee WHERE id <> $1", returnee_id)
    tokens -= {token for other in others for token in other["search_index"] or ()}
    assert tokens
    await registration.post(f"/v1/returnees/{returnee_id}/erasure")
    guesses = {arrival_key, need["need_key"]}

    async def found() -> set[tuple[str, str]]:
        tables = await dump(registration.url) | await dump(registration.keys_url)
        hits = set()
        for name, rows in tables.items():
            for row in rows:
                for column, value in row.items():
                    numbers = {one for one in value if isinstance(one, int)} if isinstance(value, list) else set()
                    if guesses & set(bytes_in(value)) or tokens & numbers:
                        hits.add((name, column))
        return hits

    assert await found() == {("erasure", "arrival_key"), ("erased_subject", "arrival_key")}
    older, month = "SET erased_at = erased_at - $2::interval WHERE", timedelta(days=31)
    await registration.fetch(f"UPDATE erasure {older} returnee_id = $1", returnee_id, month)
    await registration.fetch(f"UPDATE erased_subject {older} subject_id = $1", returnee_id, month, keys=True)
    async with registration.database.transaction() as session:
        await let_arrival_keys_age_out(session, registration.vault)
    assert await found() == set()


@pytest.mark.parametrize("days", [0, 31])
async def test_arrivals_read_again_from_the_log_register_no_erased_person(registration, days):
    """A rewound position, or a topic published again: the inbox knows nothing, as after a month."""
    person = Marked()
    returnee_id = await live(registration, person)
    await registration.post(f"/v1/returnees/{returnee_id}/erasure")
    if days:  # by then the arrival is known by its id alone
        await registration.fetch("UPDATE erasure SET arrival_key = NULL WHERE returnee_id = $1", returnee_id)
    people = await registration.fetch("SELECT count(*) FROM returnee")
    await registration.hear(person.announcement(), source=person.source)
    await registration.hear(person.arrival(), source=person.source)
    if not days:
        other_names = person.arrival(identity=person.identity | {"given_names": f"{person.mark} Eva"})
        await registration.hear(other_names, source=person.source)
    assert await registration.fetch("SELECT count(*) FROM returnee") == people
    everything = json.dumps([str(dict(row)) for rows in (await dump(registration.url)).values() for row in rows])
    assert person.mark not in everything.replace(person.flight, "")
    found = await registration.post("/v1/returnees/search", {"names": person.identity["family_names"]})
    assert found.json()["items"] == []


async def test_a_restore_from_before_the_arrival_does_not_bring_the_person_back(registration):
    person = Marked()
    returnee_id = await live(registration, person)
    await registration.post(f"/v1/returnees/{returnee_id}/erasure")
    await registration.fetch("DELETE FROM erasure WHERE returnee_id = $1", returnee_id)
    async with registration.database.transaction() as session:
        await replay_erasures(session, pack=registration.pack, vault=registration.vault)
    (kept,) = await registration.fetch("SELECT arrival_key FROM erasure WHERE returnee_id = $1", returnee_id)
    assert kept["arrival_key"] == registration.vault.master.blind("arrival", person.source, person.reference)


async def test_nobody_else_is_given_the_case_code_of_an_erased_person(registration):
    person = await registration.register()
    await registration.post(f"/v1/returnees/{person['id']}/erasure")
    spent = await registration.fetch("SELECT case_code FROM spent_case_code")
    assert person["case_code"] in {row["case_code"] for row in spent}
    drawn = [uuid4() for _ in range(3)]
    async with registration.database.transaction() as session:
        first = await fresh_case_codes(session, drawn, country="GT", master=registration.vault.master)
        await (await raw(session)).executemany("INSERT INTO spent_case_code VALUES ($1)", [(one,) for one in first])
        again = await fresh_case_codes(session, drawn, country="GT", master=registration.vault.master)
    assert not set(first) & set(again)


async def test_a_manifest_that_has_aged_out_cannot_be_searched(registration):
    person = Marked()
    await registration.hear(person.announcement(), source=person.source)
    (batch,) = await registration.fetch("SELECT id FROM arrival_batch WHERE source = $1", person.source)
    await registration.fetch("UPDATE arrival_batch SET manifest_until = now() WHERE id = $1", batch["id"])
    async with registration.database.transaction() as session:
        assert await let_manifests_age_out(session, vault=registration.vault, limit=1000) >= 1
    rows = await registration.fetch("SELECT * FROM manifest_entry WHERE arrival_batch_id = $1", batch["id"])
    assert [list(bytes_in(list(row.values()))) for row in rows] == [[]]
