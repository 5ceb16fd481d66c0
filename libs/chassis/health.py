"""`/livez`: this process answers. `/readyz`: which of its parts are ready for work, and why others aren't."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Response
from pydantic import BaseModel

Check = Callable[[], Awaitable[None]]
_LONGEST_SECONDS = 2.0
_KEPT_SECONDS = 1.0


class Unready(Exception):  # noqa: N818 (a state)
    """A part isn't ready; the text says why in words that are safe to show."""


class PartHealth(BaseModel):
    """Whether one part is ready, and why not."""

    ready: bool
    why: str | None = None


class Readiness(BaseModel):
    """Whether all parts are ready."""

    ready: bool
    parts: dict[str, PartHealth]


class Health:
    """Runs the checks of a process side by side, each for 2 seconds at most; an answer is kept for 1 second."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = dict(checks)
        self._lock = asyncio.Lock()
        self._answer: Readiness | None = None
        self._answered_at = float("-inf")
        self.draining = False
        """Set when the process was told to stop: it is no longer ready."""

    async def readiness(self) -> Readiness:
        """The state of every part."""
        if self.draining:
            return Readiness(ready=False, parts={"process": PartHealth(ready=False, why="stopping")})
        async with self._lock:
            if self._answer is None or time.monotonic() - self._answered_at > _KEPT_SECONDS:
                parts = await asyncio.gather(*(_judge(check) for check in self._checks.values()))
                named = dict(zip(self._checks, parts, strict=True))
                self._answer = Readiness(ready=all(part.ready for part in parts), parts=named)
                self._answered_at = time.monotonic()
            return self._answer

    def router(self) -> APIRouter:
        """The two routes; they need no token and tell nothing personal."""
        router = APIRouter(include_in_schema=False)

        @router.get("/livez")
        async def livez() -> dict[str, str]:
            return {"status": "alive"}

        @router.get("/readyz")
        async def readyz(response: Response) -> Readiness:
            readiness = await self.readiness()
            response.status_code = 200 if readiness.ready else 503
            response.headers["Cache-Control"] = "no-store"
            return readiness

        return router


def check_of(why_unready: Callable[[], str | None]) -> Check:
    """A check of a part that says itself, in one sentence, why it isn't ready, and None while it is."""

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
    except Exception as error:  # a check that breaks is a part that isn't ready; its text may tell too much
        return PartHealth(ready=False, why=type(error).__name__)
    return PartHealth(ready=True)
