"""Needs as told."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select

from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageRequest, page_of
from libs.events.codes import NeedCategory, Urgency
from services.registration.audit.rules import Actor
from services.registration.needs.rules import NeedStatus, SecondNeedReason
from services.registration.needs.schemas import NeedView
from services.registration.needs.tables import Need, NeedRepeat
from services.registration.people.tables import Returnee


async def known_needs(session: AsyncSession, person: Returnee, *, actor: Actor) -> Mapping[NeedCategory, UUID]:
    """The person's reported needs by category, the newest of each; those that exist for the caller."""
    query = select(Need).where(
        Need.returnee_id == person.id, Need.status == NeedStatus.REPORTED.value, _seen_by(actor, person)
    )
    rows = (await session.exec(query.order_by(col(Need.id)))).all()
    return {NeedCategory(row.category): row.id for row in rows}


async def told_by_key(session: AsyncSession, need_key: bytes) -> tuple[UUID, str] | None:
    """The id of the telling that was recorded under this key before, and the category; whoever may see it."""
    first = (await session.exec(select(Need.id, Need.category).where(Need.need_key == need_key))).first()
    if first is not None:
        return first
    again = select(NeedRepeat.id, Need.category).join(Need, col(Need.id) == NeedRepeat.need_id)
    return (await session.exec(again.where(NeedRepeat.need_key == need_key))).first()


async def repeated_need(session: AsyncSession, told_id: UUID) -> UUID | None:
    """The need that was told again under this id, or None if it is the id of a need."""
    return (await session.exec(select(NeedRepeat.need_id).where(NeedRepeat.id == told_id))).first()


async def need(session: AsyncSession, need_id: UUID, *, person: Returnee, actor: Actor, lock: bool = False) -> Need:
    """One need of the person or of the person's household, or NotFound, also when it does not exist for the caller."""
    query = select(Need).where(Need.id == need_id, _of(person), _seen_by(actor, person))
    if lock:
        query = query.with_for_update(key_share=True)
    found = (await session.exec(query)).first()
    if found is None:
        raise NotFound
    return found


async def needs(session: AsyncSession, person: Returnee, page: PageRequest, *, actor: Actor) -> Page[NeedView]:
    """Needs of the person and of the person's household, in the order in which they were told."""
    query = _with_prerequisite().where(_of(person), _seen_by(actor, person))
    if page.after is not None:
        query = query.where(col(Need.id) > UUID(page.after[0]))
    rows = (await session.exec(query.order_by(col(Need.id)).limit(page.limit + 1))).all()
    hidden = actor.hidden_categories(person.organization_id)
    return page_of(
        rows, request=page, cursor_of=lambda row: [str(row[0].id)], view=lambda row: _need_view(*row, hidden=hidden)
    )


async def need_view(session: AsyncSession, need_id: UUID, *, person: Returnee, actor: Actor) -> NeedView:
    """One need as shown, or NotFound."""
    query = _with_prerequisite().where(Need.id == need_id, _of(person), _seen_by(actor, person))
    found = (await session.exec(query)).first()
    if found is None:
        raise NotFound
    return _need_view(*found, hidden=actor.hidden_categories(person.organization_id))


def _with_prerequisite() -> Select[Need, str]:
    """Needs, each with the category of the need that it waits for."""
    prerequisite = aliased(Need)
    query = select(Need, prerequisite.category)
    return query.outerjoin(prerequisite, col(prerequisite.id) == col(Need.after_need_id))


def _need_view(row: Need, after_category: str | None, *, hidden: Collection[NeedCategory]) -> NeedView:
    return NeedView(
        id=row.id,
        returnee_id=row.returnee_id,
        household_id=row.household_id,
        category=NeedCategory(row.category),
        urgency=Urgency(row.urgency),
        people_count=row.people_count,
        after_need_id=None if after_category in hidden else row.after_need_id,
        status=NeedStatus(row.status),
        reported_at=row.reported_at,
        withdrawn_at=row.withdrawn_at,
        second_reason=None if row.second_reason is None else SecondNeedReason(row.second_reason),
    )


def _seen_by(actor: Actor, person: Returnee) -> ColumnElement[bool]:
    """Without the needs that do not exist for the caller (domain P7)."""
    return col(Need.category).not_in(sorted(actor.hidden_categories(person.organization_id)))


def _of(person: Returnee) -> ColumnElement[bool]:
    own = col(Need.returnee_id) == person.id
    if person.household_id is None:
        return own
    return or_(own, col(Need.household_id) == person.household_id)
