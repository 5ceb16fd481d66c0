"""The operators' hands, as they are typed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from typer.testing import CliRunner

from libs.events.__main__ import cli
from tests.events.bus import Bus, running, until


async def typed(*arguments: str) -> tuple[int, str, str]:
    """Exit code, output and error output of `python -m libs.events ...`, run in a thread: it has a loop of its own."""
    result = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


async def lines(*arguments: str) -> list[dict[str, Any]]:
    code, out, err = await typed(*arguments, "--json")
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()]


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
        assert (await typed("parked", "discard", first, *database, "--reason", "sent by mistake"))[0] == 0
        (key,) = await lines("parked", "list", *database)
        assert (await typed("parked", "retry", str(key["first"]), *database, "--reason", "go on"))[0] == 0
        await until(_empty(bus))
    assert [number for _, _, number in await bus.effects()] == [0, 2]
    code, _, err = await typed("parked", "show", first, *database)
    assert (code, err.strip()) == (1, f"no parked event {first}")


def _empty(bus: Bus) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return not await bus.fetch("SELECT 1 FROM parked_key")

    return condition


async def test_topics_are_made_and_checked(kafka_bootstrap: str) -> None:
    brokers = ("--bootstrap-servers", kafka_bootstrap)
    assert (await typed("topics", "ensure", *brokers))[:2] == (0, "8 topics are as declared\n")
    assert (await typed("topics", "check", *brokers))[:2] == (0, "8 topics are as declared\n")
