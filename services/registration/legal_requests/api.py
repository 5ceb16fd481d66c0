"""HTTP for requests of authorities. No route here gives data of the person."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.etag import IfMatch, PreconditionRequired, VersionMismatch, etag_of
from libs.chassis.idempotency import KeyReused, OnceOptional, OnceRequired
from libs.chassis.paging import Page, PageQuery
from libs.chassis.problems import responses
from libs.chassis.tenancy import RECEPTION_AND_STAFF, STAFF
from services.registration.answering_errors import LegalRequestAnswered
from services.registration.audit.api import actor_of
from services.registration.errors import ReturneeErased
from services.registration.legal_requests import actions, queries
from services.registration.legal_requests.rules import RequestStatus
from services.registration.legal_requests.schemas import (
    LegalRequestAnswerBody,
    LegalRequestBody,
    LegalRequestView,
    LegalRequestWithWords,
)
from services.registration.pack import ThePack
from services.registration.vault.api import TheVault
from services.registration.walls import own

router = APIRouter(prefix="/v1", tags=["legal requests"])
Receiver = Annotated[Caller, requires("legal-requests:write", by=RECEPTION_AND_STAFF)]
Officer = Annotated[Caller, requires("legal-requests:read", by=STAFF)]
Answering = Annotated[Caller, requires("legal-requests:answer", by=STAFF)]


@router.post("/legal-requests", status_code=201, responses=responses(NotFound, ReturneeErased, KeyReused))
async def record_legal_request(
    body: LegalRequestBody,
    session: Session,
    caller: Receiver,
    pack: ThePack,
    vault: TheVault,
    once: OnceRequired,
    response: Response,
) -> LegalRequestView:
    """Record that an authority asks for data of a person. The data protection officer answers; you give nothing.

    A request about several people is one record for each of them.
    """
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await actions.record_legal_request(session, body, actor=actor, vault=vault)

    request_id = await once(session, own(session, do, returnee=body.returnee_id))
    response.headers["Location"] = f"/v1/legal-requests/{request_id}"
    return await _answer(session, request_id, caller, pack, response)


@router.get("/legal-requests", responses=responses())
async def list_legal_requests(
    session: Session,
    caller: Officer,
    pack: ThePack,
    page: PageQuery,
    status: Annotated[RequestStatus | None, Query(description="Only open, or only answered ones")] = None,
    returnee_id: Annotated[UUID | None, Query(description="Only those about this person")] = None,
) -> Page[LegalRequestView]:
    """Requests of authorities about people whom you may see, newest first, without what the authorities wrote."""
    actor = actor_of(caller, pack)
    return await queries.legal_requests(session, page, status=status, returnee_id=returnee_id, actor=actor)


@router.get("/legal-requests/{request_id}", responses=responses(NotFound))
async def look_up_legal_request(
    request_id: UUID, session: Session, caller: Officer, pack: ThePack, vault: TheVault, response: Response
) -> LegalRequestWithWords:
    """One request with what the authority wrote. Each access is recorded."""
    view = await actions.look_up_legal_request(session, request_id, actor=actor_of(caller, pack), vault=vault)
    response.headers["ETag"] = etag_of(view.version)
    response.headers["Cache-Control"] = "no-store"
    return view


@router.post(
    "/legal-requests/{request_id}/answer",
    responses=responses(NotFound, LegalRequestAnswered, VersionMismatch, PreconditionRequired, KeyReused),
)
async def answer_legal_request(
    request_id: UUID,
    body: LegalRequestAnswerBody,
    session: Session,
    caller: Answering,
    pack: ThePack,
    once: OnceOptional,
    condition: IfMatch,
    response: Response,
) -> LegalRequestView:
    """Record your answer to the authority, its ground, and whether the person has been told of the request.

    Nothing is sent. To refuse is always possible; to give needs a court order, a law, the person's consent or a vital
    interest. A deferred notice keeps the request out of the person's report until its time.
    """
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await actions.answer_legal_request(session, request_id, body, condition=condition, actor=actor)

    await once(session, own(session, do, legal_request=request_id))
    return await _answer(session, request_id, caller, pack, response)


async def _answer(
    session: Session, request_id: UUID, caller: Caller, pack: ThePack, response: Response
) -> LegalRequestView:
    view = await actions.show_legal_request(session, request_id, actor=actor_of(caller, pack))
    response.headers["ETag"] = etag_of(view.version)
    return view
