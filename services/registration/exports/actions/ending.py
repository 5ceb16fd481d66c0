"""Delete what is stored of exports that have ended."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from services.registration.exports.rules import DECIDE_WITHIN
from services.registration.retention.actions import count_gone
from services.registration.retention.rules import Gone

_FORGET = """
    UPDATE people_export SET reason_sealed = NULL WHERE id IN (
        SELECT id FROM people_export
        WHERE reason_sealed IS NOT NULL AND (ends_at <= $1 OR decision = 'rejected'
            OR (decision IS NULL AND asked_at <= $2))
        ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
"""


async def forget_reasons(session: AsyncSession, /, *, limit: int) -> int:
    """Delete the reasons of up to `limit` exports that have ended, lapsed or been rejected; return how many. Criteria,
    decisions and downloads stay, because they prove what was done."""
    at: datetime = now(session)
    status = await (await raw(session)).execute(_FORGET, at, at - DECIDE_WITHIN, limit)
    count = int(status.rsplit(" ", 1)[-1])
    await count_gone(session, Gone.EXPORT_REASONS, count)
    return count
