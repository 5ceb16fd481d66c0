"""HTTP for the parts that wait for a person."""

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
    is_open: Annotated[bool, Query(alias="open", description="Those that wait for a person, or those closed")] = True,
    returnee_id: Annotated[UUID | None, Query(description="Of one person only")] = None,
) -> Page[DoubtfulPartView]:
    """Parts of what was told by event that broke a rule and were set aside: the urgent ones first, then the oldest.

    Parts of needs are listed to who may see restricted ones.
    """
    actor = actor_of(caller, pack)
    return await queries.doubtful_parts(session, page, is_open=is_open, returnee_id=returnee_id, actor=actor)


@router.get("/doubtful-parts/{part_id}", responses=responses(NotFound))
async def look_up_doubtful_part(
    part_id: UUID, session: Session, caller: Desk, pack: ThePack, vault: TheVault, response: Response
) -> DoubtfulPartWithValue:
    """One part with what it said; each look is recorded."""
    response.headers["Cache-Control"] = "no-store"
    actor = actor_of(caller, pack)
    return await actions.look_up_doubtful_part(session, part_id, actor=actor, vault=vault)


@router.post("/doubtful-parts/{part_id}/close", responses=responses(NotFound, DoubtfulPartClosed, KeyReused))
async def close_doubtful_part(
    part_id: UUID, body: DoubtClosing, session: Session, caller: Desk, pack: ThePack, once: OnceOptional
) -> DoubtfulPartView:
    """Say what has been done; what the part said is then forgotten.

    `mended`: what it meant has been taken down by the ordinary routes (a need, a consent, the safe contact, a
    correction). `discarded`: it meant nothing, or nobody can know.
    """
    actor = actor_of(caller, pack)

    async def close() -> UUID:
        return await actions.close_doubtful_part(session, part_id, body, actor=actor)

    await once(session, own(session, close, doubtful_part=part_id))
    return await actions.show_doubtful_part(session, part_id, actor=actor)
