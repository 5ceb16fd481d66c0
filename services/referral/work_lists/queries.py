"""The work lists. Each list is read along one index, and the reading ends when the page is full.

A statement contains only the conditions that are needed, so that each combination has its own plan. With an arrival
batch, the needs of that batch are read first, because they are few. The same is done for the needs of a desk if a list
is not read along needs. `OFFSET 0` stops the planner from reading a whole table for a join: each row fetches its own
need. `CASE` is used instead of `coalesce`, because under row-level security PostgreSQL uses no index for a condition
with a `coalesce` of columns of other rows.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.paging import COUNT_MAX, Count
from services.referral.access import Rights
from services.referral.clocks.rules import REMINDERS
from services.referral.lifecycles.rules import LIVE_REFERRAL, UNMET, ReferralStatus, in_sql
from services.referral.ownership.queries import covered_desks
from services.referral.pack.policy import RoutingPolicy
from services.referral.work_lists.rules import NOT_ESCALATED, OVERDUE, WAITS_IN, Party, party_of
from services.referral.work_lists.schemas import Filters, ItemView

View = TypeVar("View", bound=ItemView)

_LIVE = in_sql(LIVE_REFERRAL)
_REMINDERS: Final = in_sql(REMINDERS)
_NEED: Final = """need.need_id, need.returnee_id, need.category, need.kind, need.urgency, need.people_count, need.area,
need.arrival_batch_id, need.status, need.reported_at, need.owner, need.owner_reason, need.owned_since,
need.owner_due_at,
need.ended_at, need.end_reason"""
_FIRST: Final = "WITH need AS MATERIALIZED (SELECT * FROM need WHERE {}) "
_CLOCK: Final = f"""
LEFT JOIN LATERAL (
    SELECT due_at, kind FROM timer
    WHERE subject_id IN (chosen.need_id, live.referral_id, live.offer_id)
      AND kind NOT IN {_REMINDERS}
    ORDER BY due_at LIMIT 1
) AS clock ON true"""  # noqa: S608 (constants)
_DRESSED: Final = """
SELECT chosen.*, journey.case_code, live.referral_id, live.status AS referral_status, asked.organization_id,
    asked.provider_service_id{clock}
FROM ({walk}) AS chosen
JOIN journey ON journey.returnee_id = chosen.returnee_id
LEFT JOIN referral AS live ON live.need_id = chosen.need_id AND live.status IN {live}
LEFT JOIN offer AS asked ON asked.offer_id = live.offer_id{join}
ORDER BY {order}"""

_PROVIDER: Final = (
    " JOIN LATERAL (SELECT organization_id FROM offer WHERE offer_id = referral.offer_id OFFSET 0) AS offer ON true"
)
_TIMERS: Final = """timer
LEFT JOIN LATERAL (SELECT need_id FROM offer WHERE offer_id = timer.subject_id OFFSET 0) AS offer ON true
LEFT JOIN LATERAL (SELECT need_id FROM referral WHERE referral_id = timer.subject_id OFFSET 0) AS referral ON true
JOIN LATERAL (
    SELECT * FROM need WHERE need_id = CASE WHEN offer.need_id IS NOT NULL THEN offer.need_id
        WHEN referral.need_id IS NOT NULL THEN referral.need_id ELSE timer.subject_id END OFFSET 0
) AS need ON true"""
_TIMERS_OF_NEEDS: Final = f"""need
LEFT JOIN referral ON referral.need_id = need.need_id AND referral.status IN {_LIVE}
JOIN timer ON timer.subject_id IN (need.need_id, referral.referral_id, referral.offer_id)"""


class Walk(NamedTuple):
    """The source of a list, its conditions and its order. `per`: the list is read once for each value of an array, and
    the results are merged."""

    source: str
    conditions: tuple[str, ...]
    order: tuple[str, ...]
    more: str = ""
    per: tuple[str, str, Sequence[Any]] | None = None
    values: tuple[Any, ...] = ()


_OWNED: Final = Walk("need", ("need.owner IS NOT NULL",), ("owned_since", "need_id"))


async def mine(session: AsyncSession, desks: Collection[str]) -> Walk:
    """Needs of these desks, and of the desks for which they are the deputy now."""
    return owned_by(await covered_desks(session, desks))


def owned_by(desks: Collection[str]) -> Walk:
    """Needs that these desks own, the earliest deadline of an owner first. Every owner has a clock (decision 0025)."""
    return _OWNED._replace(order=("owner_due_at", "need_id"), per=("need.owner", "text", sorted(desks)))


def overdue() -> Walk:
    """Needs that have an owner because something did not happen in time."""
    return _OWNED._replace(conditions=(*_OWNED.conditions, f"need.owner_reason IN ({_texts(OVERDUE)})"))


def escalations() -> Walk:
    """Needs that have an owner because normal routing was not possible."""
    return _OWNED._replace(conditions=(*_OWNED.conditions, f"need.owner_reason NOT IN ({_texts(NOT_ESCALATED)})"))


def unmet(rights: Rights, reason: str | None = None) -> Walk:
    """Open needs that no provider serves, and needs that were closed without help.

    Restricted needs are read separately. Otherwise they would have to be skipped one by one.
    """
    walk = Walk(
        "need",
        (f"({UNMET})",),
        ("category", "need_id"),
        per=("need.restricted", "boolean", (False, True) if rights.restricted else (False,)),
    )
    if reason is None:
        return walk
    told = "coalesce(need.owner_reason, need.end_reason) = {}"
    return walk._replace(conditions=(*walk.conditions, told), values=(reason,))


def due(until: datetime, *, needs_first: bool) -> Walk:
    """Clocks that run out by `until`, the earliest first, without reminders. `needs_first`: see `narrows_first`."""
    return Walk(
        _TIMERS_OF_NEEDS if needs_first else _TIMERS,
        ("timer.due_at <= {}", f"timer.kind NOT IN {_REMINDERS}"),
        ("due_at", "subject_id", "due"),
        more=", timer.due_at, timer.kind AS due, timer.subject_id",
        values=(until,),
    )


def narrows_first(filters: Filters) -> bool:
    """True if the needs are read first, and then their referrals and clocks."""
    return filters.arrival_batch_id is not None or filters.desk is not None


def waiting(parties: Iterable[Party], *, organization_id: UUID | None = None) -> Walk:
    """Live referrals that wait for these parties, the longest waiting first."""
    statuses = [status.value for party in parties for status in WAITS_IN[party]]
    source = "referral JOIN LATERAL (SELECT * FROM need WHERE need.need_id = referral.need_id OFFSET 0) AS need ON true"
    conditions: tuple[str, ...] = (f"referral.status IN {_LIVE}",)
    if organization_id is not None:
        source += _PROVIDER
        conditions = (*conditions, "offer.organization_id = {}")
    return Walk(
        source,
        conditions,
        ("waiting_since", "need_id"),
        more=", referral.waiting_since",
        per=("referral.status", "text", statuses),
        values=() if organization_id is None else (organization_id,),
    )


def halted(*, organization_id: UUID | None = None) -> Walk:
    """Referrals whose accepted offer is halted until a desk decides, the longest halted first."""
    source = "referral JOIN LATERAL (SELECT * FROM need WHERE need.need_id = referral.need_id OFFSET 0) AS need ON true"
    conditions: tuple[str, ...] = ("referral.halted_since IS NOT NULL",)
    if organization_id is not None:
        source += _PROVIDER
        conditions = (*conditions, "offer.organization_id = {}")
    return Walk(
        source,
        conditions,
        ("halted_since", "need_id"),
        more=", referral.halted_since, referral.halted_for",
        values=() if organization_id is None else (organization_id,),
    )


_COLUMN: Final = {
    "owner_due_at": ("need.owner_due_at", "timestamptz"),
    "owned_since": ("need.owned_since", "timestamptz"),
    "category": ("need.category", "text"),
    "need_id": ("need.need_id", "uuid"),
    "due_at": ("timer.due_at", "timestamptz"),
    "subject_id": ("timer.subject_id", "uuid"),
    "due": ("timer.kind", "text"),
    "waiting_since": ("referral.waiting_since", "timestamptz"),
    "halted_since": ("referral.halted_since", "timestamptz"),
}
"""The columns that lists are ordered by, with their types."""


class _Values(list[Any]):
    def add(self, value: object) -> str:
        self.append(value)
        return f"${len(self)}"


def page_statement(
    walk: Walk, rights: Rights, filters: Filters, *, after: Sequence[Any] | None, limit: int
) -> tuple[str, list[Any]]:
    """The statement and its values for the page after the row that `after` names, with one row more than `limit`."""
    values = _Values()
    inner = _walked(walk, rights, filters, values, after=after, limit=limit + 1)
    order = ", ".join(f"chosen.{name}" for name in walk.order)
    has_clock = "due_at" in walk.order
    clock, join = ("", "") if has_clock else (", clock.due_at, clock.kind AS due", _CLOCK)
    dressed = _DRESSED.format(clock=clock, walk=inner, live=_LIVE, join=join, order=order)
    return _first(walk, filters, values) + dressed, list(values)


def count_statement(walk: Walk, rights: Rights, filters: Filters) -> tuple[str, list[Any]]:
    """The statement and its values for the length of a list, up to one more than the maximum that is counted."""
    values = _Values()
    inner = _walked(walk, rights, filters, values, after=None, limit=COUNT_MAX + 1)
    first = _first(walk, filters, values)
    return f"{first}SELECT count(*) FROM ({inner}) AS counted", list(values)  # noqa: S608 (constants)


def _first(walk: Walk, filters: Filters, values: _Values) -> str:
    if filters.arrival_batch_id is not None:
        return _FIRST.format(f"arrival_batch_id = {values.add(filters.arrival_batch_id)}")
    if filters.desk is not None and walk.source != "need":
        return _FIRST.format(f"owner = {values.add(filters.desk)}")
    return ""


def _walked(
    walk: Walk, rights: Rights, filters: Filters, values: _Values, *, after: Sequence[Any] | None, limit: int
) -> str:
    conditions = [condition.format(*[values.add(value)]) for condition, value in _given(walk, filters)]
    conditions += [one for one in walk.conditions if "{}" not in one]
    if not rights.restricted:
        conditions.append("NOT need.restricted")
    columns = [_COLUMN[name] for name in walk.order]
    if after is not None:
        last = ", ".join(f"{values.add(value)}::{kind}" for value, (_, kind) in zip(after, columns, strict=True))
        conditions.append(f"({', '.join(column for column, _ in columns)}) > ({last})")
    order = ", ".join(column for column, _ in columns)
    # The limit is part of the statement. For a limit in a parameter PostgreSQL assumes a tenth of the table, and makes
    # a new plan for every page.
    most = str(int(limit))
    if walk.per is None:
        return _select(walk, conditions, order, most)
    column, kind, each = walk.per
    one = _select(walk, [f"{column} = each.value", *conditions], order, most)
    merged = ", ".join(f"each_walk.{name}" for name in walk.order)
    return (
        f"SELECT each_walk.* FROM unnest({values.add(list(each))}::{kind}[]) AS each(value)"  # noqa: S608
        f" CROSS JOIN LATERAL ({one}) AS each_walk ORDER BY {merged} LIMIT {most}"
    )


def _select(walk: Walk, conditions: Sequence[str], order: str, most: str) -> str:
    chosen = " AND ".join(conditions)
    return f"SELECT {_NEED}{walk.more} FROM {walk.source} WHERE {chosen} ORDER BY {order} LIMIT {most}"  # noqa: S608


def _given(walk: Walk, filters: Filters) -> list[tuple[str, Any]]:
    own = zip([one for one in walk.conditions if "{}" in one], walk.values, strict=True)
    # A referral has the category, kind and urgency of its need, so other referrals are skipped without their needs.
    told = "referral" if walk.source.startswith("referral") else "need"
    asked = (
        (f"{told}.category = {{}}", filters.category),
        (f"{told}.category = ANY({{}}::text[])", None if filters.categories is None else sorted(filters.categories)),
        (f"{told}.kind = {{}}", filters.kind),
        (f"{told}.urgency = {{}}", filters.urgency),
        ("need.owner = {}", filters.desk),
        ("need.area = {}", filters.area),
    )
    return [*own, *((condition, value) for condition, value in asked if value is not None)]


def _texts(words: Iterable[str]) -> str:
    return ", ".join(repr(word) for word in sorted(words))


async def items(
    session: AsyncSession,
    policy: RoutingPolicy,
    walk: Walk,
    rights: Rights,
    filters: Filters,
    *,
    after: Sequence[Any] | None,
    limit: int,
    view: type[View],
) -> list[View]:
    """A page of a list, with up to one more than `limit`."""
    statement, values = page_statement(walk, rights, filters, after=after, limit=limit)
    rows = await (await raw(session)).fetch(statement, *values)
    return [
        view.model_validate(
            {**row, "waits_on": _waits_on(row["referral_status"]), "stage": policy.stage_of(row["category"])}
        )
        for row in rows
    ]


async def count(session: AsyncSession, walk: Walk, rights: Rights, filters: Filters) -> Count:
    """The length of a list, up to a thousand."""
    statement, values = count_statement(walk, rights, filters)
    found: int = await (await raw(session)).fetchval(statement, *values)
    return Count.of(found)


def _waits_on(status: str | None) -> Party | None:
    return None if status is None else party_of(ReferralStatus(status))
