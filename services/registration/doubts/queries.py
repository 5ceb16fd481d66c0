"""Queries of doubtful parts."""

import json
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageRequest, page_of
from services.registration.audit.rules import Actor
from services.registration.doubts.rules import NEEDS, Closing, ClosingReason
from services.registration.doubts.schemas import DoubtfulPartView, DoubtfulPartWithValue
from services.registration.doubts.tables import DoubtfulPart
from services.registration.people.queries import visible_to
from services.registration.people.tables import Returnee
from services.registration.vault.sealing import DataKey, VaultError

_OPEN = col(DoubtfulPart.closed_at).is_(None)


def _shown_to(actor: Actor) -> ColumnElement[bool]:
    """The condition for parts of people that the actor sees; parts about needs only if it may see restricted needs."""
    of_needs = col(DoubtfulPart.pointer).startswith(NEEDS)
    if not actor.sight.restricted:
        return and_(visible_to(actor), ~of_needs)
    if actor.organization_id is None:
        return visible_to(actor)
    return and_(visible_to(actor), or_(~of_needs, col(Returnee.organization_id) == actor.organization_id))


async def doubtful_part(
    session: AsyncSession, part_id: UUID, *, actor: Actor, lock: bool = False
) -> tuple[DoubtfulPart, str | None]:
    """One part and the person's case code; NotFound for a part of another organisation."""
    query = (
        select(DoubtfulPart, Returnee.case_code)
        .join(Returnee, col(Returnee.id) == col(DoubtfulPart.returnee_id))
        .where(DoubtfulPart.id == part_id, _shown_to(actor))
    )
    if lock:
        query = query.with_for_update(of=DoubtfulPart).execution_options(populate_existing=True)
    found = (await session.exec(query)).first()
    if found is None:
        raise NotFound
    return found[0], found[1]


async def doubtful_parts(
    session: AsyncSession, page: PageRequest, *, is_open: bool, returnee_id: UUID | None, actor: Actor
) -> Page[DoubtfulPartView]:
    """Parts that wait for a review, urgent ones first, then the oldest; or the closed ones."""
    query = (
        select(DoubtfulPart, Returnee.case_code)
        .join(Returnee, col(Returnee.id) == col(DoubtfulPart.returnee_id))
        .where(_shown_to(actor), _OPEN if is_open else ~_OPEN)
    )
    if returnee_id is not None:
        query = query.where(DoubtfulPart.returnee_id == returnee_id)
    if page.after is not None:
        query = query.where(_after(page.after[0] == "urgent", UUID(page.after[1])))
    query = query.order_by(col(DoubtfulPart.is_urgent).desc(), col(DoubtfulPart.id)).limit(page.limit + 1)
    return page_of(
        (await session.exec(query)).all(),
        request=page,
        cursor_of=lambda row: ["urgent" if row[0].is_urgent else "", str(row[0].id)],
        view=lambda row: view(row[0], row[1]),
    )


def _after(is_urgent: bool, part_id: UUID) -> ColumnElement[bool]:
    same = (col(DoubtfulPart.is_urgent) == is_urgent) & (col(DoubtfulPart.id) > part_id)
    return same | ~col(DoubtfulPart.is_urgent) if is_urgent else same


async def open_counts(session: AsyncSession) -> tuple[int, int]:
    """The number of parts that wait for a review, and how many of them are urgent."""
    urgent = func.count().filter(col(DoubtfulPart.is_urgent))
    row = (await session.exec(select(func.count(), urgent).select_from(DoubtfulPart).where(_OPEN))).one()
    return row[0], row[1]


def view(row: DoubtfulPart, case_code: str | None) -> DoubtfulPartView:
    """A part without its value."""
    return DoubtfulPartView(
        id=row.id,
        returnee_id=row.returnee_id,
        case_code=case_code,
        pointer=row.pointer,
        rule=row.rule,
        is_urgent=row.is_urgent,
        set_aside_at=row.set_aside_at,
        closing=None if row.closing is None else Closing(row.closing),
        closing_reason=None if row.closing_reason is None else ClosingReason(row.closing_reason),
        closed_at=row.closed_at,
    )


def view_with_value(
    row: DoubtfulPart, case_code: str | None, key: DataKey, *, before: DataKey | None = None
) -> DoubtfulPartWithValue:
    """A part with its value while it is open. `before` is the key of parts that were stored before `key` was used."""
    try:
        value = key.open_or_none(row.value_sealed, table="doubtful_part", column="value")
    except VaultError:
        if before is None:
            raise
        value = before.open_or_none(row.value_sealed, table="doubtful_part", column="value")
    return DoubtfulPartWithValue(
        **view(row, case_code).model_dump(), value=None if value is None else json.loads(value)
    )
