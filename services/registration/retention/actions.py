"""Counts what goes, in the transaction that deletes it."""

from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from services.registration.retention.rules import Gone
from services.registration.retention.tables import RetentionDay

_TABLE: Final = RetentionDay.__tablename__
_COUNT = f"""
    INSERT INTO {_TABLE} AS kept (day, kind, gone_count, runs_count) VALUES ($1, $2, $3, 1)
    ON CONFLICT (day, kind) DO UPDATE
    SET gone_count = kept.gone_count + excluded.gone_count, runs_count = kept.runs_count + 1
"""  # noqa: S608 (a declared name)


async def count_gone(session: AsyncSession, kind: Gone, count: int) -> None:
    """Add to the number of today. Call it last: the row is locked until the transaction ends."""
    if count:
        await (await raw(session)).execute(_COUNT, now(session).date(), kind.value, count)
