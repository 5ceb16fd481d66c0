"""The report of what has gone."""

from datetime import date

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from services.registration.retention.rules import Clock

_GONE = """
    SELECT kind, sum(gone_count)::bigint AS gone, sum(runs_count)::bigint AS runs
    FROM retention_day WHERE day BETWEEN $1 AND $2 GROUP BY kind
"""


async def report(
    session: AsyncSession, clocks: list[Clock], *, since: date, until: date
) -> list[dict[str, str | int | None]]:
    """One line for each kind of data: its end, and how much of it went from the first to the last day, both
    included. Kinds that are not counted have no number."""
    rows = {row["kind"]: row for row in await (await raw(session)).fetch(_GONE, since, until)}
    lines: list[dict[str, str | int | None]] = []
    for clock in clocks:
        found, is_counted = rows.get(clock.counted_as or ""), clock.counted_as is not None
        none = 0 if is_counted else None
        lines.append(
            {
                "data": clock.data,
                "ends": clock.ends,
                "days": clock.days,
                "counted_as": clock.counted_as,
                "gone": none if found is None else found["gone"],
                "runs": none if found is None else found["runs"],
            }
        )
    return lines
