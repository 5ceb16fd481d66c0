"""Makes 10,000 clocks due at once while people arrive at a steady rate.

Measures how long it takes until all clocks are handled, and how much longer the people who arrive wait for offers.
"""

import asyncio
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from bench.arrivals import NEEDS
from bench.chain import PATIENCE_SECONDS, Running, enlace, measure_chain
from bench.measuring import until, value
from bench.resting import rest
from bench.steady import Steady, measure_steady
from libs.chassis.walls import WORKS_FOR

CLOCKS = 10_000
RATE = 20.0
"""Arrivals per second, before and while the clocks become due."""
QUIET_SECONDS, BUSY_SECONDS = 20.0, 30.0
AFTER_SECONDS = 10.0
"""Seconds after the start of the second stream at which the clocks become due. Its warm-up is then over."""

_STILL_DUE = "SELECT count(*) FROM timer WHERE due_at <= $1"
_RUN_OUT = """
    UPDATE timer SET due_at = clock_timestamp() - interval '1 second'
    WHERE kind = 'offer_expiry' AND subject_id = ANY(SELECT offer_id FROM offer WHERE status = 'pending' LIMIT $1)
"""


async def measure() -> dict[str, Any]:
    """Returns the figures by name and prints one line."""
    with tempfile.TemporaryDirectory(prefix="enlace-bench-") as folder:
        async with enlace(Path(folder) / "clocks") as running:
            return await _clocks(running)


async def _clocks(running: Running) -> dict[str, Any]:
    """Measures a stream without due clocks, then one during which the deadlines of many offers pass at once."""
    pending = "SELECT count(*) FROM offer WHERE status = 'pending'"
    missing = CLOCKS - int(await value(running.url("REFERRAL"), pending))
    if missing > 0:
        await measure_chain(running.side, missing // len(NEEDS) + 1, run="clocks-fill")
    await rest(running)
    quiet = await measure_steady(running.side, run="clocks-quiet", rate=RATE, seconds=QUIET_SECONDS)
    busy_run = asyncio.create_task(measure_steady(running.side, run="clocks-busy", rate=RATE, seconds=BUSY_SECONDS))
    await asyncio.sleep(AFTER_SECONDS)
    seconds, count = await _run_out(running)
    busy: Steady = await busy_run
    print(
        f"clocks: {count:,} due at once decided in {seconds:.1f} s; p99 at {RATE:.0f}/s {quiet.p99_ms:.0f} ms before,"
        f" {busy.p99_ms:.0f} ms meanwhile"
    )
    return {
        "count": count,
        "seconds": round(seconds, 2),
        "quiet_p99_ms": quiet.p99_ms,
        "busy_p99_ms": busy.p99_ms,
        "ratio_p99": round(busy.p99_ms / quiet.p99_ms, 2),
    }


async def _run_out(running: Running) -> tuple[float, int]:
    connection = await asyncpg.connect(running.url("REFERRAL"), server_settings={WORKS_FOR: "service"})
    try:
        changed = int((await connection.execute(_RUN_OUT, CLOCKS)).split()[-1])
        due: datetime = await connection.fetchval("SELECT clock_timestamp()")
        started = time.monotonic()

        async def decided() -> bool:
            return not await connection.fetchval(_STILL_DUE, due)

        await until(decided, what="clocks to be decided", within_s=PATIENCE_SECONDS, every_s=0.1)
        return time.monotonic() - started, changed
    finally:
        await connection.close()
