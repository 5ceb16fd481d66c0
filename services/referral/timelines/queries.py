"""Reads timelines, limited to what the caller may see.

Only the entries that the reader may see are numbered, and pages use these numbers. So neither a gap nor a cursor
reveals a hidden entry. Steps are only added, so the number of an entry never changes for one reader.
"""

from typing import Any, Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageRequest
from services.referral.access import Rights
from services.referral.audit.queries import access_log
from services.referral.audit.schemas import AccessView
from services.referral.offers.queries import returnee_of
from services.referral.pack.policy import RoutingPolicy
from services.referral.timelines.rules import OF_THE_SERVICE, role_of
from services.referral.timelines.schemas import CaseView, EntryView, Order

_OF_STAFF: Final = """
SELECT step_id, step.at, step.step, step.led_to, step.reason, step.actor, need.category,
    step.need_id, step.referral_id, step.offer_id
FROM step JOIN need USING (need_id)
WHERE step.returnee_id = $1 AND ($2 OR NOT need.restricted)
"""

# What happened with the organisation's own offers, and with the service after its acceptance.
_OF_PARTNER: Final = f"""
SELECT step_id, step.at, step.step, step.led_to, step.reason, step.actor, offer.category,
    NULL::uuid AS need_id, offer.referral_id, offer.offer_id
FROM step JOIN offer USING (offer_id)
WHERE step.returnee_id = $1 AND offer.organization_id = $6 AND ($2 OR NOT offer.restricted)
UNION ALL
SELECT step_id, step.at, step.step, step.led_to, step.reason, step.actor, offer.category,
    NULL::uuid, offer.referral_id, offer.offer_id
FROM step JOIN offer ON offer.referral_id = step.referral_id AND offer.status = 'accepted'
WHERE step.returnee_id = $1 AND offer.organization_id = $6 AND ($2 OR NOT offer.restricted)
  AND step.step IN ({", ".join(repr(step) for step in OF_THE_SERVICE)})
"""  # noqa: S608 (constants)

_PAGE: Final = """
SELECT number, at, step, led_to, reason, actor, category, need_id, referral_id, offer_id
FROM (SELECT entry.*, row_number() OVER (ORDER BY step_id) AS number FROM ({entries}) AS entry) AS numbered
WHERE ($3::bigint IS NULL OR CASE WHEN $4 THEN number < $3 ELSE number > $3 END)
ORDER BY CASE WHEN $4 THEN -number ELSE number END LIMIT $5
"""
FOR_STAFF: Final = _PAGE.format(entries=_OF_STAFF)
FOR_PARTNER: Final = _PAGE.format(entries=_OF_PARTNER)

CASE: Final = "SELECT returnee_id, case_code, merged_into FROM journey WHERE case_code = $1"
_NO_CASE: Final = "There is no such case"
_SEEN_BY_STAFF: Final = "SELECT EXISTS (SELECT 1 FROM journey WHERE returnee_id = $1)"
_SEEN_BY_PARTNER: Final = """
SELECT EXISTS (
    SELECT 1 FROM offer WHERE returnee_id = $1 AND organization_id = $2 AND ($3 OR NOT restricted))
"""


async def case(session: AsyncSession, rights: Rights, case_code: str) -> CaseView:
    """The person of a case code. The same NotFound for a code that nobody has and for a person whom the caller may not
    know."""
    row = await (await raw(session)).fetchrow(CASE, case_code)
    if row is None:
        raise NotFound(_NO_CASE)
    view = CaseView.model_validate(dict(row))
    if not await _is_known(session, rights, view.returnee_id):
        raise NotFound(_NO_CASE)
    if view.merged_into is not None and not await _is_known(session, rights, view.merged_into):
        view.merged_into = None
    return view


async def timeline(
    session: AsyncSession,
    policy: RoutingPolicy,
    rights: Rights,
    returnee_id: UUID,
    *,
    order: Order,
    after: int | None,
    limit: int,
) -> list[EntryView]:
    """What happened to one returnee, after the entry with the number `after`, up to one more than `limit`. NotFound if
    the caller may not know that the returnee exists."""
    await require_known(session, rights, returnee_id)
    values: list[Any] = [returnee_id, rights.restricted, after, order is Order.NEWEST, limit + 1]
    statement = FOR_STAFF
    if rights.organization_id is not None:
        statement = FOR_PARTNER
        values.append(rights.organization_id)
    known = policy.desks
    rows = await (await raw(session)).fetch(statement, *values)
    return [_view(row, rights, known) for row in rows]


async def timeline_of_offer(
    session: AsyncSession,
    policy: RoutingPolicy,
    rights: Rights,
    offer_id: UUID,
    *,
    order: Order,
    after: int | None,
    limit: int,
) -> list[EntryView]:
    """`timeline` of the returnee of an offer. NotFound if the caller may not know that the offer exists."""
    returnee_id = await returnee_of(session, rights, offer_id)
    return await timeline(session, policy, rights, returnee_id, order=order, after=after, limit=limit)


async def accesses(session: AsyncSession, rights: Rights, returnee_id: UUID, page: PageRequest) -> Page[AccessView]:
    """Who read or changed data about this person, newest first. NotFound if the person is not known here."""
    await require_known(session, rights, returnee_id)
    return await access_log(session, returnee_id, page, restricted=rights.restricted)


def _view(row: Any, rights: Rights, known: frozenset[str]) -> EntryView:
    values = dict(row)
    values["by"] = role_of(values["step"], values["actor"], desks=known)
    if rights.organization_id is not None:
        values["actor"] = None
    return EntryView.model_validate(values)


async def require_known(session: AsyncSession, rights: Rights, returnee_id: UUID) -> None:
    """Raise NotFound if the caller may not know that the returnee exists."""
    if not await _is_known(session, rights, returnee_id):
        raise NotFound("There is no such journey")


async def _is_known(session: AsyncSession, rights: Rights, returnee_id: UUID) -> bool:
    connection = await raw(session)
    statement = _SEEN_BY_STAFF
    values: list[Any] = [returnee_id]
    if rights.organization_id is not None:
        statement, values = _SEEN_BY_PARTNER, [returnee_id, rights.organization_id, rights.restricted]
    known: bool = await connection.fetchval(statement, *values)
    return known
