"""HTTP for deletion requests: an organisation sees its own, staff see all."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session, now
from libs.chassis.errors import NotFound
from libs.chassis.idempotency import KeyReused, OnceRequired
from libs.chassis.paging import Page, PageQuery
from libs.chassis.problems import responses
from libs.chassis.tenancy import ORGANIZATIONS, ORGANIZATIONS_AND_STAFF, StaffOnly
from services.registration.audit.api import actor_of
from services.registration.pack import ThePack
from services.registration.sharing import actions, queries
from services.registration.sharing.schemas import DeletionAnswerBody, DeletionRequestView
from services.registration.walls import own

_EXAMPLES = {
    "deleted": {"value": {"answer": "deleted"}},
    "kept": {"value": {"answer": "kept_by_law", "ground": "health_record"}},
}
AnswerBody = Annotated[DeletionAnswerBody, Body(openapi_examples=_EXAMPLES)]

router = APIRouter(prefix="/v1", tags=["packets"])


@router.get("/deletion-requests", responses=responses(StaffOnly))
async def list_deletion_requests(
    session: Session,
    caller: Annotated[Caller, requires("deletions:read", by=ORGANIZATIONS_AND_STAFF)],
    pack: ThePack,
    page: PageQuery,
    answered: Annotated[bool | None, Query(description="Only requests with, or only without, an answer")] = None,
    overdue: Annotated[bool | None, Query(description="Only requests whose answer is, or is not, overdue")] = None,
    returnee_id: Annotated[UUID | None, Query(description="Only those about this person; for staff only")] = None,
) -> Page[DeletionRequestView]:
    """Deletion requests, oldest first: those of your organisation, or all of them for staff."""
    if returnee_id is not None and not caller.tenant.staff:
        raise StaffOnly
    return await queries.requests(
        session, page, actor=actor_of(caller, pack), answered=answered, overdue=overdue, returnee_id=returnee_id
    )


@router.post("/packets/{offer_id}/deletion", responses=responses(NotFound, KeyReused))
async def answer_deletion(
    offer_id: UUID,
    body: AnswerBody,
    session: Session,
    caller: Annotated[Caller, requires("deletions:answer", by=ORGANIZATIONS)],
    pack: ThePack,
    once: OnceRequired,
) -> list[DeletionRequestView]:
    """Report what you did with the data of the packet. A later answer replaces an earlier one."""
    actor = actor_of(caller, pack)

    async def answer() -> UUID:
        return await actions.answer_deletion(session, offer_id, body, actor=actor)

    await once(session, own(session, answer, deletion_request=offer_id))
    rows = await queries.requests_of_offer(session, offer_id, actor=actor, case_code=body.case_code)
    return [queries.view(row, at=now(session)) for row in rows]
