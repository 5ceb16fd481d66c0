"""The example of the bus's README does what it says."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import libs.events
from libs.events.postgres import raw
from libs.events.topics import Topic, ensure_topics
from tests.events.bus import Bus, until

IMPORTS = """
import asyncio
from collections.abc import Sequence
from typing import ClassVar
from sqlmodel.ext.asyncio.session import AsyncSession
from libs.events.consumer import Consumer
from libs.events.event import Event, Received
from libs.events.outbox import append
from libs.events.postgres import Transaction, raw
from libs.events.relay import Relay
from libs.events.subscriptions import Subscriptions
"""


PAGE = Path(libs.events.__path__[0], "README.md")


async def test_the_example_runs(bus: Bus) -> None:
    page = await asyncio.to_thread(PAGE.read_text)
    example = page.split("```python\n")[1].split("```")[0]
    assert len(example.splitlines()) <= 25
    topic = f"{bus.topic.name}-greetings"
    example = example.replace('"greetings"', f'"{topic}"').replace('"archive"', f'"{bus.group}"')
    names: dict[str, Any] = {}
    exec(IMPORTS + example.replace("INTO greeting", "INTO thing"), names)
    await ensure_topics(bus.bootstrap, [Topic(topic, partitions=2)])
    async with bus.database.transaction() as session:
        await (await raw(session)).execute("CREATE TABLE thing (name text)")
    stop = asyncio.Event()
    running = asyncio.create_task(names["main"](bus.dsn, bus.bootstrap, bus.database.transaction, stop))

    async def there() -> bool:
        return [row["name"] for row in await bus.fetch("SELECT name FROM thing")] == ["Ana"]

    await until(there)
    stop.set()
    await asyncio.wait_for(running, 300)
