"""Starts and stops clocks, and locks and removes those that are due."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from services.referral.clocks.rules import TimerKind
from services.referral.clocks.tables import TimerRow
from services.referral.database import Columns, insert_columns

_LOCK_DUE = """
SELECT subject_id, kind, nth FROM timer
JOIN unnest($1::uuid[], $2::text[], $3::int[]) AS found(subject_id, kind, nth) USING (subject_id, kind, nth)
WHERE due_at <= $4 ORDER BY subject_id, kind, nth FOR UPDATE OF timer
"""

_DELETE = """
DELETE FROM timer USING unnest($1::uuid[], $2::text[], $3::int[]) AS fired(subject_id, kind, nth)
WHERE timer.subject_id = fired.subject_id AND timer.kind = fired.kind AND timer.nth = fired.nth
"""

Key = tuple[UUID, TimerKind, int]
"""Subject, kind, and the number among the clocks of this kind."""


async def start(session: AsyncSession, timers: Columns) -> None:
    """Start clocks. A clock that already runs for the same subject, kind and number gets the new time."""
    await insert_columns(
        session,
        TimerRow,
        timers,
        on_conflict="ON CONFLICT (subject_id, kind, nth) DO UPDATE SET due_at = excluded.due_at",
    )


async def stop(session: AsyncSession, subject_ids: Collection[UUID]) -> None:
    """Stop every clock of these subjects."""
    if subject_ids:
        await (await raw(session)).execute("DELETE FROM timer WHERE subject_id = ANY($1::uuid[])", sorted(subject_ids))


async def stop_kinds(session: AsyncSession, clocks: Collection[tuple[UUID, TimerKind]]) -> None:
    """Stop the clocks of this kind for each of these subjects. Their other clocks continue."""
    if clocks:
        ordered = sorted(clocks)
        await (await raw(session)).execute(
            "DELETE FROM timer USING unnest($1::uuid[], $2::text[]) AS stopped(subject_id, kind)"
            " WHERE timer.subject_id = stopped.subject_id AND timer.kind = stopped.kind",
            [subject_id for subject_id, _ in ordered],
            [kind.value for _, kind in ordered],
        )


async def still_due(session: AsyncSession, keys: Sequence[Key], *, at: datetime) -> list[Key]:
    """Lock and return those of `keys` that still exist and are due. Their journeys must be locked first (DESIGN 3)."""
    rows = await (await raw(session)).fetch(_LOCK_DUE, *_columns(keys), at)
    return [(row["subject_id"], TimerKind(row["kind"]), row["nth"]) for row in rows]


async def finish(session: AsyncSession, keys: Sequence[Key]) -> None:
    """Remove clocks that have fired."""
    if keys:
        await (await raw(session)).execute(_DELETE, *_columns(keys))


def _columns(keys: Sequence[Key]) -> tuple[list[UUID], list[str], list[int]]:
    return [key[0] for key in keys], [key[1].value for key in keys], [key[2] for key in keys]
