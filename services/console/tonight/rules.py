"""What the numbers of the night mean (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from services.console.charts import Slice

STALE: Final = timedelta(hours=12)
"""A figure of free places that is older than this is marked: people may have come and gone since."""
_BAR: Final = (
    ("met", ("met",)),
    ("accepted", ("accepted", "in_service")),
    ("offered", ("offered",)),
    ("queue", ("waitlisted", "blocked", "awaiting_review")),
    ("desk", ("owned_by_desk",)),
    ("told", ("seeking",)),
)
"""The classes of needs that one part of a bar shows, in the order of the bar."""


@dataclass(frozen=True)
class Batch:
    """A flight or bus with the numbers of both services. Without referral's numbers `needs` is None."""

    arrival: Mapping[str, Any]
    needs: Mapping[str, Any] | None

    @property
    def slices(self) -> Sequence[Slice]:
        """The bar of its needs."""
        if self.needs is None:
            return ()
        return [Slice(self.number(kind), kind) for kind, _ in _BAR]

    def number(self, kind: str) -> int:
        """The number of needs in one part of the bar."""
        assert self.needs is not None
        classes = next(classes for one, classes in _BAR if one == kind)
        return sum(self.needs[name] for name in classes)

    @property
    def of_how_many(self) -> int:
        """How many people are expected: those who landed, otherwise those who were announced."""
        return int(self.arrival["people_count"] or self.arrival["announced"])


def batches(arrivals: Sequence[Mapping[str, Any]], needs: Sequence[Mapping[str, Any]] | None) -> list[Batch]:
    """Each flight and bus with the numbers of its needs."""
    by_id = {} if needs is None else {row["batch_id"]: row for row in needs}
    return [Batch(row, by_id.get(row["batch_id"])) for row in arrivals]


@dataclass(frozen=True)
class ServicePlaces:
    """The places of one service, of all its pools together."""

    provider_service_id: str
    organization_id: str
    category: str
    maximum: int
    taken: int
    held: int
    free: int
    as_of: datetime
    over_committed: bool

    @property
    def slices(self) -> Sequence[Slice]:
        """The bar of its places."""
        return (Slice(self.taken, "taken"), Slice(self.held, "held"), Slice(self.free, "free"))

    def is_stale(self, now: datetime) -> bool:
        """Whether its figure is old."""
        return now - self.as_of > STALE


def places(pools: Sequence[Mapping[str, Any]]) -> list[ServicePlaces]:
    """The places by service, the fullest first. The age of a figure is that of the oldest pool."""
    by_service: dict[str, list[Mapping[str, Any]]] = {}
    for pool in pools:
        if not pool["closed"]:
            by_service.setdefault(pool["provider_service_id"], []).append(pool)
    found = [
        ServicePlaces(
            provider_service_id=service,
            organization_id=rows[0]["organization_id"],
            category=rows[0]["category"],
            maximum=sum(row["maximum"] for row in rows),
            taken=sum(row["taken"] for row in rows),
            held=sum(row["held"] for row in rows),
            free=sum(row["free"] for row in rows),
            as_of=min(datetime.fromisoformat(row["as_of"]) for row in rows),
            over_committed=any(row["over_committed"] for row in rows),
        )
        for service, rows in by_service.items()
    ]
    return sorted(found, key=lambda one: (one.free / max(1, one.maximum), one.category, one.provider_service_id))
