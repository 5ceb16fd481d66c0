"""HTTP for the ends of identity data, for the data protection officer. To erase, use the erasure of the person."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.idempotency import KeyReused, OnceRequired
from libs.chassis.paging import Page, PageQuery
from libs.chassis.problems import responses
from libs.chassis.tenancy import STAFF
from services.registration.answering_errors import WholeCountryNeeded
from services.registration.audit.api import actor_of
from services.registration.errors import ReturneeErased
from services.registration.identity_ends import actions, queries
from services.registration.identity_ends.schemas import DuePerson, ExtensionBody, ExtensionView
from services.registration.pack import ThePack
from services.registration.walls import own

router = APIRouter(prefix="/v1", tags=["retention"])
Reader = Annotated[Caller, requires("retention:read", by=STAFF)]
Writer = Annotated[Caller, requires("retention:write", by=STAFF)]


@router.get("/retention/due", responses=responses(WholeCountryNeeded))
async def list_due(
    session: Session, caller: Reader, pack: ThePack, page: PageQuery, response: Response
) -> Page[DuePerson]:
    """People whose identity data have reached their end, who waited longest first: ids and case codes only.

    Nothing erases them but you: `POST /v1/returnees/{returnee_id}/erasure`, or extend. A page may have fewer entries
    than its limit; the last one has no `next`. Each person who is listed is recorded.
    """
    response.headers["Cache-Control"] = "no-store"
    days = pack.reception.retention.identity_days
    return await actions.list_due(session, page, days=days, actor=actor_of(caller, pack))


@router.post(
    "/returnees/{returnee_id}/retention-extensions",
    status_code=201,
    responses=responses(NotFound, ReturneeErased, KeyReused),
)
async def extend_retention(
    returnee_id: UUID, body: ExtensionBody, session: Session, caller: Writer, pack: ThePack, once: OnceRequired
) -> ExtensionView:
    """Keep the identity data of a person longer, for a coded reason. The person leaves the list until then.

    All records of the person that are merged are kept. An extension never shortens the time.
    """
    actor, days = actor_of(caller, pack), pack.reception.retention.identity_days

    async def do() -> UUID:
        return await actions.extend(session, returnee_id, body, days=days, actor=actor)

    extension_id = await once(session, own(session, do, returnee=returnee_id))
    return await queries.extension_view(session, extension_id)
