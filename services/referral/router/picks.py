"""Which referrals a round takes, with their journeys locked (decision 0035)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.events.codes import NeedCategory
from services.referral.candidates.choice import Candidate
from services.referral.journeys.facts import Referral
from services.referral.journeys.queries import COMPLETE_HOUSEHOLD
from services.referral.lifecycles.rules import ROUTED, in_sql

CLOCKS_BEHIND: Final = 200
"""Clocks that have run out and wait: from so many on they go before whoever is to be asked for anew."""
SHARE_WHILE_BEHIND: Final = 10
"""While they do, a round takes one in so many of what it may take otherwise, the most urgent first."""
SHARE_OF_NEWCOMERS: Final = 4
"""Where more are ready than a round may take, it takes one in so many on top of them, of those who are new."""

# A journey's lock stands for its referrals: their rows are read again once it is held.
WHO: Final = """
FROM referral JOIN journey USING (returnee_id) {joined}
LEFT JOIN arrival_batch ON arrival_batch.arrival_batch_id = referral.arrival_batch_id
WHERE {waiting} AND referral.status IN {routed} AND journey.profile IS NOT NULL
  AND (referral.arrival_batch_id IS NULL OR referral.urgency_rank < 2 OR arrival_batch.opened_at IS NOT NULL)
  AND (journey.household_id IS NULL OR EXISTS (
      SELECT 1 FROM household WHERE household.household_id = journey.household_id))
  AND (referral.household_id IS NULL OR EXISTS (
      SELECT 1 FROM household WHERE household.household_id = referral.household_id AND {complete}))
ORDER BY referral.urgency_rank, referral.waiting_since, referral.referral_id
LIMIT $1
""".replace("{complete}", COMPLETE_HOUSEHOLD)
OPENED: Final = (
    "JOIN unnest($2::text[], $3::bigint[]) AS opened(category, openings) ON opened.category = referral.category"
)
# Who waits for a place may also have a time at which somebody opens.
ASLEEP: Final = "(ready_at IS NULL OR referral.status = 'waitlisted') AND tried_opening < openings"

_ROUTED = in_sql(ROUTED)
_PICK = "SELECT referral.referral_id, referral.returnee_id, referral.household_id" + WHO
_LOCKED = "FOR UPDATE OF journey SKIP LOCKED"
_READY = _PICK.format(routed=_ROUTED, joined="", waiting="ready_at <= $2") + _LOCKED
# Ready since it was opened: nobody has been asked for it, and no round has put it off.
_NEW = "ready_at <= $2 AND ready_at = referral.opened_at AND referral_id <> ALL($3::uuid[])"
_NEWCOMERS = _PICK.format(routed=_ROUTED, joined="", waiting=_NEW) + _LOCKED
_WOKEN = _PICK.format(routed=_ROUTED, joined=OPENED, waiting=ASLEEP) + _LOCKED

_AHEAD = f"""
SELECT category, sum(people_count) AS people FROM referral
WHERE ready_at <= $1 AND status IN {_ROUTED} AND referral_id <> ALL($2::uuid[]) GROUP BY category
"""  # noqa: S608 (constants)
_NTH_CLOCK = "SELECT due_at FROM timer ORDER BY due_at OFFSET $1 LIMIT 1"


@dataclass(frozen=True, slots=True)
class Picked:
    """A referral whose journey this round holds."""

    referral_id: UUID
    returnee_id: UUID
    household_id: UUID | None


@dataclass(frozen=True, slots=True)
class Picks:
    """Who is looked at in a round."""

    picked: list[Picked] = field(default_factory=list)
    """Those whose turn it is, the most urgent and then the longest waiting first, and newcomers after them."""
    newcomers: frozenset[UUID] = frozenset()
    """Referrals among them whose turn has not come: others stand before them who are not in this round."""
    ahead: Mapping[NeedCategory, int] = field(default_factory=dict)
    """People who stand before the newcomers and are not in this round, by category."""
    is_full: bool = False
    """True if more are ready than the round may take."""

    def leaves_enough(self, referral: Referral, candidate: Candidate) -> bool:
        """False for a newcomer whose places could be needed by those who stand before it."""
        if referral.referral_id not in self.newcomers:
            return True
        ahead = self.ahead.get(referral.category, 0)
        return all(share.pool.free - share.places >= ahead for share in candidate.shares)


async def pick_ready(session: AsyncSession, *, at: datetime, limit: int) -> Picks:
    """Referrals that are to be looked at now; a journey that somebody holds is left.

    Where more are ready than a round takes, new ones come on top: who has just arrived does not wait behind all whom
    an outage has made seek again.
    """
    behind = await _clocks_are_behind(session, at)
    share = max(limit // SHARE_WHILE_BEHIND, 1) if behind else limit
    picked = await _pick(session, _READY, share, at)
    if len(picked) < share:
        return Picks(picked)
    new = await _pick(session, _NEWCOMERS, max(limit // SHARE_OF_NEWCOMERS, 1), at, [one.referral_id for one in picked])
    picked += new
    ahead = await _ahead(session, at, [one.referral_id for one in picked]) if new else {}
    # While clocks are behind, each batch of them gives work anew: no round follows another by itself.
    return Picks(picked, frozenset(one.referral_id for one in new), ahead, is_full=not behind)


async def pick_woken(session: AsyncSession, *, opened: Mapping[str, int], limit: int) -> list[Picked]:
    """Referrals that found nobody before something opened in their category, the longest waiting first."""
    return await _pick(session, _WOKEN, limit, list(opened), list(opened.values()))


async def _clocks_are_behind(session: AsyncSession, at: datetime) -> bool:
    nth: datetime | None = await (await raw(session)).fetchval(_NTH_CLOCK, CLOCKS_BEHIND)
    return nth is not None and nth <= at


async def _ahead(session: AsyncSession, at: datetime, picked: Sequence[UUID]) -> dict[NeedCategory, int]:
    rows = await (await raw(session)).fetch(_AHEAD, at, picked)
    return {NeedCategory(row["category"]): row["people"] for row in rows}


async def _pick(session: AsyncSession, statement: str, *values: object) -> list[Picked]:
    return [Picked(**row) for row in await (await raw(session)).fetch(statement, *values)]
