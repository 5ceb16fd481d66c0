"""Each promise as one query that finds its breaches (DESIGN 4 and 5)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, own_work, raw
from services.referral.access import Rights
from services.referral.clocks.rules import REMINDERS
from services.referral.lifecycles.rules import LIVE_OFFER, LIVE_REFERRAL, WITH_PROVIDER, in_sql
from services.referral.promises.schemas import InvariantsView, PromiseView

FIRST_INVARIANT: Final = "every_open_need_is_attended"
LATE_AFTER_S: Final = 15.0
"""How late a clock may be fired before the promise counts as broken, in real seconds."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One condition that must always be true."""

    words: str
    breaches: str
    """SQL that finds its breaches, with the columns subject_id, need_id, returnee_id, category and restricted. For a
    subject that belongs to no person, the last four are null and false. `$2` is the time before which a due clock is
    late."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A present breach of a promise."""

    subject_id: UUID
    need_id: UUID | None
    returnee_id: UUID | None
    category: str | None
    restricted: bool


_REMINDERS = in_sql(REMINDERS)
_CLOCK = f"SELECT 1 FROM timer WHERE kind NOT IN {_REMINDERS} AND subject_id ="  # noqa: S608 (constants)
_OF_A_POOL = (
    "pool_id AS subject_id, NULL::uuid AS need_id, NULL::uuid AS returnee_id, NULL AS category, false AS restricted"
)

PROMISES: Final[dict[str, Promise]] = {
    FIRST_INVARIANT: Promise(
        "An open need has a live referral with a running clock, a place in a queue, a prerequisite or a named owner",
        f"""
        SELECT need_id AS subject_id, need_id, returnee_id, category, restricted FROM need
        WHERE status = 'open' AND owner IS NULL AND NOT EXISTS (
            SELECT 1 FROM referral
            WHERE referral.need_id = need.need_id
              AND referral.status IN {in_sql(LIVE_REFERRAL)}
              AND (EXISTS ({_CLOCK} referral.referral_id) OR EXISTS ({_CLOCK} referral.offer_id)
                OR EXISTS (SELECT 1 FROM waitlist_entry WHERE waitlist_entry.referral_id = referral.referral_id)
                OR EXISTS (
                    SELECT 1 FROM need AS first WHERE first.need_id = referral.blocked_by AND first.status = 'open')))
        """,  # noqa: S608 (a constant)
    ),
    "every_owner_has_a_clock": Promise(
        "A need with an owner is open and has a deadline after which it goes to the desk above",
        """
        SELECT need_id AS subject_id, need_id, returnee_id, category, restricted FROM need
        WHERE owner IS NOT NULL AND (status <> 'open' OR NOT EXISTS (
            SELECT 1 FROM timer WHERE timer.subject_id = need.need_id AND kind = 'owner_silence'))
        """,
    ),
    "every_stay_is_watched": Promise(
        "A stay that has not ended belongs to a referral in service, and has a deadline or a named owner",
        """
        SELECT stay.referral_id AS subject_id, stay.need_id, stay.returnee_id, stay.category, stay.restricted
        FROM stay JOIN referral ON referral.referral_id = stay.referral_id JOIN need ON need.need_id = stay.need_id
        WHERE stay.ended_at IS NULL AND (referral.status <> 'in_service' OR need.owner IS NULL AND NOT EXISTS (
            SELECT 1 FROM timer WHERE timer.subject_id = stay.referral_id AND kind = 'stay_end'))
        """,
    ),
    "places_never_above_maximum": Promise(
        "Held and taken places are never above the maximum, or above their number when the maximum was lowered",
        f"SELECT {_OF_A_POOL} FROM pool WHERE held + taken > ceiling",  # noqa: S608
    ),
    "ledger_agrees_with_holds": Promise(
        "The counts of held and taken places of a pool match its offers",
        f"""
        SELECT {_OF_A_POOL} FROM pool LEFT JOIN (
            SELECT pool_id, coalesce(sum(place_count) FILTER (WHERE status = 'held'), 0) AS held,
                coalesce(sum(place_count) FILTER (WHERE status = 'taken'), 0) AS taken
            FROM place_hold WHERE status <> 'released' GROUP BY pool_id
        ) AS holds USING (pool_id)
        WHERE (pool.held, pool.taken) IS DISTINCT FROM (coalesce(holds.held, 0), coalesce(holds.taken, 0))
        """,  # noqa: S608 (a constant)
    ),
    "no_hold_leaks": Promise(
        "Places are held only by live offers and taken only by referrals that are accepted or in service",
        f"""
        SELECT DISTINCT offer.offer_id AS subject_id, offer.need_id, offer.returnee_id, offer.category, offer.restricted
        FROM place_hold JOIN offer USING (offer_id) JOIN referral ON referral.referral_id = offer.referral_id
        WHERE place_hold.status <> 'released'
          AND (place_hold.status = 'held' AND offer.status NOT IN {in_sql(LIVE_OFFER)}
            OR place_hold.status = 'taken' AND referral.status NOT IN {in_sql(WITH_PROVIDER)})
        """,  # noqa: S608 (constants)
    ),
    "no_clock_is_overdue": Promise(
        "Every deadline that has passed has been handled",
        """
        SELECT DISTINCT subject_id, NULL::uuid AS need_id, returnee_id, NULL AS category, false AS restricted
        FROM timer WHERE due_at < $2
        """,
    ),
    "no_offer_is_orphaned": Promise(
        "A live offer belongs to a referral in the state offered, holds its places, and has a deadline",
        f"""
        SELECT offer.offer_id AS subject_id, offer.need_id, offer.returnee_id, offer.category, offer.restricted
        FROM offer JOIN referral ON referral.referral_id = offer.referral_id
        WHERE offer.status IN {in_sql(LIVE_OFFER)} AND (
            referral.status <> 'offered' OR referral.offer_id IS DISTINCT FROM offer.offer_id
            OR NOT EXISTS (
                SELECT 1 FROM timer WHERE subject_id = offer.offer_id AND kind = 'offer_expiry')
            OR NOT EXISTS (
                SELECT 1 FROM place_hold WHERE place_hold.offer_id = offer.offer_id AND place_hold.status = 'held'))
        """,  # noqa: S608 (constants)
    ),
}
"""Each promise by name. The queries read only live rows, so that their cost does not grow with past data."""

_NEW = """
SELECT broken.* FROM ({breaches}) AS broken, (SELECT $1::text AS promise, $2::timestamptz AS late_since) AS given
WHERE NOT EXISTS (
    SELECT 1 FROM review
    WHERE review.promise = given.promise AND review.subject_id = broken.subject_id AND review.status = 'pending')
ORDER BY broken.subject_id LIMIT $3
"""

_STILL = """
SELECT broken.subject_id FROM ({breaches}) AS broken, (SELECT $2::timestamptz AS late_since) AS given
WHERE broken.subject_id = ANY($1::uuid[])
"""


async def invariants(session: AsyncSession, rights: Rights, *, late_after: timedelta) -> InvariantsView:
    """The number of breaches of every promise, all in one snapshot of the database."""
    counts = " UNION ALL ".join(
        f"SELECT '{name}' AS name, need.need_id IS NOT NULL AS is_of_need, need.kind, count(*) AS violations"  # noqa: S608
        f" FROM ({one.breaches}) AS broken LEFT JOIN need ON need.need_id = broken.need_id"
        " WHERE $1 OR NOT broken.restricted GROUP BY 2, 3"
        for name, one in PROMISES.items()
    )
    # With the rights of the service, because the counts of the ledger match only if all rows are visible. The result
    # contains only numbers.
    async with own_work(session):
        rows = await (await raw(session)).fetch(counts, rights.restricted, now(session) - late_after)
    promises = []
    for name, one in PROMISES.items():
        mine = [row for row in rows if row["name"] == name]
        by_kind = {row["kind"] or "": row["violations"] for row in mine if row["is_of_need"]}
        violations = sum(row["violations"] for row in mine)
        promises.append(PromiseView(name=name, promise=one.words, violations=violations, by_kind=by_kind))
    return InvariantsView(holds=all(one.violations == 0 for one in promises), promises=promises)


async def new_breaches(session: AsyncSession, promise: str, *, late_since: datetime, limit: int) -> list[Breach]:
    """The breaches of this promise without a pending review, in the order of ids."""
    statement = _NEW.format(breaches=PROMISES[promise].breaches)
    return [Breach(**row) for row in await (await raw(session)).fetch(statement, promise, late_since, limit)]


async def still_broken(
    session: AsyncSession, promise: str, subject_ids: Collection[UUID], *, late_since: datetime
) -> set[UUID]:
    """The ids among these that still break the promise, for a second check under locks."""
    statement = _STILL.format(breaches=PROMISES[promise].breaches)
    rows = await (await raw(session)).fetch(statement, list(subject_ids), late_since)
    return {row["subject_id"] for row in rows}
