"""Households with their members."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.errors import NotFound
from services.registration.audit.rules import Actor
from services.registration.households.schemas import HouseholdState, HouseholdView
from services.registration.households.tables import Household
from services.registration.people.tables import Returnee

_MEMBERS = """
    SELECT h.id, h.reference_returnee_id, h.version, h.expected_size, h.stay_together,
           array_agg(r.id ORDER BY r.id) AS member_ids,
           min(r.traceparent) FILTER (WHERE r.id = h.reference_returnee_id) AS traceparent
    FROM household h JOIN returnee r ON r.household_id = h.id AND r.erased_at IS NULL
    WHERE h.id = ANY($1) GROUP BY h.id ORDER BY h.id
"""


async def household_states(session: AsyncSession, household_ids: Collection[UUID]) -> list[HouseholdState]:
    """Households with their members as this transaction sees them; lock them first."""
    if not household_ids:
        return []
    rows = await (await raw(session)).fetch(_MEMBERS, list(household_ids))
    return [HouseholdState(**dict(row)) for row in rows]


async def household_view(session: AsyncSession, household_id: UUID, *, actor: Actor) -> HouseholdView:
    """One household with its members."""
    await household(session, household_id, actor=actor)
    for state in await household_states(session, [household_id]):
        return HouseholdView(
            id=state.id,
            version=state.version,
            reference_returnee_id=state.reference_returnee_id,
            member_ids=list(state.member_ids),
            expected_size=state.expected_size,
            stay_together=state.stay_together,
        )
    raise NotFound


async def household(session: AsyncSession, household_id: UUID, *, actor: Actor, lock: bool = False) -> Household:
    """One household; NotFound for another organisation's."""
    query = select(Household).where(Household.id == household_id)
    if lock:
        query = query.with_for_update(key_share=True)
    if actor.organization_id is not None:
        mine = col(Household.organization_id)
        query = query.where(or_(mine.is_(None), mine == actor.organization_id))
    found = (await session.exec(query)).first()
    if found is None:
        raise NotFound
    return found


async def members_of(session: AsyncSession, household_id: UUID) -> list[Returnee]:
    """The members of a household who are not erased, in the order in which they were registered."""
    query = select(Returnee).where(Returnee.household_id == household_id, col(Returnee.erased_at).is_(None))
    return list((await session.exec(query.order_by(col(Returnee.id)))).all())
