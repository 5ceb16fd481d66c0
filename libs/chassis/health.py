"""The probes of a process: which of its parts are not ready, and why.

`/livez`: the process answers. `/readyz`: it can serve requests. `/workz`: all its parts work, also those without API.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Response
from pydantic import BaseModel

Check = Callable[[], Awaitable[None]]
_LONGEST_SECONDS = 2.0
_KEPT_SECONDS = 1.0


class Unready(Exception):  # noqa: N818 (a state)
    """A part is not ready; the text gives the reason and contains nothing confidential."""


class PartHealth(BaseModel):
    """Whether one part is ready, and why not."""

    ready: bool
    why: str | None = None


class Readiness(BaseModel):
    """Whether the process is ready for the purpose of the probe, with the state of every part."""

    ready: bool
    parts: dict[str, PartHealth]


class Health:
    """Runs the checks of a process in parallel, each for at most 2 seconds; results are cached for 1 second.

    `for_requests` are the parts without which the API cannot answer. `behind` are all others, such as loops: in a
    process with an API they do not affect `/readyz`, because sending its requests to another process would not help.
    """

    def __init__(
        self, for_requests: Mapping[str, Check], behind: Mapping[str, Check] | None = None, *, has_api: bool = True
    ) -> None:
        self._checks = {**for_requests, **(behind or {})}
        self._counted = frozenset(for_requests) if has_api else frozenset(self._checks)
        self._lock = asyncio.Lock()
        self._parts: dict[str, PartHealth] = {}
        self._answered_at = float("-inf")
        self.draining = False
        """Set when the process was told to stop: it is no longer ready."""

    async def readiness(self) -> Readiness:
        """Whether the process can serve requests; without an API, whether its parts work. Lists every part."""
        parts = await self._judged()
        counted = self._counted if not self.draining else parts.keys()
        return Readiness(ready=all(parts[name].ready for name in counted), parts=parts)

    async def work(self) -> Readiness:
        """Whether every part is ready."""
        parts = await self._judged()
        return Readiness(ready=all(part.ready for part in parts.values()), parts=parts)

    async def _judged(self) -> dict[str, PartHealth]:
        if self.draining:
            return {"process": PartHealth(ready=False, why="stopping")}
        async with self._lock:
            if time.monotonic() - self._answered_at > _KEPT_SECONDS:
                parts = await asyncio.gather(*(_judge(check) for check in self._checks.values()))
                self._parts = dict(zip(self._checks, parts, strict=True))
                self._answered_at = time.monotonic()
            return self._parts

    def router(self) -> APIRouter:
        """The three routes; they need no token and contain no personal data."""
        router = APIRouter(include_in_schema=False)

        @router.get("/livez")
        async def livez() -> dict[str, str]:
            return {"status": "alive"}

        @router.get("/readyz")
        async def readyz(response: Response) -> Readiness:
            return _answered(response, await self.readiness())

        @router.get("/workz")
        async def workz(response: Response) -> Readiness:
            return _answered(response, await self.work())

        return router


def _answered(response: Response, readiness: Readiness) -> Readiness:
    response.status_code = 200 if readiness.ready else 503
    response.headers["Cache-Control"] = "no-store"
    return readiness


def check_of(why_unready: Callable[[], str | None]) -> Check:
    """A check for a part that returns None while it is ready, otherwise the reason in one sentence."""

    async def check() -> None:
        why = why_unready()
        if why is not None:
            raise Unready(why)

    return check


async def _judge(check: Check) -> PartHealth:
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            await check()
    except Unready as unready:
        return PartHealth(ready=False, why=str(unready))
    except TimeoutError:
        return PartHealth(ready=False, why=f"no answer within {_LONGEST_SECONDS:g} seconds")
    except Exception as error:  # if a check raises, the part is not ready; the text of the error may be confidential
        return PartHealth(ready=False, why=type(error).__name__)
    return PartHealth(ready=True)
