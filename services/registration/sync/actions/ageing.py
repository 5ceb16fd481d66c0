"""Deletes the results of operations that no device sends again, and the values that lost against a later change."""

from datetime import timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from services.registration.retention.actions import count_gone
from services.registration.retention.rules import Gone
from services.registration.sync.rules import KEEP_DAYS

_OPERATIONS = """
    DELETE FROM sync_operation WHERE (owner, device_id, operation_id) IN (
        SELECT owner, device_id, operation_id FROM sync_operation WHERE done_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
"""
_CONFLICTS = """
    DELETE FROM sync_conflict WHERE id IN (
        SELECT id FROM sync_conflict WHERE resolved_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
"""
_DEVICES = """
    DELETE FROM sync_device WHERE (owner, device_id) IN (
        SELECT owner, device_id FROM sync_device WHERE seen_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
"""
_BY_KIND = {Gone.DEVICE_RESULTS: _OPERATIONS, Gone.SETTLED_CONFLICTS: _CONFLICTS, Gone.SILENT_DEVICES: _DEVICES}


async def let_results_age_out(session: AsyncSession, *, limit: int, days: int = KEEP_DAYS) -> int:
    """Delete up to `limit` rows of each kind that are older than `days`; return the number of rows. A conflict
    that waits for a person is never deleted."""
    before, connection = now(session) - timedelta(days=days), await raw(session)
    total = 0
    for kind, statement in _BY_KIND.items():
        count = int((await connection.execute(statement, before, limit)).rsplit(" ", 1)[-1])
        await count_gone(session, kind, count)
        total += count
    return total
