"""Record, show and answer requests of authorities."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now
from libs.chassis.errors import FieldError, InvalidInput
from libs.chassis.etag import Condition
from services.registration.answering_errors import LegalRequestAnswered
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.legal_requests import queries
from services.registration.legal_requests.rules import RequestStatus, answer_faults, notice_faults
from services.registration.legal_requests.schemas import (
    LegalRequestAnswerBody,
    LegalRequestBody,
    LegalRequestView,
    LegalRequestWithWords,
)
from services.registration.legal_requests.tables import LegalRequest
from services.registration.people.queries import returnee
from services.registration.vault.queries import data_key, data_keys
from services.registration.vault.sealing import Vault


async def record_legal_request(session: AsyncSession, body: LegalRequestBody, *, actor: Actor, vault: Vault) -> UUID:
    """Record a request of an authority; return its id."""
    at = now(session)
    if body.received_at > at:
        raise InvalidInput(errors=[FieldError("/received_at", "not-in-future", "This time is in the future.")])
    # The lock on the person prevents an erasure between the sealing and the commit.
    person = await returnee(session, body.returnee_id, actor=actor, lock=True)
    key, row_id = await data_key(vault, person.id), uuid7()
    row = LegalRequest(
        id=row_id,
        returnee_id=person.id,
        authority=body.authority.value,
        asked=sorted({one.value for one in body.asked}),
        reference_sealed=key.seal(body.reference, table="legal_request", column=f"reference.{row_id}"),
        words_sealed=key.seal_or_none(body.words, table="legal_request", column=f"words.{row_id}"),
        received_at=body.received_at,
        recorded_at=at,
        recorded_by=actor.who,
    )
    session.add(row)
    await session.flush()
    await record(session, actor, [_access(row, AccessKind.WRITE, "record")])
    return row.id


async def look_up_legal_request(
    session: AsyncSession, request_id: UUID, *, actor: Actor, vault: Vault
) -> LegalRequestWithWords:
    """One request with what the authority wrote. The access is recorded."""
    row = await queries.legal_request(session, request_id, actor=actor)
    keys = await data_keys(vault, [row.returnee_id])
    await record(session, actor, [_access(row, AccessKind.READ, "read")])
    return queries.view_with_words(row, keys.get(row.returnee_id))


async def show_legal_request(session: AsyncSession, request_id: UUID, *, actor: Actor) -> LegalRequestView:
    """One request, for the caller that has just written it."""
    return queries.view(await queries.legal_request(session, request_id, actor=actor))


async def answer_legal_request(
    session: AsyncSession, request_id: UUID, body: LegalRequestAnswerBody, *, condition: Condition, actor: Actor
) -> UUID:
    """Record the answer and the notice to the person. Nothing is sent to the authority or to the person."""
    row = await queries.legal_request(session, request_id, actor=actor, lock=True)
    condition.check(row.version)
    if row.status == RequestStatus.ANSWERED.value:
        raise LegalRequestAnswered
    at = now(session)
    asked = queries.view(row).asked
    faults = answer_faults(body.answer, body.ground, body.given, asked=asked)
    faults += notice_faults(body.notice.status, body.notice.reason, body.notice.due_at, at=at)
    if faults:
        raise InvalidInput(errors=faults)
    row.status, row.version = RequestStatus.ANSWERED.value, row.version + 1
    row.answer, row.ground = body.answer.value, body.ground.value
    row.given = sorted({one.value for one in body.given})
    row.answered_at, row.answered_by = at, actor.who
    row.notice = body.notice.status.value
    row.notice_reason = None if body.notice.reason is None else body.notice.reason.value
    row.notice_due_at = body.notice.due_at
    session.add(row)
    await session.flush()
    await record(session, actor, [_access(row, AccessKind.WRITE, "answer")])
    return row.id


def _access(row: LegalRequest, kind: AccessKind, verb: str) -> Access:
    """The access to a request. As long as the person is not to be told of the request, the record tells nobody of it
    who sees only the ordinary entries: its action has the prefix of restricted ones."""
    return Access(
        subject_id=row.returnee_id,
        kind=kind,
        action=f"restricted.legal_request.{verb}",
        purpose=AccessPurpose.LEGAL_REQUEST,
        fields=["legal_request"],
    )
