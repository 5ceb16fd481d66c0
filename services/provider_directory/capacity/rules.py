"""What a declaration of capacity must obey, and how far a provider's figures are trusted. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from services.provider_directory.errors import StaleDeclaration

TRUST_DECLARATIONS: Final = 20
"""Trust looks at this many of a service's latest declarations."""

TRUST_PRIOR: Final = 4
"""Right figures that a newcomer is credited with, so that a first mistake does not end all trust."""


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
    """As of when the declaration counts: never after `now`, and without a time of its own never before the last one.

    Raises `StaleDeclaration` if it is older than the one that stands.
    """
    if as_of is None:
        return max(now, standing or now)
    counted = min(as_of, now)
    if standing is not None and counted < standing:
        raise StaleDeclaration(as_of=standing.isoformat())
    return counted


def repeated(pool_ids: Sequence[UUID]) -> list[int]:
    """The positions at which an id appears that an earlier position has already."""
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
    """True if nothing new is said: the same figures as of the same moment. A later moment confirms them anew."""
    return as_of == standing_as_of and sorted(pools, key=_by_id) == sorted(standing, key=_by_id)


def _by_id(pool: Pool) -> UUID:
    return pool.pool_id


def is_proved_wrong(*, declined_at: datetime, as_of: datetime) -> bool:
    """True if a refusal as full speaks about these figures: it came when they stood already."""
    return declined_at >= as_of


def trust(*, declarations_count: int, wrong_count: int) -> float:
    """How far the figures are trusted, in (0, 1]: the share of declarations that no refusal as full proved wrong."""
    return (declarations_count - wrong_count + TRUST_PRIOR) / (declarations_count + TRUST_PRIOR)
