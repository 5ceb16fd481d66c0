"""Refusals of access are counted and logged, with the verified client, the operation and the reason. What the caller
sent is never logged. A digest of client and subject tells the people of one client apart; the subject itself is not
logged, because it can be a name.

Many refusals cannot fill the disk. For each reason and caller (or peer) a few lines per minute are written, and the
next line contains the number of suppressed ones. The number of lines per minute of a process is limited too.
"""

import time
from collections.abc import Callable

from fastapi import Request
from opentelemetry import metrics

from libs.chassis.errors import Refusal
from libs.chassis.logs import get_logger

LINES_OF_ONE_A_MINUTE = 3
LINES_A_MINUTE = 120
_KNOWN_MAX = 4_096
_MINUTE_SECONDS = 60.0

log = get_logger(__name__, fields=("client_id", "caller", "held_back"))
_refused = metrics.get_meter("enlace").create_counter(
    "access.refused", "{refusal}", "Refusals of access, by operation and reason."
)


class Sampler:
    """Decides which refusals are logged, and counts the suppressed ones; uses limited memory."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._began = now()
        self._lines = 0
        self._seen: dict[tuple[str, str], int] = {}
        self._held_back = 0

    def shown(self, reason: str, who: str) -> int | None:
        """The number of refusals suppressed since the last line; None if this one is suppressed too."""
        if self._now() - self._began >= _MINUTE_SECONDS:
            self._began, self._lines = self._now(), 0
            self._seen.clear()
        key = reason, who
        times = self._seen.get(key, 0)
        full = self._lines >= LINES_A_MINUTE or (key not in self._seen and len(self._seen) >= _KNOWN_MAX)
        if not full:
            self._seen[key] = times + 1
        if full or times >= LINES_OF_ONE_A_MINUTE:
            self._held_back += 1
            return None
        self._lines += 1
        held_back, self._held_back = self._held_back, 0
        return held_back


def record(request: Request, refusal: Refusal) -> None:
    """Count a 401, 403 or 429, or a 404 for a known caller; log it if it is not suppressed."""
    client_id: str | None = getattr(request.state, "verified_client", None)
    if refusal.status not in (401, 403, 429) and not (refusal.status == 404 and client_id is not None):
        return
    # The template of the path, never the path itself, which can contain ids.
    operation = str(getattr(request.scope.get("route"), "name", "none"))
    _refused.add(1, {"enlace.operation": operation, "enlace.reason": refusal.code})
    caller: str | None = getattr(request.state, "verified_caller", None)
    peer = caller or (request.client.host if request.client else "")
    sampler: Sampler | None = getattr(request.app.state, "refusals", None)
    if sampler is None:
        sampler = request.app.state.refusals = Sampler()
    held_back = sampler.shown(refusal.code, peer)
    if held_back is not None:
        log.warning(
            "access.refused",
            client_id=client_id,
            caller=caller,
            route=operation,
            code=refusal.code,
            status=refusal.status,
            held_back=held_back,
        )
