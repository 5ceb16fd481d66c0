"""Reads the offers that the caller may see."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.errors import NotFound
from libs.chassis.paging import COUNT_MAX, Count
from services.referral.access import Rights
from services.referral.lifecycles.rules import LIVE_OFFER, OfferStatus, in_sql
from services.referral.offers.rules import URGENCIES, Filters, OfferOrder, Urgent, offer_after, urgent_after
from services.referral.offers.schemas import ExplanationView, OfferCounts, OfferView

_COLUMNS = """offer_id AS id, referral_id, case_code, category, kind, detail_values, offered_kind, service_type,
urgency, people_count, provider_service_id, organization_id, status, made_at, answer_by, acknowledge_by,
acknowledged_at, ended_at, reason, (
    SELECT halted_since FROM referral WHERE referral.referral_id = offer.referral_id AND offer.status = 'accepted'
) AS halted_since, (
    SELECT referral.status FROM referral WHERE referral.referral_id = offer.referral_id AND offer.status = 'accepted'
) AS referral_status"""
_OF_REFERRALS = """offer.status = 'accepted' AND (
    SELECT referral.status FROM referral WHERE referral.referral_id = offer.referral_id
) = ANY(${}::text[])"""
_BY_URGENCY = "array_position($4::text[], urgency::text) - 1, answer_by, offer_id"
"""By `Urgent`; PostgreSQL counts positions from 1. $4: `URGENCIES`."""
_SEEN = "($1::uuid IS NULL OR organization_id = $1) AND ($2 OR NOT restricted)"


async def offer_views(
    session: AsyncSession, rights: Rights, filters: Filters, *, after: Sequence[str] | None, limit: int
) -> list[OfferView]:
    """Offers after this cursor. Raises InvalidInput for a cursor of another order.

    Returns up to one more than `limit`, so that the caller knows whether there is a next page.
    """
    if filters.order is OfferOrder.MOST_URGENT:
        statement, values = _most_urgent(rights, filters.status, urgent_after(after), limit)
    else:
        statement, values = _by_time(rights, filters, offer_after(after, filters.order), limit)
    return [_view(row) for row in await (await raw(session)).fetch(statement, *values)]


def _by_time(rights: Rights, filters: Filters, after: UUID | None, limit: int) -> tuple[str, list[Any]]:
    # The statement is composed for each case, so that each case has its own plan, which uses one index in list order.
    conditions = ["$2 OR NOT restricted"]
    values: list[Any] = [rights.organization_id, rights.restricted, limit + 1]
    conditions.append("organization_id = $1" if rights.organization_id is not None else "$1::uuid IS NULL")
    beyond, direction = (">", "ASC") if filters.order is OfferOrder.OLDEST else ("<", "DESC")
    for condition, value in (
        ("status = ${}", filters.status),
        (_OF_REFERRALS, filters.referral_status or None),
        (f"offer_id {beyond} ${{}}", after),
    ):
        if value is not None:
            values.append(value)
            conditions.append(condition.format(len(values)))
    chosen = " AND ".join(f"({condition})" for condition in conditions)
    return f"SELECT {_COLUMNS} FROM offer WHERE {chosen} ORDER BY offer_id {direction} LIMIT $3", values  # noqa: S608


def _most_urgent(rights: Rights, status: OfferStatus | None, after: Urgent | None, limit: int) -> tuple[str, list[Any]]:
    """All offers that wait are read and sorted: the cost grows with their number, not with the size of the table."""
    values: list[Any] = [rights.organization_id, rights.restricted, limit + 1, list(URGENCIES)]
    conditions = [_waiting(rights, status), "$2 OR NOT restricted"]
    if after is not None:
        values += after
        conditions.append(f"({_BY_URGENCY}) > ($5, $6, $7)")
    chosen = " AND ".join(f"({condition})" for condition in conditions)
    return f"SELECT {_COLUMNS} FROM offer WHERE {chosen} ORDER BY {_BY_URGENCY} LIMIT $3", values  # noqa: S608


async def counts(session: AsyncSession, rights: Rights) -> OfferCounts:
    """How many offers wait for an answer. Counting stops at a thousand."""
    statement = f"""SELECT count(*) FROM (
        SELECT FROM offer WHERE ({_waiting(rights, None)}) AND ($2 OR NOT restricted) LIMIT $3
    ) AS counted"""  # noqa: S608 (constants)
    found = await (await raw(session)).fetchval(statement, rights.organization_id, rights.restricted, COUNT_MAX + 1)
    return OfferCounts(waiting=Count.of(found))


def _waiting(rights: Rights, status: OfferStatus | None) -> str:
    """The condition for offers that wait for an answer; $1 is the organisation."""
    owned = "organization_id = $1" if rights.organization_id is not None else "$1::uuid IS NULL"
    return f"{owned} AND status IN {in_sql(LIVE_OFFER if status is None else {status})}"


async def offer_view(session: AsyncSession, rights: Rights, offer_id: UUID) -> OfferView:
    """One offer, or NotFound."""
    statement = f"SELECT {_COLUMNS} FROM offer WHERE offer_id = $3 AND {_SEEN}"  # noqa: S608 (constants)
    row = await (await raw(session)).fetchrow(statement, rights.organization_id, rights.restricted, offer_id)
    if row is None:
        raise NotFound("There is no such offer")
    return _view(row)


async def offers_by_id(session: AsyncSession, rights: Rights, offer_ids: Sequence[UUID]) -> dict[UUID, OfferView]:
    """Those of these offers that the caller may see, by id."""
    statement = f"SELECT {_COLUMNS} FROM offer WHERE offer_id = ANY($3::uuid[]) AND {_SEEN}"  # noqa: S608 (constants)
    rows = await (await raw(session)).fetch(statement, rights.organization_id, rights.restricted, offer_ids)
    return {row["id"]: _view(row) for row in rows}


async def returnees_of(session: AsyncSession, rights: Rights, offer_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The returnee of each of these offers. Offers that the caller may not see are left out."""
    statement = f"SELECT offer_id, returnee_id FROM offer WHERE offer_id = ANY($3::uuid[]) AND {_SEEN}"  # noqa: S608
    rows = await (await raw(session)).fetch(statement, rights.organization_id, rights.restricted, list(offer_ids))
    return {row["offer_id"]: row["returnee_id"] for row in rows}


async def returnee_of(session: AsyncSession, rights: Rights, offer_id: UUID) -> UUID:
    """The returnee of an offer, or NotFound."""
    found = await returnees_of(session, rights, [offer_id])
    if offer_id not in found:
        raise NotFound("There is no such offer")
    return found[offer_id]


async def explanation(session: AsyncSession, rights: Rights, offer_id: UUID) -> ExplanationView:
    """Why this service was chosen and the others were not, or NotFound."""
    statement = f"SELECT explanation, provider_service_id FROM offer WHERE offer_id = $3 AND {_SEEN}"  # noqa: S608
    row = await (await raw(session)).fetchrow(statement, rights.organization_id, rights.restricted, offer_id)
    if row is None:
        raise NotFound("There is no such offer")
    stored = row["explanation"]
    ranked, excluded = stored["ranked"], stored["excluded"]
    if rights.organization_id is not None:
        # A provider may not know how other services rank or why they were excluded.
        ranked = [one for one in ranked if one["provider_service_id"] == str(row["provider_service_id"])]
        excluded = []
    policy, ring = stored["policy"], stored.get("ring")
    # Older explanations do not name a kind.
    return ExplanationView(
        offer_id=offer_id,
        policy=policy,
        ring=ring,
        ranked=ranked,
        excluded=excluded,
        kind=stored.get("kind"),
        of_other_kinds=stored.get("of_other_kinds", 0),
    )


def _view(row: Any) -> OfferView:
    return OfferView.model_validate(dict(row))
