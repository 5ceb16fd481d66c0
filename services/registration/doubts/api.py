"""HTTP for the doubtful parts that wait for a review."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.idempotency import KeyReused, OnceOptional
from libs.chassis.paging import Page, PageQuery
from libs.chassis.problems import responses
from libs.chassis.tenancy import WHO_REGISTERS
from services.registration.audit.api import actor_of
from services.registration.doubts import actions, queries
from services.registration.doubts.schemas import DoubtClosing, DoubtfulPartView, DoubtfulPartWithValue
from services.registration.errors import DoubtfulPartClosed
from services.registration.pack import ThePack
from services.registration.vault.api import TheVault
from services.registration.walls import own

router = APIRouter(prefix="/v1", tags=["doubtful parts"])
Desk = Annotated[Caller, requires("intake:decide", by=WHO_REGISTERS)]


@router.get("/doubtful-parts")
async def list_doubtful_parts(
    session: Session,
    caller: Desk,
    pack: ThePack,
    page: PageQuery,
    is_open: Annotated[bool, Query(alias="open", description="Only open parts, or only closed ones")] = True,
    returnee_id: Annotated[UUID | None, Query(description="Only parts about this person")] = None,
) -> Page[DoubtfulPartView]:
    """Parts of arrival events that broke a rule and were set aside: urgent ones first, then the oldest.

    Parts of needs are listed only for callers who may see restricted needs.
    """
    actor = actor_of(caller, pack)
    return await queries.doubtful_parts(session, page, is_open=is_open, returnee_id=returnee_id, actor=actor)


@router.get("/doubtful-parts/{part_id}", responses=responses(NotFound))
async def look_up_doubtful_part(
    part_id: UUID, session: Session, caller: Desk, pack: ThePack, vault: TheVault, response: Response
) -> DoubtfulPartWithValue:
    """One part with its value; each access is recorded."""
    response.headers["Cache-Control"] = "no-store"
    actor = actor_of(caller, pack)
    return await actions.look_up_doubtful_part(session, part_id, actor=actor, vault=vault)


@router.post("/doubtful-parts/{part_id}/close", responses=responses(NotFound, DoubtfulPartClosed, KeyReused))
async def close_doubtful_part(
    part_id: UUID, body: DoubtClosing, session: Session, caller: Desk, pack: ThePack, once: OnceOptional
) -> DoubtfulPartView:
    """Close the part and state what was done; its value is then deleted.

    `mended`: the correct data were entered through the usual routes (a need, a consent, the safe contact, a
    correction). `discarded`: the value has no meaning, or nobody can find out what it means.
    """
    actor = actor_of(caller, pack)

    async def close() -> UUID:
        return await actions.close_doubtful_part(session, part_id, body, actor=actor)

    await once(session, own(session, close, doubtful_part=part_id))
    return await actions.show_doubtful_part(session, part_id, actor=actor)
