"""Reads the clocks that are due."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from services.referral.clocks.rules import TimerKind


@dataclass(frozen=True, slots=True)
class Due:
    """A clock that has run out."""

    subject_id: UUID
    kind: TimerKind
    nth: int
    returnee_id: UUID
    due_at: datetime
    traceparent: str | None

    @property
    def key(self) -> tuple[UUID, TimerKind, int]:
        """The primary key of the clock."""
        return self.subject_id, self.kind, self.nth


async def due(session: AsyncSession, *, at: datetime, limit: int, skip: int = 0) -> list[Due]:
    """The clocks that ran out first. They are not locked, so another worker may be firing them."""
    rows = await (await raw(session)).fetch(
        "SELECT subject_id, kind, nth, returnee_id, due_at, traceparent FROM timer WHERE due_at <= $1"
        " ORDER BY due_at LIMIT $2 OFFSET $3",
        at,
        limit,
        skip,
    )
    return [Due(**{**row, "kind": TimerKind(row["kind"])}) for row in rows]
