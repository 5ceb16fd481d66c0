"""Queries of the deletion requests that a caller may see."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col, select, tuple_
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, own_work
from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageRequest, page_of
from libs.events.codes import DeletionReason
from services.registration.audit.rules import Actor
from services.registration.sharing.rules import DeletionAnswer, KeepingGround
from services.registration.sharing.schemas import DeletionRequestView
from services.registration.sharing.tables import DeletionRequest, PacketShare


async def requests_of_offer(
    session: AsyncSession, offer_id: UUID, *, actor: Actor, case_code: str | None = None
) -> list[DeletionRequest]:
    """The deletion requests to the caller's organisation for this packet, locked; NotFound if there are none."""
    query = select(DeletionRequest).where(
        DeletionRequest.offer_id == offer_id, DeletionRequest.organization_id == actor.organization_id
    )
    if actor.hidden_packets:
        query = query.where(_not_restricted(actor))
    if case_code is not None:
        query = query.where(DeletionRequest.case_code == case_code)
    found = list((await session.exec(query.order_by(col(DeletionRequest.returnee_id)).with_for_update())).all())
    if not found:
        raise NotFound
    return found


async def requests(
    session: AsyncSession,
    page: PageRequest,
    *,
    actor: Actor,
    answered: bool | None,
    overdue: bool | None,
    returnee_id: UUID | None = None,
) -> Page[DeletionRequestView]:
    """Requests in the order in which they were made: those of the organisation, or all of them for staff."""
    unanswered = col(DeletionRequest.answer).is_(None)
    query = select(DeletionRequest)
    if actor.hidden_packets:
        query = query.where(_not_restricted(actor))
    if actor.organization_id is not None:
        query = query.where(DeletionRequest.organization_id == actor.organization_id)
    if answered is not None:
        query = query.where(col(DeletionRequest.answer).is_not(None) if answered else unanswered)
    if returnee_id is not None:
        # Found by the shares of the person's packets, which have an index for it and are hidden from every caller.
        async with own_work(session):
            shared = select(PacketShare.offer_id).where(PacketShare.returnee_id == returnee_id)
            offers = (await session.exec(shared)).all()
        query = query.where(DeletionRequest.returnee_id == returnee_id, col(DeletionRequest.offer_id).in_(offers))
    at = now(session)
    if overdue is not None:
        late = unanswered & (col(DeletionRequest.answer_by) < at)
        query = query.where(late if overdue else ~late)
    key = (col(DeletionRequest.requested_at), col(DeletionRequest.offer_id), col(DeletionRequest.returnee_id))
    if page.after is not None:
        moment, *ids = page.after
        query = query.where(tuple_(*key) > (datetime.fromisoformat(moment), *map(UUID, ids)))
    rows = (await session.exec(query.order_by(*key).limit(page.limit + 1))).all()
    return page_of(
        rows,
        request=page,
        cursor_of=lambda row: [row.requested_at.isoformat(), str(row.offer_id), str(row.returnee_id)],
        view=lambda row: view(row, at=at),
    )


def view(row: DeletionRequest, *, at: datetime) -> DeletionRequestView:
    """The view of one request."""
    return DeletionRequestView(
        offer_id=row.offer_id,
        referral_id=row.referral_id,
        organization_id=row.organization_id,
        case_code=row.case_code,
        reason=DeletionReason(row.reason),
        requested_at=row.requested_at,
        answer_by=row.answer_by,
        overdue=row.answer is None and row.answer_by < at,
        answer=None if row.answer is None else DeletionAnswer(row.answer),
        ground=None if row.ground is None else KeepingGround(row.ground),
        answered_at=row.answered_at,
    )


def _not_restricted(actor: Actor) -> ColumnElement[bool]:
    """The condition that omits requests of restricted categories that the caller may not see (domain P7)."""
    return col(DeletionRequest.category).not_in(sorted(actor.hidden_packets))


async def shares(
    session: AsyncSession, returnee_ids: Collection[UUID]
) -> Sequence[tuple[PacketShare, DeletionRequest | None]]:
    """To whom packets of these people are open, or were, oldest first, with the deletion requests. The caller must see
    the people, and leaves out what it may not see."""
    of_share = (col(DeletionRequest.offer_id) == col(PacketShare.offer_id)) & (
        col(DeletionRequest.returnee_id) == col(PacketShare.returnee_id)
    )
    query = select(PacketShare, DeletionRequest).outerjoin(DeletionRequest, of_share)
    query = query.where(col(PacketShare.returnee_id).in_(returnee_ids)).order_by(col(PacketShare.offer_id))
    async with own_work(session):
        return [(share, asked) for share, asked in (await session.exec(query)).all()]
