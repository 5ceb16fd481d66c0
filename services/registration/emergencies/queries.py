"""Queries of access in an emergency. Row-level security decides which requests a caller sees."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, own_work
from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageRequest, page_of
from services.registration.audit.rules import Actor
from services.registration.emergencies.rules import Decision, EmergencyReason, EmergencyState, Verdict, state_of
from services.registration.emergencies.schemas import EmergencyView, EmergencyWithWords
from services.registration.emergencies.tables import Emergency
from services.registration.organizations.queries import acting_for
from services.registration.people.tables import Returnee
from services.registration.vault.sealing import DataKey

TABLE = "emergency"


async def person_of(session: AsyncSession, case_code: str, *, actor: Actor) -> Returnee:
    """The person with this case code, locked against an erasure. NotFound also for a person who is erased, and for one
    who excludes the caller's organisation or the state for which it acts: that rule has no exception (domain P8)."""
    query = select(Returnee).where(Returnee.case_code == case_code, col(Returnee.erased_at).is_(None))
    found = (await session.exec(query.with_for_update(key_share=True))).first()
    if found is None or actor.organization_id in found.avoid_organizations:
        raise NotFound
    if actor.organization_id in await acting_for(session, found.avoid_countries):
        raise NotFound
    return found


async def emergency(
    session: AsyncSession, emergency_id: UUID, *, asked_by: str | None = None, lock: bool = False
) -> Emergency:
    """One request; NotFound if the caller may not see it, or if `asked_by` did not ask for it."""
    query = select(Emergency).where(Emergency.id == emergency_id).execution_options(populate_existing=True)
    if asked_by is not None:
        query = query.where(Emergency.asked_by == asked_by)
    found = (await session.exec(query.with_for_update() if lock else query)).first()
    if found is None:
        raise NotFound
    return found


async def person_under(session: AsyncSession, row: Emergency) -> Returnee:
    """The person of an emergency, as far as row-level security shows them; else NotFound."""
    found = (await session.exec(select(Returnee).where(Returnee.id == row.returnee_id))).first()
    if found is None or found.erased_at is not None:
        raise NotFound
    return found


async def emergencies(
    session: AsyncSession,
    page: PageRequest,
    *,
    approve_within: timedelta,
    to_review: bool | None = None,
    asked_by: str | None = None,
) -> Page[EmergencyView]:
    """Requests that the caller sees, newest first; with `asked_by` only those of this caller."""
    query = select(Emergency)
    if asked_by is not None:
        query = query.where(Emergency.asked_by == asked_by)
    if to_review is not None:
        unreviewed = col(Emergency.reviewed_at).is_(None)
        query = query.where(unreviewed if to_review else ~unreviewed)
    if page.after is not None:
        query = query.where(col(Emergency.id) < UUID(page.after[0]))
    rows = (await session.exec(query.order_by(col(Emergency.id).desc()).limit(page.limit + 1))).all()
    at = now(session)
    return page_of(
        rows,
        request=page,
        cursor_of=lambda row: [str(row.id)],
        view=lambda row: view(row, approve_within=approve_within, at=at),
    )


async def about(session: AsyncSession, returnee_ids: Collection[UUID]) -> Sequence[Emergency]:
    """All requests about these people, oldest first, whoever asked."""
    query = select(Emergency).where(col(Emergency.returnee_id).in_(returnee_ids))
    async with own_work(session):  # a person is told of all looks, by staff who do not see the requests themselves
        return (await session.exec(query.order_by(col(Emergency.id)))).all()


async def unreviewed_count(session: AsyncSession) -> int:
    """How many emergencies the data protection officer still has to review."""
    query = select(func.count()).select_from(Emergency).where(col(Emergency.reviewed_at).is_(None))
    return (await session.exec(query)).one()


def state(row: Emergency, *, approve_within: timedelta, at: datetime) -> EmergencyState:
    """The state of a request at a moment."""
    return state_of(row.decision, asked_at=row.asked_at, ends_at=row.ends_at, approve_within=approve_within, at=at)


def view(row: Emergency, *, approve_within: timedelta, at: datetime) -> EmergencyView:
    """A request in codes and times."""
    return EmergencyView(
        id=row.id,
        version=row.version,
        returnee_id=row.returnee_id,
        reason=EmergencyReason(row.reason),
        state=state(row, approve_within=approve_within, at=at),
        organization_id=row.organization_id,
        asked_at=row.asked_at,
        asked_by=row.asked_by,
        decision=None if row.decision is None else Decision(row.decision),
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        ends_at=row.ends_at,
        reviewed_at=row.reviewed_at,
        verdict=None if row.verdict is None else Verdict(row.verdict),
    )


def with_words(told: EmergencyView, row: Emergency, key: DataKey | None) -> EmergencyWithWords:
    """A request with what the caller wrote; without a key the person is erased, and nothing of it is left."""
    words = None if key is None else key.open_or_none(row.words_sealed, table=TABLE, column=f"words.{row.id}")
    return EmergencyWithWords(**told.model_dump(), words=words)
