"""Times of pages beside the times of the API calls that they make, in turns, over many rounds."""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from bench.console.browser import Browser, Request, Stopwatch, browser
from bench.console.relays import Heard
from bench.console.views import View

SHARED_SECONDS: Final = 10.0
"""Longer than the answers of Tonight are kept; names and the taxonomy are kept for a minute."""
RECORDED_SECONDS: Final = 240.0
"""After this time the calls are recorded again, because the tokens in them end after ten minutes."""
BUDGET_SECONDS, LEAST_ROUNDS = 30.0, 7
"""A page is left out of further rounds when it has used this time, but not before so many rounds."""
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Timed:
    """The times of a page and of its calls, in milliseconds. Medians count."""

    pages: list[float] = field(default_factory=list)
    calls: list[list[float]] = field(default_factory=list)
    names: Sequence[str] = ()
    """The calls, in the order of `calls`."""
    at_once: list[float] = field(default_factory=list)
    """All calls side by side, by the measuring client."""

    @property
    def page_ms(self) -> float:
        """The page."""
        return statistics.median(self.pages)

    @property
    def at_once_ms(self) -> float:
        """All calls side by side."""
        return statistics.median(self.at_once)

    @property
    def slowest(self) -> tuple[float, str]:
        """The slowest call and its name."""
        return max((statistics.median(times), name) for times, name in zip(self.calls, self.names, strict=True))

    @property
    def ratio(self) -> float:
        """The page to its slowest call."""
        return self.page_ms / self.slowest[0]

    def add(self, page: float, calls: Sequence[float], at_once: float) -> None:
        """The times of one round."""
        self.pages.append(page)
        self.at_once.append(at_once)
        for times, one in zip(self.calls, calls, strict=True):
            times.append(one)


@dataclass(frozen=True)
class Sides:
    """The sessions at both consoles by person, and what the second one's calls are."""

    direct: Mapping[str, Browser]
    listened: Mapping[str, Browser]
    heard: Heard
    services: Mapping[str, str]
    """The addresses of the services by the word for each."""


async def timed(
    console_url: str, listened_url: str, heard: Heard, services: Mapping[str, str], views: Sequence[View], rounds: int
) -> dict[str, Timed]:
    """Open all pages and make all their calls, `rounds` times after a warm-up."""
    sides = Sides(await _signed_in(console_url, views), await _signed_in(listened_url, views), heard, services)
    found = {view.name: Timed() for view in views}
    calls: Mapping[str, Sequence[Request]] = {}
    watch = Stopwatch()
    try:
        pages = {view.name: await _request(sides.direct[view.subject], view) for view in views}
        recorded_at, budget = float("-inf"), dict.fromkeys(found, BUDGET_SECONDS)
        for number in range(rounds + 1):
            if time.monotonic() - recorded_at > RECORDED_SECONDS:
                calls, recorded_at = await _recorded(sides, views, found), time.monotonic()
            begun = time.monotonic()
            for view in views:
                if budget[view.name] < 0 and number > LEAST_ROUNDS:
                    continue
                started = time.monotonic()
                one = await asyncio.to_thread(_round, watch, pages[view.name], calls[view.name], bool(number % 2))
                budget[view.name] -= time.monotonic() - started
                if number:
                    found[view.name].add(*one)
            await asyncio.sleep(max(0.0, begun + SHARED_SECONDS - time.monotonic()))
    finally:
        watch.close()
        for one_browser in (*sides.direct.values(), *sides.listened.values()):
            await one_browser.http.aclose()
    return found


async def _signed_in(console_url: str, views: Sequence[View]) -> dict[str, Browser]:
    found: dict[str, Browser] = {}
    for subject in dict.fromkeys(view.subject for view in views):
        found[subject] = browser(console_url)
        await found[subject].sign_in(subject)
    return found


async def _request(one: Browser, view: View) -> Request:
    """The request for the page: a GET, or the form on the page as the person sends it."""
    url, headers = f"{one.console_url}{view.path}", one.headers
    if view.form is None:
        return Request("GET", url, headers)
    fields = await one.form_of(view.path, view.form)
    return Request("POST", url, {**headers, **_FORM}, urlencode(fields).encode())


async def _recorded(sides: Sides, views: Sequence[View], found: Mapping[str, Timed]) -> dict[str, Sequence[Request]]:
    """The calls of each page. It is opened twice: at the second time, what is kept for a minute is there."""
    requests = {view.name: await _request(sides.listened[view.subject], view) for view in views}
    for view in views:
        await sides.listened[view.subject].send(requests[view.name])
    await asyncio.sleep(SHARED_SECONDS)
    calls: dict[str, Sequence[Request]] = {}
    for view in views:
        sides.heard.take()
        await sides.listened[view.subject].send(requests[view.name])
        asked = sorted(sides.heard.take(), key=lambda one: (one.service, one.target))
        if not asked:
            raise RuntimeError(f"the page {view.name} makes no call")
        timed, names = found[view.name], [name_of(one.method, one.service, one.target) for one in asked]
        if timed.names and timed.names != names:
            raise RuntimeError(f"the page {view.name} has made other calls than before")
        timed.names, timed.calls = names, timed.calls or [[] for _ in asked]
        calls[view.name] = [
            Request(one.method, f"{sides.services[one.service]}{one.target}", one.headers, one.body) for one in asked
        ]
    return calls


def name_of(method: str, service: str, target: str) -> str:
    """The call without ids and without its query."""
    return f"{method} {service.lower()} {_ID.sub('…', target.partition('?')[0])}"


def _round(
    watch: Stopwatch, page: Request, calls: Sequence[Request], reverse: bool
) -> tuple[float, list[float], float]:
    """One page and its calls, one after the other, in the other order in every second round; then all calls at once."""
    taken = 0.0
    if not reverse:
        taken = watch.milliseconds(page)
    each = [watch.milliseconds(one) for one in calls]
    if reverse:
        taken = watch.milliseconds(page)
    with ThreadPoolExecutor(len(calls)) as threads:
        started = time.perf_counter()
        list(threads.map(watch.milliseconds, calls, range(1, len(calls) + 1)))
        at_once = 1000 * (time.perf_counter() - started)
    return taken, each, at_once
