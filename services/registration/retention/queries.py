"""The report of what has gone."""

from datetime import date

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.errors import FieldError, InvalidInput
from libs.events.tables import KEEP_DAYS as EVENT_DAYS
from services.registration.pack import Reception
from services.registration.retention.rules import Clock, clocks, is_span
from services.registration.retention.schemas import KindReport, RetentionReport

_GONE = """
    SELECT kind, sum(gone_count)::bigint AS gone, sum(runs_count)::bigint AS runs
    FROM retention_day WHERE day BETWEEN $1 AND $2 GROUP BY kind
"""


def clocks_of(reception: Reception) -> list[Clock]:
    """All kinds of data with their ends in this country."""
    return clocks(
        identity_days=reception.retention.identity_days,
        manifest_days=reception.manifest_days,
        arrival_key_days=reception.retention.arrival_key_days,
        device_days=reception.retention.device_days,
        export_days=reception.retention.export_days,
        safe_contact_days=reception.retention.safe_contact_days,
        event_days=EVENT_DAYS,
    )


async def report(session: AsyncSession, reception: Reception, *, since: date, until: date) -> RetentionReport:
    """Each kind of data: its end, and how much of it went from the first to the last day, both included. Kinds that
    are not counted have no number."""
    if not is_span(since, until):
        raise InvalidInput(errors=[FieldError("to", "not-before-from", "The last day is before the first one.")])
    rows = {row["kind"]: row for row in await (await raw(session)).fetch(_GONE, since, until)}
    lines = []
    for clock in clocks_of(reception):
        found = rows.get(clock.counted_as or "")
        none = None if clock.counted_as is None else 0
        lines.append(
            KindReport(
                data=clock.data,
                ends=clock.ends,
                days=clock.days,
                setting=clock.setting,
                counted_as=clock.counted_as,
                gone=none if found is None else found["gone"],
                runs=none if found is None else found["runs"],
            )
        )
    return RetentionReport(first_day=since, last_day=until, kinds=lines)
