"""HTTP for what was told once."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageQuery
from libs.chassis.problems import problem_response, responses
from libs.chassis.tenancy import ORGANIZATIONS, STAFF, WHO_REGISTERS
from services.registration.audit.api import actor_of
from services.registration.errors import (
    AlreadyAnswered,
    ConsentMissing,
    PacketClosed,
    PacketHalted,
    PacketNotReady,
    ReturneeErased,
)
from services.registration.pack import ThePack
from services.registration.told import actions, queries
from services.registration.told.schemas import AskedAgainView, QuestionBody, ToldView
from services.registration.vault.api import TheVault
from services.registration.walls import own

router = APIRouter(prefix="/v1", tags=["answers"])


@router.post(
    "/returnees/{returnee_id}/answers/check",
    response_model=ToldView,
    responses=responses(NotFound, ReturneeErased, AlreadyAnswered),
)
async def check_answer(
    returnee_id: UUID,
    body: QuestionBody,
    session: Session,
    caller: Annotated[Caller, requires("returnees:read", by=WHO_REGISTERS)],
    pack: ThePack,
    vault: TheVault,
    response: Response,
) -> ToldView | Response:
    """Before you ask a person a question: has it been answered?

    If so, you get the answer. A private one is a 409 `already-answered` without content: ask the desk, not the person.
    """
    response.headers["Cache-Control"] = "no-store"
    actor = actor_of(caller, pack)

    async def check() -> ToldView | None:
        return await actions.check_by_sight(session, returnee_id, body, actor=actor, vault=vault, pack=pack)

    return await own(session, check, returnee=returnee_id)() or _do_not_ask()


@router.post(
    "/packets/{offer_id}/answers/check",
    response_model=ToldView,
    responses=responses(
        NotFound, AlreadyAnswered, PacketNotReady, PacketHalted, PacketClosed, ReturneeErased, ConsentMissing
    ),
)
async def check_answer_for_offer(
    offer_id: UUID,
    body: QuestionBody,
    session: Session,
    caller: Annotated[Caller, requires("packets:read", by=ORGANIZATIONS)],
    pack: ThePack,
    vault: TheVault,
    response: Response,
) -> ToldView | Response:
    """The same for an organisation that has accepted an offer, as long as it may read the packet.

    You learn answers that the country shows to your type of service. Other answers are a 409 `already-answered` without
    content: do not ask the person again; ask the desk.
    """
    response.headers["Cache-Control"] = "no-store"
    actor = actor_of(caller, pack)
    told = await actions.check_by_offer(session, offer_id, body, actor=actor, vault=vault, pack=pack)
    return told or _do_not_ask()


@router.get("/asked-again", responses=responses())
async def list_asked_again(
    session: Session, caller: Annotated[Caller, requires("progress:read", by=STAFF)], page: PageQuery
) -> Page[AskedAgainView]:
    """How often each organisation wanted to ask a question that had been answered. The numbers contain no person."""
    return await queries.asked_again(session, page)


def _do_not_ask() -> Response:
    """The refusal as a response, not as an error, so that the access and the count are kept."""
    refused = problem_response(AlreadyAnswered())
    refused.headers["Cache-Control"] = "no-store"
    return refused
