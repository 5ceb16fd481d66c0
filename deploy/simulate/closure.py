"""The figures of the simulation: what happened to every need, read from referral's own tables."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Final

import asyncpg

from libs.chassis.walls import WORKS_FOR

_CATEGORIES: Final = """
WITH asked AS (
    SELECT need_id, count(*) AS offers, min(made_at) AS first_offer,
        min(least(acknowledged_at, CASE WHEN status IN ('accepted', 'declined') THEN ended_at END)) AS first_word,
        min(CASE WHEN status IN ('accepted', 'declined') THEN ended_at END) AS first_answer,
        min(CASE WHEN status = 'accepted' THEN ended_at END) AS accepted_at,
        count(*) FILTER (WHERE status = 'expired') AS expired
    FROM offer GROUP BY need_id
), owned AS (
    SELECT need_id, min(at) AS owned_at FROM step WHERE step = 'need.assign' GROUP BY need_id
), live AS (
    SELECT need_id, status AS referral_status FROM referral WHERE status IN
        ('awaiting_review', 'blocked', 'seeking', 'waitlisted', 'offered', 'accepted', 'in_service')
)
SELECT category, need.status, owner, referral_status, coalesce(offers, 0) AS offers, coalesce(expired, 0) AS expired,
    first_word IS NOT NULL AS heard, first_answer IS NOT NULL AS answered, owned_at IS NOT NULL AS escalated,
    first_offer - reported_at AS to_offer, first_answer - reported_at AS to_answer,
    accepted_at - reported_at AS to_accepted, owned_at - reported_at AS to_owner,
    CASE WHEN need.status = 'met' THEN ended_at - reported_at END AS to_met
FROM need LEFT JOIN asked USING (need_id) LEFT JOIN owned USING (need_id) LEFT JOIN live USING (need_id)
"""

_LATENESS: Final = """
SELECT ended_at - answer_by AS late FROM offer WHERE status = 'expired' ORDER BY 1
"""

TIMES: Final = ("to_offer", "to_answer", "to_accepted", "to_owner", "to_met")
WITH: Final = {
    "accepted": "a provider that accepted",
    "in_service": "a provider at work",
    "offered": "an offer whose clock runs",
    "seeking": "the router, its clock running",
    "waitlisted": "a queue for a place",
    "blocked": "another need of the same person",
    "awaiting_review": "a reviewer",
}


@dataclass
class Category:
    """Counts of the needs of one category. A need counts in every field that is true for it."""

    needs: int = 0
    offers: int = 0
    expired: int = 0
    """Offers whose deadline passed."""
    answered: int = 0
    """Needs for which a provider accepted or declined in time."""
    only_acknowledged: int = 0
    """Needs for which a provider acknowledged an offer, but none accepted or declined."""
    no_response: int = 0
    """Needs that were offered and for which no provider acknowledged or answered."""
    cascaded: int = 0
    """Needs that got more than one offer."""
    escalated: int = 0
    """Needs that a desk owned at some time."""
    met: int = 0
    refused: int = 0
    closed: int = 0
    open: int = 0
    unowned: int = 0
    """Open needs with neither a live referral nor an owner. This number must be 0."""
    open_with: dict[str, int] = field(default_factory=dict)
    """Open needs by who is responsible now: the owner if there is one, otherwise what the live referral waits for."""
    times: dict[str, list[timedelta]] = field(default_factory=lambda: {name: [] for name in TIMES})

    def count(self, row: Mapping[str, Any]) -> None:
        """Count one need."""
        self.needs += 1
        self.offers += row["offers"]
        self.expired += row["expired"]
        self.answered += row["answered"]
        self.only_acknowledged += row["heard"] and not row["answered"]
        self.no_response += row["offers"] > 0 and not row["heard"]
        self.cascaded += row["offers"] > 1
        self.escalated += row["escalated"]
        setattr(self, row["status"], getattr(self, row["status"]) + 1)
        if row["status"] == "open":
            who = row["owner"] or WITH.get(row["referral_status"] or "")
            self.unowned += who is None
            self.open_with[who or "nobody"] = self.open_with.get(who or "nobody", 0) + 1
        for name in TIMES:
            if row[name] is not None:
                self.times[name].append(max(row[name], timedelta()))

    def add(self, other: "Category") -> None:
        """Add the counts of another category."""
        for name, value in vars(other).items():
            if isinstance(value, int):
                setattr(self, name, getattr(self, name) + value)
        for who, number in other.open_with.items():
            self.open_with[who] = self.open_with.get(who, 0) + number
        for name in TIMES:
            self.times[name] += other.times[name]

    def figures(self) -> dict[str, Any]:
        """All counts as JSON; for the times, the median and the 90th percentile in seconds."""
        found = {name: value for name, value in asdict(self).items() if name != "times"}
        found["seconds"] = {
            name: None
            if not times
            else {"median": at(times, 0.5).total_seconds(), "p90": at(times, 0.9).total_seconds()}
            for name, times in self.times.items()
        }
        return found


def at(times: list[timedelta], share: float) -> timedelta:
    """The quantile of `times` for this share."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def closure(database_url: str) -> dict[str, Category]:
    """The counts of each category, in alphabetical order."""
    connection = await asyncpg.connect(database_url, server_settings={WORKS_FOR: "service"})
    try:
        rows = await connection.fetch(_CATEGORIES)
    finally:
        await connection.close()
    found: dict[str, Category] = {}
    for row in rows:
        found.setdefault(row["category"], Category()).count(dict(row))
    return dict(sorted(found.items()))


def total(categories: Mapping[str, Category]) -> Category:
    """The counts of all categories together."""
    whole = Category()
    for one in categories.values():
        whole.add(one)
    return whole


def by_stage(
    categories: Mapping[str, Category], stage_of: Mapping[str, int], names: Mapping[int, str]
) -> dict[str, Category]:
    """The counts of the stages of the referral mechanism, in their order, by number and name."""
    found: dict[int, Category] = {}
    for category, row in categories.items():
        found.setdefault(stage_of[category], Category()).add(row)
    return {f"{stage} {names[stage]}": row for stage, row in sorted(found.items())}


async def expiries_late(database_url: str) -> list[timedelta]:
    """How long after its deadline each expired offer was ended, on the installation's clock, in ascending order."""
    connection = await asyncpg.connect(database_url, server_settings={WORKS_FOR: "service"})
    try:
        return [row["late"] for row in await connection.fetch(_LATENESS)]
    finally:
        await connection.close()
