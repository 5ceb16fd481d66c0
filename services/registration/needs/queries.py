"""Needs as told."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import ColumnElement, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageRequest, page_of
from libs.events.codes import NeedCategory, Urgency
from services.registration.needs.rules import NeedStatus
from services.registration.needs.schemas import NeedView
from services.registration.needs.tables import Need
from services.registration.people.tables import Returnee


async def known_needs(session: AsyncSession, returnee_id: UUID) -> Mapping[NeedCategory, UUID]:
    """The person's reported needs by category, the newest of each."""
    query = select(Need).where(Need.returnee_id == returnee_id, Need.status == NeedStatus.REPORTED.value)
    rows = (await session.exec(query.order_by(col(Need.id)))).all()
    return {NeedCategory(row.category): row.id for row in rows}


async def needs_by_key(session: AsyncSession, need_keys: Collection[bytes]) -> dict[bytes, UUID]:
    """Which of these needs have been recorded before."""
    rows = await (await raw(session)).fetch("SELECT need_key, id FROM need WHERE need_key = ANY($1)", list(need_keys))
    return {row["need_key"]: row["id"] for row in rows}


async def need(session: AsyncSession, need_id: UUID, *, person: Returnee, lock: bool = False) -> Need:
    """One need of the person or of the person's household, or NotFound."""
    query = select(Need).where(Need.id == need_id, _of(person))
    if lock:
        query = query.with_for_update(key_share=True)
    found = (await session.exec(query)).first()
    if found is None:
        raise NotFound
    return found


async def needs(session: AsyncSession, person: Returnee, page: PageRequest) -> Page[NeedView]:
    """Needs of the person and of the person's household, in the order in which they were told."""
    query = select(Need).where(_of(person))
    if page.after is not None:
        query = query.where(col(Need.id) > UUID(page.after[0]))
    rows = (await session.exec(query.order_by(col(Need.id)).limit(page.limit + 1))).all()
    return page_of(rows, request=page, cursor_of=lambda row: [str(row.id)], view=need_view)


def need_view(row: Need) -> NeedView:
    """A need as shown."""
    return NeedView(
        id=row.id,
        returnee_id=row.returnee_id,
        household_id=row.household_id,
        category=NeedCategory(row.category),
        urgency=Urgency(row.urgency),
        people_count=row.people_count,
        after_need_id=row.after_need_id,
        status=NeedStatus(row.status),
        reported_at=row.reported_at,
        withdrawn_at=row.withdrawn_at,
    )


def _of(person: Returnee) -> ColumnElement[bool]:
    own = col(Need.returnee_id) == person.id
    if person.household_id is None:
        return own
    return or_(own, col(Need.household_id) == person.household_id)
