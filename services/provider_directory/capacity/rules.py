"""The rules for declarations of capacity, and the calculation of trust. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from services.provider_directory.errors import StaleDeclaration

TRUST_DECLARATIONS: Final = 20
"""Trust is calculated from this many of a service's latest declarations."""

TRUST_PRIOR: Final = 4
"""Correct declarations that every service is credited with, so that the first wrong one does not end all trust."""


@dataclass(frozen=True, slots=True, order=True)
class Pool:
    """Places of one kind at one service, as declared."""

    pool_id: UUID
    kind: str
    maximum: int
    available: int
    starts_on: date | None = None
    ends_on: date | None = None


def effective_as_of(as_of: datetime | None, *, now: datetime, standing: datetime | None) -> datetime:
    """The effective time of a declaration: its own time, but at most `now`.

    If it has no own time, the result is `now`, or the time of the current declaration if that is later. Raises
    `StaleDeclaration` if its own time is earlier than that of the current declaration.
    """
    if as_of is None:
        return max(now, standing or now)
    counted = min(as_of, now)
    if standing is not None and counted < standing:
        raise StaleDeclaration(as_of=standing.isoformat())
    return counted


def repeated(pool_ids: Sequence[UUID]) -> list[int]:
    """The positions of ids that also appear at an earlier position."""
    seen: set[UUID] = set()
    found = []
    for position, pool_id in enumerate(pool_ids):
        if pool_id in seen:
            found.append(position)
        seen.add(pool_id)
    return found


def says_the_same(
    pools: Iterable[Pool], standing: Iterable[Pool], *, as_of: datetime, standing_as_of: datetime | None
) -> bool:
    """True if the figures and their time are unchanged. The same figures at a later time are a new confirmation."""
    return as_of == standing_as_of and sorted(pools, key=_by_id) == sorted(standing, key=_by_id)


def _by_id(pool: Pool) -> UUID:
    return pool.pool_id


def is_proved_wrong(*, declined_at: datetime, as_of: datetime) -> bool:
    """True if an answer `full` contradicts these figures: it did not come before their time."""
    return declined_at >= as_of


def trust(*, declarations_count: int, wrong_count: int) -> float:
    """The trust in the figures, in (0, 1]: the share of declarations that no answer `full` contradicted."""
    return (declarations_count - wrong_count + TRUST_PRIOR) / (declarations_count + TRUST_PRIOR)
