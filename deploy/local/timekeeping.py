"""The clock of an installation that runs faster than real time: rate and origin, kept so that it never goes back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from deploy.local.keyring import write_private
from libs.chassis.clock import Clock

SCHEDULE: Final = "clock-schedule.json"
"""In the state of an installation whose clock changes its rate while it runs: a demo's or a simulation's."""


def clock_settings(state: Path, rate: float, *, real: datetime | None = None) -> dict[str, str]:
    """The variables of a clock with this rate, continuing the clock that this state directory had.

    `real` is the present (default: now). Raises ValueError for a rate of 1 once the clock has run ahead, and where a
    demo's or a simulation's has run: time would go backwards.
    """
    if (state / SCHEDULE).exists():
        raise ValueError("a demo's or a simulation's clock has run here, ahead of real time; use another directory")
    moment = real or datetime.now(UTC)
    path = state / "clock.json"
    before = _read(path)
    if before is None and rate == 1.0:
        return {}
    clock = _continued(before, rate, moment)
    if clock.origin is None:
        raise ValueError("a clock that runs at another rate has an origin")
    write_private(path, json.dumps({"rate": clock.rate, "origin": clock.origin.isoformat()}))
    return {"ENLACE_CLOCK_RATE": repr(clock.rate), "ENLACE_CLOCK_ORIGIN": clock.origin.isoformat()}


def _continued(before: Clock | None, rate: float, real: datetime) -> Clock:
    if before is None:
        return Clock(rate=rate, origin=real)
    if before.rate == rate:
        return before
    if rate == 1.0:
        raise ValueError("this installation's clock ran ahead of real time; use another state directory for rate 1")
    # The origin at which the new clock shows at this moment what the old one shows: origin + (real - origin) * rate.
    shown = before.at(real)
    return Clock(rate=rate, origin=real + (shown - real) / (1 - rate))


def _read(path: Path) -> Clock | None:
    if not path.exists():
        return None
    stored = json.loads(path.read_text(encoding="utf-8"))
    return Clock(rate=stored["rate"], origin=datetime.fromisoformat(stored["origin"]))
