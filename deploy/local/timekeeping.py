"""The clock of an installation that runs faster than real time. Its rate and origin are stored, so that it never goes
back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from deploy.local.keyring import write_private
from libs.chassis.clock import Clock

SCHEDULE: Final = "clock-schedule.json"
"""A file in the state directory of an installation whose clock changes its rate: that of a demo or a simulation."""


def clock_settings(state: Path, rate: float, *, real: datetime | None = None) -> dict[str, str]:
    """The variables of a clock with this rate, which continues the clock that this state directory had.

    `real` is the real time (default: now). Raises ValueError if the time would go back: for a rate of 1 after the clock
    has run ahead, and if a demo's or a simulation's clock has run in this directory.
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
    # The new origin makes the new clock show the same time now as the old clock: origin + (real - origin) * rate.
    shown = before.at(real)
    return Clock(rate=rate, origin=real + (shown - real) / (1 - rate))


def _read(path: Path) -> Clock | None:
    if not path.exists():
        return None
    stored = json.loads(path.read_text(encoding="utf-8"))
    return Clock(rate=stored["rate"], origin=datetime.fromisoformat(stored["origin"]))
