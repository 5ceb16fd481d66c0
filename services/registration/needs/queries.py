"""Queries of reported needs."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select

from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageRequest, page_of
from libs.events.codes import NeedCategory, Urgency
from libs.events.detail_values import as_told
from services.registration.audit.rules import Actor
from services.registration.needs import restricted
from services.registration.needs.restricted import Kept
from services.registration.needs.rules import KnownNeeds, NeedStatus, SecondNeedReason
from services.registration.needs.schemas import NeedOriginView, NeedView, NewNeed, RestrictedNeed
from services.registration.needs.tables import Need, NeedOrigin, NeedRepeat
from services.registration.people.tables import Returnee
from services.registration.vault.sealing import Vault

_Row = tuple[Need | RestrictedNeed, str | None]


async def known_needs(session: AsyncSession, person: Returnee, *, actor: Actor, vault: Vault) -> KnownNeeds:
    """The newest of the person's reported needs of each category and kind, as far as the caller may see them."""
    query = select(Need).where(
        Need.returnee_id == person.id, Need.status == NeedStatus.REPORTED.value, _seen_by(actor, person)
    )
    rows = (await session.exec(query.order_by(col(Need.id)))).all()
    hidden = [
        one
        for one in await _restricted(session, person, actor=actor, vault=vault)
        if one.returnee_id == person.id and one.status is NeedStatus.REPORTED
    ]
    told: list[Need | RestrictedNeed] = [*rows, *hidden]
    return KnownNeeds(
        of_category={one.category: one.id for one in told},
        of_kind={one.kind: one.id for one in told if one.kind is not None},
    )


async def told_urgencies(
    session: AsyncSession, person: Returnee, *, actor: Actor, vault: Vault
) -> dict[tuple[str, str | None], list[str]]:
    """The urgencies of all needs that the person has reported, by category and kind, as far as the caller may see
    them."""
    query = select(Need.category, Need.kind, Need.urgency).where(Need.returnee_id == person.id, _seen_by(actor, person))
    told: list[tuple[str, str | None, str]] = list((await session.exec(query)).all())
    hidden = await _restricted(session, person, actor=actor, vault=vault)
    told += [(one.category, one.kind, one.urgency.value) for one in hidden if one.returnee_id == person.id]
    urgencies: dict[tuple[str, str | None], list[str]] = {}
    for category, kind, urgency in told:
        urgencies.setdefault((category, kind), []).append(urgency)
    return urgencies


async def told_by_key(session: AsyncSession, new: NewNeed, *, vault: Vault) -> tuple[UUID, str, str | None] | None:
    """The id of the report that was recorded with this key before, and category and kind of its need, whether or not
    the caller may see it."""
    first = (await session.exec(select(Need.id, Need.category, Need.kind).where(Need.need_key == new.need_key))).first()
    if first is not None:
        return first
    joined = select(NeedRepeat.id, Need.category, Need.kind).join(Need, col(Need.id) == NeedRepeat.need_id)
    again = (await session.exec(joined.where(NeedRepeat.need_key == new.need_key))).first()
    if again is not None:
        return again
    kept = await restricted.told_before(session, new.id, new.need_key, vault=vault)
    if kept is None:
        return None
    repeat = await restricted.repeat_of(session, new.id, new.need_key, vault=vault)
    return (kept.need.id if repeat is None else repeat.id), kept.need.category, kept.need.kind


async def repeated_need(session: AsyncSession, told_id: UUID, *, vault: Vault) -> UUID | None:
    """The need that was reported again with this id, or None if it is the id of a need."""
    ordinary = (await session.exec(select(NeedRepeat.need_id).where(NeedRepeat.id == told_id))).first()
    if ordinary is not None:
        return ordinary
    repeat = await restricted.repeat_of(session, told_id, None, vault=vault)
    return None if repeat is None else repeat.need_id


async def need(
    session: AsyncSession, need_id: UUID, *, person: Returnee, actor: Actor, vault: Vault
) -> Need | RestrictedNeed:
    """One need of the person or of the person's household. NotFound if there is none, or if the caller may not see
    it."""
    kept = await restricted_need(session, need_id, person=person, actor=actor, vault=vault)
    return await ordinary_need(session, need_id, person=person, actor=actor) if kept is None else kept.need


async def restricted_need(
    session: AsyncSession, need_id: UUID, *, person: Returnee, actor: Actor, vault: Vault, lock: bool = False
) -> Kept | None:
    """The need if it is a restricted one and the caller may see it, otherwise None."""
    hidden = actor.hidden_categories(person.organization_id)
    if _hides_all(hidden, actor):
        return None
    found = await restricted.by_id(session, [need_id], vault=vault, lock=lock)
    seen = (one for one in found if _is_of(one.need, person))
    return next((one for one in seen if _shows(one.need, hidden, actor)), None)


async def ordinary_need(
    session: AsyncSession, need_id: UUID, *, person: Returnee, actor: Actor, lock: bool = False
) -> Need:
    """The need if it is an ordinary one; NotFound for a restricted one."""
    query = select(Need).where(Need.id == need_id, _of(person), _seen_by(actor, person))
    if lock:
        query = query.with_for_update(key_share=True)
    found = (await session.exec(query)).first()
    if found is None:
        raise NotFound
    return found


async def needs(
    session: AsyncSession, person: Returnee, page: PageRequest, *, actor: Actor, vault: Vault
) -> Page[NeedView]:
    """The needs of the person and of the person's household, in the order in which they were reported."""
    query = _with_prerequisite().where(_of(person), _seen_by(actor, person))
    if page.after is not None:
        query = query.where(col(Need.id) > UUID(page.after[0]))
    rows: list[_Row] = list((await session.exec(query.order_by(col(Need.id)).limit(page.limit + 1))).all())
    kept = await _restricted(session, person, actor=actor, vault=vault)
    rows += [(one, None) for one in kept if page.after is None or one.id > UUID(page.after[0])]
    hidden = actor.hidden_categories(person.organization_id)
    in_order = sorted(rows, key=lambda row: row[0].id)[: page.limit + 1]
    origins = await _origins(session, [row.id for row, _ in in_order if isinstance(row, Need)])
    return page_of(
        in_order,
        request=page,
        cursor_of=lambda row: [str(row[0].id)],
        view=lambda row: _need_view(*row, hidden=hidden, origins=origins),
    )


async def need_view(session: AsyncSession, need_id: UUID, *, person: Returnee, actor: Actor, vault: Vault) -> NeedView:
    """The view of one need, or NotFound."""
    kept = await restricted_need(session, need_id, person=person, actor=actor, vault=vault)
    if kept is not None:
        of_person = await _restricted(session, person, actor=actor, vault=vault)
        seen = next((one for one in of_person if one.id == need_id), kept.need)
        return _need_view(seen, None, hidden=())
    query = _with_prerequisite().where(Need.id == need_id, _of(person), _seen_by(actor, person))
    found = (await session.exec(query)).first()
    if found is None:
        raise NotFound
    origins = await _origins(session, [need_id])
    return _need_view(*found, hidden=actor.hidden_categories(person.organization_id), origins=origins)


async def origins_of_person(session: AsyncSession, returnee_id: UUID, instrument: str) -> dict[str, NeedOrigin]:
    """The newest need that followed from each rule of an instrument for this person, by rule."""
    query = select(NeedOrigin).join(Need, col(Need.id) == col(NeedOrigin.need_id))
    query = query.where(Need.returnee_id == returnee_id, NeedOrigin.instrument == instrument)
    rows = (await session.exec(query.order_by(col(NeedOrigin.need_id)))).all()
    return {row.rule: row for row in rows}


async def _origins(session: AsyncSession, need_ids: Collection[UUID]) -> dict[UUID, list[NeedOriginView]]:
    """The rules from which these needs follow, by need."""
    if not need_ids:
        return {}
    query = select(NeedOrigin).where(col(NeedOrigin.need_id).in_(list(need_ids)))
    found: dict[UUID, list[NeedOriginView]] = {}
    for row in (await session.exec(query.order_by(col(NeedOrigin.instrument), col(NeedOrigin.rule)))).all():
        view = NeedOriginView.model_validate(row, from_attributes=True)
        found.setdefault(row.need_id, []).append(view)
    return found


def _with_prerequisite() -> Select[Need, str]:
    """Needs, each with the category of its prerequisite."""
    prerequisite = aliased(Need)
    query = select(Need, prerequisite.category)
    return query.outerjoin(prerequisite, col(prerequisite.id) == col(Need.after_need_id))


async def _restricted(session: AsyncSession, person: Returnee, *, actor: Actor, vault: Vault) -> list[RestrictedNeed]:
    """The restricted needs of the person and the household that the caller may see. They do not name prerequisites
    that the caller may not see."""
    hidden = actor.hidden_categories(person.organization_id)
    if _hides_all(hidden, actor):
        return []
    found = await restricted.of_person(session, person.id, person.household_id, vault=vault)
    unseen = {one.id for one in found if not _shows(one, hidden, actor)}
    return [
        one.model_copy(update={"after_need_id": None}) if one.after_need_id in unseen else one
        for one in found
        if one.id not in unseen
    ]


def _hides_all(hidden: Collection[NeedCategory], actor: Actor) -> bool:
    return bool(hidden) and actor.sight.restricted_categories <= set(hidden)


def _shows(need: RestrictedNeed, hidden: Collection[NeedCategory], actor: Actor) -> bool:
    """Whether the caller may see a need of the store. A need of a category that is not restricted any more is shown
    only to callers who may see all."""
    return not hidden or need.category in actor.sight.restricted_categories - set(hidden)


def _is_of(need: RestrictedNeed, person: Returnee) -> bool:
    in_household = person.household_id is not None and need.household_id == person.household_id
    return need.returnee_id == person.id or in_household


def _need_view(
    row: Need | RestrictedNeed,
    after_category: str | None,
    *,
    hidden: Collection[NeedCategory],
    origins: Mapping[UUID, list[NeedOriginView]] = MappingProxyType({}),
) -> NeedView:
    own = [] if isinstance(row, Need) or row.origin is None else [row.origin]
    return NeedView(
        id=row.id,
        returnee_id=row.returnee_id,
        household_id=row.household_id,
        category=row.category,
        kind=row.kind,
        detail_values=as_told(row.detail_values),
        urgency=Urgency(row.urgency),
        people_count=row.people_count,
        after_need_id=None if after_category in hidden else row.after_need_id,
        status=NeedStatus(row.status),
        reported_at=row.reported_at,
        withdrawn_at=row.withdrawn_at,
        second_reason=None if row.second_reason is None else SecondNeedReason(row.second_reason),
        origins=origins.get(row.id, own),
    )


def _seen_by(actor: Actor, person: Returnee) -> ColumnElement[bool]:
    """The condition that omits needs that the caller may not see (domain P7)."""
    return col(Need.category).not_in(sorted(actor.hidden_categories(person.organization_id)))


def _of(person: Returnee) -> ColumnElement[bool]:
    own = col(Need.returnee_id) == person.id
    if person.household_id is None:
        return own
    return or_(own, col(Need.household_id) == person.household_id)
