"""HTTP for erasing a person."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.idempotency import KeyReused, OnceOptional
from libs.chassis.problems import responses
from libs.chassis.tenancy import STAFF
from services.registration.audit.api import actor_of
from services.registration.erasure import actions, queries
from services.registration.erasure.schemas import ErasureView
from services.registration.errors import ReturneeErased
from services.registration.pack import ThePack
from services.registration.vault.api import TheVault
from services.registration.walls import own

router = APIRouter(prefix="/v1", tags=["erasure"])


@router.post("/returnees/{returnee_id}/erasure", responses=responses(NotFound, ReturneeErased, KeyReused))
async def erase_returnee(
    returnee_id: UUID,
    session: Session,
    caller: Annotated[Caller, requires("erasure:write", by=STAFF)],
    pack: ThePack,
    once: OnceOptional,
    vault: TheVault,
) -> ErasureView:
    """Erase name, birth date, document number, contact and consent texts, and destroy the person's key.

    All records of the person that are merged are erased.

    De-identified data remain: month, department, age band, sex, nationality, categories of need.

    Organisations that fetched a packet of the person are asked to delete the data.
    """
    actor = actor_of(caller, pack)

    async def erase() -> UUID:
        return await actions.erase_returnee(session, returnee_id, pack=pack, actor=actor, vault=vault)

    await once(session, own(session, erase, returnee=returnee_id))
    return await own(session, lambda: queries.erasure_view(session, returnee_id))()
