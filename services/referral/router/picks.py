"""Chooses the referrals of a round and locks their journeys (decision 0035). Only one round, or one transaction that
places at once (decision 0093), chooses at a time."""

from collections.abc import Collection, Mapping, Sequence
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
from services.referral.router.rules import lock_number

CLOCKS_BEHIND: Final = 200
"""If more clocks than this have run out and not been fired, the router takes fewer referrals, so that the clocks
are fired first."""
SHARE_WHILE_BEHIND: Final = 10
"""While clocks are behind, a round takes only its usual number divided by this one, the most urgent first."""
SHARE_OF_NEWCOMERS: Final = 4
"""If more referrals are ready than a round may take, it also takes new referrals: its usual number divided by this
one."""

_PLACING: Final = 0x656E6C63
OTHERS_MAX: Final = 100
"""If more referrals than this are ready, a round has much to do, and nothing is placed at once beside it."""

# The lock of a journey also covers its referrals. Their rows are read again when the lock is held.
WHO: Final = """
FROM referral JOIN journey USING (returnee_id) {joined}
LEFT JOIN arrival_batch ON arrival_batch.arrival_batch_id = referral.arrival_batch_id
WHERE {waiting} AND referral.status IN {routed} AND journey.profile IS NOT NULL
  AND (referral.arrival_batch_id IS NULL OR referral.urgency_rank < 2 OR {open})
  AND (journey.household_id IS NULL OR EXISTS (
      SELECT 1 FROM household WHERE household.household_id = journey.household_id))
  AND (referral.household_id IS NULL OR EXISTS (
      SELECT 1 FROM household WHERE household.household_id = referral.household_id AND {complete}))
ORDER BY referral.urgency_rank, referral.waiting_since, referral.referral_id
LIMIT $1
""".replace("{complete}", COMPLETE_HOUSEHOLD)
OPEN: Final = "arrival_batch.opened_at IS NOT NULL"
# The next round may open it before it picks: its intake is counted, or has taken too long.
_MAY_OPEN: Final = f"{OPEN} OR arrival_batch.needs_expected IS NOT NULL OR arrival_batch.first_seen_at <= {{since}}"
SUPPLY: Final = (
    "JOIN unnest($2::text[], $3::bigint[]) AS changed(category, supply) ON changed.category = referral.category"
)
# A waitlisted referral may also have a `ready_at`: the time at which a closed service opens.
ASLEEP: Final = "(ready_at IS NULL OR referral.status = 'waitlisted') AND tried_supply < supply"

_ROUTED = in_sql(ROUTED)
_PICK = "SELECT referral.referral_id, referral.returnee_id, referral.household_id" + WHO
_LOCKED = "FOR UPDATE OF journey SKIP LOCKED"
_READY = _PICK.format(routed=_ROUTED, joined="", waiting="ready_at <= $2", open=OPEN) + _LOCKED
# Ready since it was opened: no provider has been asked, and no round has postponed it.
_NEW = "ready_at <= $2 AND ready_at = referral.opened_at AND referral_id <> ALL($3::uuid[])"
_NEWCOMERS = _PICK.format(routed=_ROUTED, joined="", waiting=_NEW, open=OPEN) + _LOCKED
_WOKEN = _PICK.format(routed=_ROUTED, joined=SUPPLY, waiting=ASLEEP, open=OPEN) + _LOCKED

_OTHER = "SELECT referral.category, referral.returnee_id" + WHO
_OTHERS_READY = _OTHER.format(
    routed=_ROUTED, joined="", waiting="ready_at <= $2", open=f"({_MAY_OPEN.format(since='$3')})"
)
_OTHERS_WOKEN = _OTHER.format(routed=_ROUTED, joined=SUPPLY, waiting=ASLEEP, open=f"({_MAY_OPEN.format(since='$4')})")
_MAY_BE_OPEN = f"""
SELECT arrival_batch_id FROM arrival_batch
WHERE arrival_batch_id = ANY($1::uuid[]) AND ({_MAY_OPEN.format(since="$2")})
"""  # noqa: S608 (constants)

_AHEAD = f"""
SELECT category, sum(people_count) AS people FROM referral
WHERE ready_at <= $1 AND status IN {_ROUTED} AND referral_id <> ALL($2::uuid[]) GROUP BY category
"""  # noqa: S608 (constants)
_NTH_CLOCK = "SELECT due_at FROM timer ORDER BY due_at OFFSET $1 LIMIT 1"


@dataclass(frozen=True, slots=True)
class Other:
    """A referral that a round would look at now."""

    category: NeedCategory
    returnee_id: UUID


@dataclass(frozen=True, slots=True)
class Picked:
    """A referral whose journey this round has locked."""

    referral_id: UUID
    returnee_id: UUID
    household_id: UUID | None


@dataclass(frozen=True, slots=True)
class Picks:
    """The referrals of a round."""

    picked: list[Picked] = field(default_factory=list)
    """The referrals by urgency and then by waiting time, followed by the newcomers."""
    newcomers: frozenset[UUID] = frozenset()
    """Those among them that are taken out of order: referrals that are ahead of them are not in this round."""
    ahead: Mapping[NeedCategory, int] = field(default_factory=dict)
    """By category: the number of people who are ahead of the newcomers and not in this round."""
    is_full: bool = False
    """True if more referrals are ready than the round may take, and another round may follow at once."""

    def leaves_enough(self, referral: Referral, candidate: Candidate) -> bool:
        """False for a newcomer if people who are ahead of it could need its places."""
        if referral.referral_id not in self.newcomers:
            return True
        ahead = self.ahead.get(referral.category, 0)
        return all(share.pool.free - share.places >= ahead for share in candidate.shares)


async def begin_round(session: AsyncSession, country: str) -> None:
    """Wait until no other transaction places referrals. This one is then the only one that does, until it ends.

    It waits before it takes any other lock, and what it waits for never waits for a lock of a pool. So there is no
    deadlock, and a round never waits long.
    """
    await (await raw(session)).execute("SELECT pg_advisory_xact_lock($1, $2)", _PLACING, lock_number(country))


async def may_place(session: AsyncSession, country: str) -> bool:
    """True if no round runs or waits for its turn. This transaction is then the only one that places referrals."""
    statement = "SELECT pg_try_advisory_xact_lock($1, $2)"
    return bool(await (await raw(session)).fetchval(statement, _PLACING, lock_number(country)))


async def pick_others(
    session: AsyncSession, *, at: datetime, changed: Mapping[str, int], opened_since: datetime
) -> list[Other]:
    """The referrals that a round would look at now, up to one more than `OTHERS_MAX`. Nothing is locked.

    `changed`: the categories whose waiting referrals the next round looks at. `opened_since`: flights that were first
    seen before may be opened by the next round.
    """
    connection, most = await raw(session), OTHERS_MAX + 1
    rows = await connection.fetch(_OTHERS_READY, most, at, opened_since)
    if changed:
        rows += await connection.fetch(_OTHERS_WOKEN, most, list(changed), list(changed.values()), opened_since)
    return [Other(**row) for row in rows]


async def may_be_open(session: AsyncSession, batch_ids: Collection[UUID], *, since: datetime) -> set[UUID]:
    """Those of these flights whose normal needs the next round may look at."""
    rows = await (await raw(session)).fetch(_MAY_BE_OPEN, list(batch_ids), since)
    return {row["arrival_batch_id"] for row in rows}


async def pick_ready(session: AsyncSession, *, at: datetime, limit: int) -> Picks:
    """Referrals that are ready now. A journey that another transaction holds is skipped.

    If more are ready than a round takes, some new referrals are added. Without this, people who have just arrived would
    wait behind all referrals that seek again after an outage.
    """
    behind = await _clocks_are_behind(session, at)
    share = max(limit // SHARE_WHILE_BEHIND, 1) if behind else limit
    picked = await _pick(session, _READY, share, at)
    if len(picked) < share:
        return Picks(picked)
    new = await _pick(session, _NEWCOMERS, max(limit // SHARE_OF_NEWCOMERS, 1), at, [one.referral_id for one in picked])
    picked += new
    ahead = await people_ready(session, at, [one.referral_id for one in picked]) if new else {}
    # While clocks are behind, each batch of fired clocks wakes the router again, so no other round is needed at once.
    return Picks(picked, frozenset(one.referral_id for one in new), ahead, is_full=not behind)


async def pick_woken(session: AsyncSession, *, changed: Mapping[str, int], limit: int) -> list[Picked]:
    """Waiting referrals in whose category something has changed since, by urgency and then by waiting time."""
    return await _pick(session, _WOKEN, limit, list(changed), list(changed.values()))


async def _clocks_are_behind(session: AsyncSession, at: datetime) -> bool:
    nth: datetime | None = await (await raw(session)).fetchval(_NTH_CLOCK, CLOCKS_BEHIND)
    return nth is not None and nth <= at


async def people_ready(session: AsyncSession, at: datetime, picked: Sequence[UUID]) -> dict[NeedCategory, int]:
    """By category: the number of people whose referrals are ready, without the picked ones. Those who wait for their
    flight or household are counted too."""
    rows = await (await raw(session)).fetch(_AHEAD, at, picked)
    return {row["category"]: row["people"] for row in rows}


async def _pick(session: AsyncSession, statement: str, *values: object) -> list[Picked]:
    return [Picked(**row) for row in await (await raw(session)).fetch(statement, *values)]
