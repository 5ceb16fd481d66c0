"""HTTP for returnees: look up, search, and the record of access."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.etag import etag_of
from libs.chassis.paging import LARGEST_PAGE, Page, PageQuery
from libs.chassis.problems import responses
from libs.chassis.rates import Rates
from libs.chassis.tenancy import WHO_REGISTERS
from services.registration.audit.api import actor_of
from services.registration.audit.rules import AccessPurpose
from services.registration.audit.schemas import AccessView
from services.registration.errors import ReturneeErased
from services.registration.pack import ThePack
from services.registration.people.actions import people
from services.registration.people.schemas import (
    FoundReturnees,
    ReturneeSearch,
    ReturneeView,
)
from services.registration.vault.api import TheVault

router = APIRouter(prefix="/v1", tags=["returnees"])
Reader = Annotated[Caller, requires("returnees:read", by=WHO_REGISTERS)]
Writer = Annotated[Caller, requires("returnees:write", by=WHO_REGISTERS)]
Purpose = Annotated[AccessPurpose, Query(description="The purpose of this access; it is recorded")]


@router.get("/returnees/{returnee_id}", responses=responses(NotFound, ReturneeErased))
async def look_up_returnee(
    returnee_id: UUID,
    session: Session,
    caller: Reader,
    pack: ThePack,
    vault: TheVault,
    response: Response,
    purpose: Purpose = AccessPurpose.REGISTRATION,
) -> ReturneeView:
    """One returnee with identity. Each access is recorded; the person can get the list."""
    actor = actor_of(caller, pack)
    view = await people.look_up_returnee(session, returnee_id, purpose=purpose, actor=actor, vault=vault)
    response.headers["ETag"] = etag_of(view.version)
    response.headers["Cache-Control"] = "no-store"
    return view


@router.post("/returnees/search", responses=responses())
async def search_returnees(
    body: ReturneeSearch,
    request: Request,
    session: Session,
    caller: Reader,
    pack: ThePack,
    vault: TheVault,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="The maximum number of results")] = 50,
) -> FoundReturnees:
    """Find people by name, document number or case code. This is a POST, so that no name is in a URL.

    You find only people whom you may see: those of your reception places and those that you registered. Each person
    shown is recorded; the search terms are not. A search for a case code that does not exist counts as a request for
    something unknown: too many of them get a 429.
    """
    response.headers["Cache-Control"] = "no-store"
    found = await people.search_returnees(session, body, limit=limit, actor=actor_of(caller, pack), vault=vault)
    if body.case_code is not None and not found.items:
        rates: Rates = request.app.state.rates
        rates.guessed(request)
    return found


@router.get("/returnees/{returnee_id}/access-log", responses=responses(NotFound))
async def look_up_access_log(
    returnee_id: UUID,
    session: Session,
    caller: Annotated[Caller, requires("access-log:read", by=WHO_REGISTERS)],
    pack: ThePack,
    page: PageQuery,
) -> Page[AccessView]:
    """Who read or wrote this person's data, when and why, newest first; also after erasure.

    Traces are shown only to staff of the network, because one trace covers all who help the person.
    """
    log = await people.look_up_access_log(session, returnee_id, page, actor=actor_of(caller, pack))
    if not caller.tenant.staff:
        log.items = [one.model_copy(update={"trace_id": None}) for one in log.items]
    return log
