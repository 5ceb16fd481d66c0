"""Counts what the services get while one person watches Tonight, and while 50 people with equal rights do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.console.browser import Browser, browser
from bench.console.relays import Heard
from bench.console.views import OPERATORS

NOW: Final = "/tonight/now"
EVERY_SECONDS: Final = 10.0
"""How often the page asks again (`templates/tonight/now.html`)."""
MANY: Final = 50
OTHER_ROLE: Final = "network-steward"


@dataclass(frozen=True)
class Watched:
    """Requests that the four services got in equal periods."""

    by_one: int
    by_many: int
    for_other_role: int
    """What the first look of a person with another role costs while the others watch."""

    @property
    def ratio(self) -> float:
        """How many times as much the many cost."""
        return self.by_many / self.by_one


async def watched(console_url: str, heard: Heard, *, turns: int, every: float = EVERY_SECONDS) -> Watched:
    """Watch for `turns` turns of the page, first one person and then MANY, who began at different times."""
    many = [browser(console_url) for _ in range(MANY)]
    other = browser(console_url)
    try:
        for nth, one in enumerate(many):
            await one.sign_in(OPERATORS[nth % len(OPERATORS)])
        await other.sign_in(OTHER_ROLE)
        by_one = await _count(many[:1], heard, turns, every)
        by_many = await _count(many, heard, turns, every)
        await many[0].see(NOW)
        heard.take()
        await other.see(NOW)
        return Watched(by_one, by_many, len(heard.take()))
    finally:
        for one in (*many, other):
            await one.http.aclose()


async def _count(watchers: Sequence[Browser], heard: Heard, turns: int, every: float) -> int:
    """The requests of `turns` turns; one turn before them fills what is kept for longer, such as names."""
    watching = [
        asyncio.create_task(_watch(one, nth * every / len(watchers), turns + 1, every))
        for nth, one in enumerate(watchers)
    ]
    await asyncio.sleep(every * 0.999)
    heard.take()
    await asyncio.sleep(every * turns)
    counted = len(heard.take())
    await asyncio.gather(*watching)
    return counted


async def _watch(one: Browser, after: float, turns: int, every: float) -> None:
    """As a browser does: asks after fixed intervals, however long an answer takes."""
    loop = asyncio.get_running_loop()
    begun = loop.time() + after
    for turn in range(turns):
        await asyncio.sleep(max(0.0, begun + turn * every - loop.time()))
        await one.see(NOW)
