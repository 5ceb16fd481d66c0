"""Queries of requests of authorities."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageRequest, page_of
from services.registration.audit.rules import Actor
from services.registration.legal_requests.rules import (
    Asked,
    Authority,
    Ground,
    Notice,
    NoticeReason,
    RequestAnswer,
    RequestStatus,
)
from services.registration.legal_requests.schemas import LegalRequestView, LegalRequestWithWords
from services.registration.legal_requests.tables import LegalRequest
from services.registration.people.queries import visible_to
from services.registration.people.tables import Returnee
from services.registration.vault.sealing import DataKey


def _seen_by(actor: Actor) -> ColumnElement[bool]:
    return col(LegalRequest.returnee_id).in_(select(Returnee.id).where(visible_to(actor)))


async def legal_request(session: AsyncSession, request_id: UUID, *, actor: Actor, lock: bool = False) -> LegalRequest:
    """One request; NotFound if the caller may not see the person."""
    query = select(LegalRequest).where(LegalRequest.id == request_id, _seen_by(actor))
    query = query.execution_options(populate_existing=True)
    found = (await session.exec(query.with_for_update() if lock else query)).first()
    if found is None:
        raise NotFound
    return found


async def legal_requests(
    session: AsyncSession, page: PageRequest, *, status: RequestStatus | None, returnee_id: UUID | None, actor: Actor
) -> Page[LegalRequestView]:
    """Requests about people whom the caller may see, newest first."""
    query = select(LegalRequest).where(_seen_by(actor))
    if status is not None:
        query = query.where(LegalRequest.status == status.value)
    if returnee_id is not None:
        query = query.where(LegalRequest.returnee_id == returnee_id)
    if page.after is not None:
        query = query.where(col(LegalRequest.id) < UUID(page.after[0]))
    rows = (await session.exec(query.order_by(col(LegalRequest.id).desc()).limit(page.limit + 1))).all()
    return page_of(rows, request=page, cursor_of=lambda row: [str(row.id)], view=view)


async def about(session: AsyncSession, returnee_ids: Collection[UUID]) -> Sequence[LegalRequest]:
    """All requests about these people, oldest first."""
    query = select(LegalRequest).where(col(LegalRequest.returnee_id).in_(returnee_ids))
    return (await session.exec(query.order_by(col(LegalRequest.id)))).all()


def view(row: LegalRequest) -> LegalRequestView:
    """A request without what the authority wrote."""
    return LegalRequestView(
        id=row.id,
        version=row.version,
        returnee_id=row.returnee_id,
        status=RequestStatus(row.status),
        authority=Authority(row.authority),
        asked=[Asked(code) for code in row.asked],
        received_at=row.received_at,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
        answer=None if row.answer is None else RequestAnswer(row.answer),
        ground=None if row.ground is None else Ground(row.ground),
        given=[Asked(code) for code in row.given],
        answered_at=row.answered_at,
        answered_by=row.answered_by,
        notice=None if row.notice is None else Notice(row.notice),
        notice_reason=None if row.notice_reason is None else NoticeReason(row.notice_reason),
        notice_due_at=row.notice_due_at,
    )


def view_with_words(row: LegalRequest, key: DataKey | None) -> LegalRequestWithWords:
    """A request with what the authority wrote; without a key the person is erased, and nothing of it is left."""
    reference = words = None
    if key is not None:
        reference = key.open_or_none(row.reference_sealed, table="legal_request", column=f"reference.{row.id}")
        words = key.open_or_none(row.words_sealed, table="legal_request", column=f"words.{row.id}")
    return LegalRequestWithWords(**view(row).model_dump(), reference=reference, words=words)
