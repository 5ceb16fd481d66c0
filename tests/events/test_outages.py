"""The broker goes away and comes back; the bus has a node of its own for that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.local import kafka
from deploy.local.processes import Family, free_port
from libs.events.topics import Topic, ensure_topics
from tests.events.bus import Bus, database_for, running, until
from tests.events.conftest import Databases


@asynccontextmanager
async def node(state: Path, *, port: int, controller_port: int) -> AsyncIterator[Family]:
    """A broker of this test's own; leave the block to kill it."""
    family = Family()
    try:
        await kafka.start(
            state, family=family, log=state.parent / "kafka.log", port=port, controller_port=controller_port
        )
        yield family
    finally:
        await asyncio.to_thread(family.close)


@pytest.mark.timeout(240)
async def test_while_the_broker_is_away_the_outbox_grows_and_drains_in_order_afterwards(
    event_databases: Databases, tmp_path: Path
) -> None:
    """R5. Without bounded waits the relay hangs in its first send."""
    port, controller_port = free_port(), free_port()
    ports = {"port": port, "controller_port": controller_port}
    dsn = event_databases.take()
    bus = Bus(dsn, f"127.0.0.1:{port}", Topic("test-outage", partitions=3), database_for(dsn))

    async def effects(count: int) -> bool:
        return len(await bus.effects()) >= count

    async with node(tmp_path / "kafka", **ports):
        await ensure_topics(bus.bootstrap, [bus.topic])
        relay, consumer = bus.relay(), bus.consumer()
        loops = running(relay, consumer)
        await loops.__aenter__()
        await bus.append(*(bus.counted(name=f"k{key}", number=0) for key in range(10)))
        await until(lambda: effects(10), seconds=60)
    for number in range(1, 20):
        await bus.append(*(bus.counted(name=f"k{key}", number=number) for key in range(10)))
    assert len(await bus.fetch("SELECT 1 FROM outbox")) == 190
    async with node(tmp_path / "kafka", **ports):
        await until(lambda: effects(200), seconds=90)
        await loops.__aexit__(None, None, None)
    found = await bus.effects()
    assert len(found) == 200
    for key in range(10):
        assert [number for name, _, number in found if name == f"k{key}"] == list(range(20))
    await bus.database.close()
    await event_databases.give_back(dsn)
