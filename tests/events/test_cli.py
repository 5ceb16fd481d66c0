"""The operators' hands, as they are typed."""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner

from libs.events.__main__ import cli
from libs.events.catalogue import CATALOGUE
from libs.events.signing import Signer
from libs.events.tables import _SINCE, create_tables
from libs.events.trusted_keys import keys_of
from tests.events.bus import Bus, event_headers, running, until
from tests.infra import PostgresForTests, apart

Make = Callable[..., Awaitable[Bus]]
NOWHERE = ("--database", "postgresql://nobody:secret-word@127.0.0.1:9/none")
CANARY = "CANARY-of-a-person"


async def typed(*arguments: str) -> tuple[int, str, str]:
    """Exit code, output and error output of `python -m libs.events ...`, run in a thread: it has a loop of its own."""
    result = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


async def lines(*arguments: str, code: int = 0) -> list[dict[str, Any]]:
    found, out, err = await typed(*arguments, "--json")
    assert found == code, err
    return [json.loads(line) for line in out.splitlines()]


def empty(bus: Bus, table: str) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return not await bus.fetch(f"SELECT 1 FROM {table}")

    return condition


async def test_an_operator_sees_lag_outbox_and_parked_events_and_retries_or_discards_them(bus: Bus) -> None:
    database = ("--database", bus.dsn)
    await bus.append(*(bus.counted(name="a", number=number) for number in range(3)))
    (pending,) = await lines("outbox", *database)
    assert (pending["topic"], pending["pending"]) == (bus.topic.name, 3)
    async with running(bus.relay(), bus.consumer(bus.subscriptions(poison=lambda event: event.number == 1))):  # type: ignore[attr-defined]

        async def parked() -> bool:
            return len(await bus.fetch("SELECT 1 FROM parked")) == 2

        await until(parked)
        lag = await lines("lag", *database, "--bootstrap-servers", bus.bootstrap)
        assert {line["lag"] for line in lag} == {0}
        assert sum(line["position"] for line in lag) == 3
        (key,) = await lines("parked", "list", *database)
        assert (key["key"], key["events"], key["reason"]) == ("a", 2, "handler")
        first = str(key["first"])
        (event,) = await lines("parked", "show", first, *database)
        assert json.loads(event["content"]) == {"name": "a", "number": 1}
        by = ("--operator", "ana", "--reason")
        assert (await typed("parked", "discard", first, *database, *by, "sent by mistake"))[0] == 0
        assert await lines("parked", "retry", "--all", *database, *by, "go on") == [{"keys": 1}]
        await until(empty(bus, "parked_key"))
    assert [number for _, _, number in await bus.effects()] == [0, 2]
    code, _, err = await typed("parked", "show", first, *database)
    assert (code, err.strip()) == (1, f"no parked event {first}")
    newest, oldest = await lines("audit", *database)
    assert (newest["action"], newest["operator"], newest["reason"]) == ("parked.retry", "ana", "go on")
    assert (oldest["action"], oldest["subject"]["event_id"]) == ("parked.discard", event["event_id"])
    assert await lines("audit", *database, "--since", "2100-01-01") == []


CHANGES = [
    ("parked", "retry", "1"),
    ("parked", "discard", "1"),
    ("relay", "hold"),
    ("relay", "release"),
    ("republish", "--since", "2026-11-01"),
    ("position", "reset", "--group", "g", "--topic", "t", "--all", "--to-start", "--bootstrap-servers", "127.0.0.1:9"),
    ("replay", "--service", "a:b", "--topic", "t", "--bootstrap-servers", "127.0.0.1:9"),
]


@pytest.mark.parametrize("change", CHANGES, ids=[" ".join(change[:2]) for change in CHANGES])
@pytest.mark.parametrize("words", [(), ("--reason", " "), ("--reason", "why", "--operator", "")])
async def test_every_change_by_hand_asks_for_a_reason_and_a_name(
    change: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """Without the callbacks of the options an empty reason is stored."""
    database = () if change[0] == "replay" else NOWHERE
    assert (await typed(*change, *database, *words))[0] == 2


async def test_a_change_is_noted_with_the_name_of_who_is_logged_in_unless_another_is_given(bus: Bus) -> None:
    database = ("--database", bus.dsn)
    assert (await typed("relay", "hold", *database, "--reason", "a look"))[0] == 0
    (state,) = await lines("relay", "show", *database)
    assert state["held_by"] == getpass.getuser()
    assert (await typed("relay", "release", *database, "--reason", "seen", "--operator", "ana"))[0] == 0
    assert [note["operator"] for note in await lines("audit", *database)] == ["ana", getpass.getuser()]
    assert (await typed("relay", "release", *database, "--reason", "again"))[::2] == (1, "the relay is not held\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("outbox", *NOWHERE), "a server can't be reached: ConnectionRefusedError"),
        (("topics", "check", "--bootstrap-servers", "127.0.0.1:9"), "Kafka can't be asked: KafkaConnectionError"),
    ],
)
async def test_a_server_that_is_away_is_told_in_one_line_without_secrets(
    arguments: tuple[str, ...], words: str
) -> None:
    code, out, err = await typed(*arguments)
    assert (code, out, err.strip()) == (1, "", words)


async def test_a_database_without_event_tables_is_told_in_one_line(postgres_server: PostgresForTests) -> None:
    code, _, err = await typed("outbox", "--database", postgres_server.new_database("bare"))
    assert (code, err.strip()) == (1, "the database lacks tables of the event bus: run the service's migrations")


async def test_topics_are_made_and_checked(kafka_bootstrap: str) -> None:
    brokers = ("--bootstrap-servers", kafka_bootstrap)
    assert (await typed("topics", "ensure", *brokers))[:2] == (0, "11 topics are as declared\n")
    assert (await typed("topics", "check", *brokers))[:2] == (0, "11 topics are as declared\n")
    assert await lines("topics", "check", *brokers) == [{"topics": 11, "faults": []}]


async def test_the_catalogue_lists_every_event_type() -> None:
    entries = await lines("catalogue")
    assert {(entry["topic"], entry["type"]) for entry in entries} == set(CATALOGUE)
    (capacity,) = [entry for entry in entries if entry["type"] == "capacity.declared.v1"]
    assert (capacity["key"], capacity["version"], capacity["compacted"]) == ("provider_service_id", 1, True)
    assert {"provider_service_id", "pools", "as_of"} <= capacity["fields"].keys()
    assert capacity["fields"]["provider_service_id"] == "uuid.UUID"
    shown = (await typed("catalogue"))[1]
    assert "".join("".join(line.split("│")[2].split()) for line in shown.splitlines() if "│" in line).startswith(
        "".join(entry["type"] for entry in entries)
    )


async def test_positions_are_shown_and_moved(bus: Bus) -> None:
    where = ("--database", bus.dsn, "--bootstrap-servers", bus.bootstrap)
    which = ("--group", bus.group, "--topic", bus.topic.name)
    await bus.append(*(bus.counted(name="a", number=number) for number in range(3)))
    async with running(bus.relay(), bus.consumer()):

        async def handled() -> bool:
            return len(await bus.effects()) == 3

        await until(handled)
    rows = await lines("position", "show", *where)
    assert sum(row["position"] for row in rows) == sum(row["end"] for row in rows) == 3
    (row,) = [row for row in rows if row["position"]]
    one = (*where, *which, "--partition", str(row["partition"]))
    (tried,) = await lines("position", "reset", *one, "--to-start", "--dry-run")
    assert (tried["before"], tried["after"], tried["again"]) == (3, 0, 3)
    code, out, _ = await typed("position", "reset", *one, "--to-offset", "1", "--reason", "to see it again")
    assert code == 0
    assert "2 records are read again: the inbox discards those that it knows." in " ".join(out.split())
    code, _, err = await typed("position", "reset", *one, "--to-end", "--reason", "no")
    assert (code, err.strip()) == (1, "2 records would never be processed; use --skip if this is intended")
    await bus.fetch("UPDATE consumer_position SET next_offset = 9 WHERE partition = $1", row["partition"])
    rows = await lines("position", "show", *where, code=1)
    assert [row["stopped"] for row in rows if row["stopped"]] == [
        "the log was cut: it ends at 3 and position 9 was handled already"
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("--all",),
        ("--to-start",),
        ("--all", "--partition", "1", "--to-start"),
        ("--all", "--to-start", "--to-end"),
        ("--all", "--to-offset", "3"),
    ],
)
async def test_a_reset_that_does_not_say_which_or_whereto_is_wrong_usage(words: tuple[str, ...]) -> None:
    brokers = ("--bootstrap-servers", "127.0.0.1:9")
    which = ("--group", "g", "--topic", "t", "--reason", "why")
    assert (await typed("position", "reset", *NOWHERE, *brokers, *which, *words))[0] == 2


async def test_events_are_counted_and_published_again(bus: Bus) -> None:
    database = ("--database", bus.dsn)
    async with running(bus.relay()):
        await bus.append(*(bus.counted(name=key, number=1) for key in "abc"))
        await until(empty(bus, "outbox"))
        since = ("--since", "2000-01-01T00:00:00Z")
        (chosen,) = await lines("republish", *database, *since, "--dry-run")
        assert (chosen["topic"], chosen["events"]) == (bus.topic.name, 3)
        assert await lines("republish", *database, *since, "--reason", "lost") == [{"events": 3}]
        await until(empty(bus, "outbox"))
    assert (await typed("republish", *database, "--since", "yesterday", "--dry-run"))[0] == 2
    assert len(await bus.records()) == 6


async def test_what_is_parked_of_a_topic_with_identity_data_stays_sealed(make_bus: Make) -> None:
    """With the key itself instead of its digest, or with the content unsealed, the canary is shown."""
    bus = await make_bus(partitions=1, foreign=True, personal=True)
    async with bus.producer() as producer:
        for body in (json.dumps({"name": CANARY, "number": CANARY}).encode(), CANARY.encode()):
            headers = event_headers(bus.counted.type)
            await producer.send_and_wait(bus.topic.name, body, key=CANARY.encode(), headers=headers)
    async with running(bus.consumer(seal=lambda content: content[::-1], unseal=lambda content: content[::-1])):

        async def parked() -> bool:
            return len(await bus.fetch("SELECT 1 FROM parked")) == 2

        await until(parked)
    database = ("--database", bus.dsn)
    key, _ = await lines("parked", "list", *database)
    (event,) = await lines("parked", "show", str(key["first"]), *database)
    assert event["content"] == "sealed"
    assert len(bytes.fromhex(key["key"])) == 16
    assert (await typed("parked", "retry", str(key["first"]), *database, "--reason", "mended"))[0] == 0
    for shown in (
        await typed("parked", "list", *database),
        await typed("parked", "show", str(key["first"]), *database),
        await typed("audit", *database),
    ):
        assert CANARY not in shown[1]
        assert CANARY.encode().hex() not in shown[1]


async def test_tables_of_an_older_version_become_those_of_this_one(postgres_server: PostgresForTests) -> None:
    """Without one of the statements in `tables._SINCE` a column is missing."""
    made: list[str] = []

    class Recorder:
        def execute(self, sqltext: str) -> None:
            made.append(sqltext)

    create_tables(Recorder())
    older = [statement for statement in made if statement not in _SINCE]
    assert await _columns(postgres_server, made) == await _columns(postgres_server, [*older, *_SINCE, *_SINCE])
    assert await _columns(postgres_server, made) != await _columns(postgres_server, older)


async def _columns(server: PostgresForTests, statements: list[str]) -> list[tuple[Any, ...]]:
    async def look() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(server.new_database("tables"))
        try:
            for statement in statements:
                await connection.execute(statement)
            return [
                tuple(row)
                for row in await connection.fetch(
                    "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns"
                    " WHERE table_schema = 'public' ORDER BY 1, 2"
                )
            ]
        finally:
            await connection.close()

    return await asyncio.to_thread(apart, look())


def test_a_new_signing_key_is_private_and_its_public_half_is_printed(tmp_path: Path) -> None:
    out = tmp_path / "key.pem"
    said = CliRunner().invoke(cli, ["signing-key", "new", "--service", "referral", "--out", str(out)])
    assert said.exit_code == 0
    (key,) = keys_of(json.dumps({"keys": [json.loads(said.stdout)]}))
    assert Signer.from_file(out, "referral").key_id == key
    assert out.stat().st_mode & 0o777 == 0o600
    again = CliRunner().invoke(cli, ["signing-key", "new", "--service", "referral", "--out", str(out)])
    assert again.exit_code == 1
    assert CliRunner().invoke(cli, ["signing-key", "new", "--service", "x", "--out", str(out)]).exit_code == 2
