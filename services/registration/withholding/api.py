"""HTTP for the private people whom a person excludes, and for the reasons of what a person withholds."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.idempotency import KeyReused, OnceOptional, OnceRequired
from libs.chassis.problems import responses
from libs.chassis.tenancy import WHO_REGISTERS
from services.registration.audit.api import actor_of
from services.registration.errors import ReturneeErased
from services.registration.pack import ThePack
from services.registration.vault.api import TheVault
from services.registration.walls import own
from services.registration.withholding import actions
from services.registration.withholding.schemas import ExcludedPersonBody, ExcludedPersonView, ReasonBody, ReasonView

router = APIRouter(prefix="/v1", tags=["withholding"])
Reader = Annotated[Caller, requires("returnees:read", by=WHO_REGISTERS)]
Writer = Annotated[Caller, requires("returnees:write", by=WHO_REGISTERS)]


@router.post(
    "/returnees/{returnee_id}/excluded-people",
    status_code=201,
    responses=responses(NotFound, ReturneeErased, KeyReused),
)
async def exclude_person(
    returnee_id: UUID,
    body: ExcludedPersonBody,
    session: Session,
    caller: Writer,
    pack: ThePack,
    vault: TheVault,
    once: OnceRequired,
    response: Response,
) -> list[ExcludedPersonView]:
    """Record that a person excludes a private person, such as a violent partner. The answer lists all of them.

    The two are never put into one household, and are not in each other's packets. A child is not released to them.
    If they are in one household, the person who excludes leaves it at once. The record of the excluded person shows
    nothing of it.
    """
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await actions.exclude_person(session, returnee_id, body, actor=actor, vault=vault, pack=pack)

    await once(session, own(session, do, returnee=returnee_id))
    response.headers["Cache-Control"] = "no-store"
    return await actions.look_up_excluded(session, returnee_id, actor=actor, vault=vault)


@router.get("/returnees/{returnee_id}/excluded-people", responses=responses(NotFound, ReturneeErased))
async def list_excluded_people(
    returnee_id: UUID, session: Session, caller: Reader, pack: ThePack, vault: TheVault, response: Response
) -> list[ExcludedPersonView]:
    """The private people whom a person excludes, in the order in which they were told. Each access is recorded."""
    response.headers["Cache-Control"] = "no-store"
    return await actions.look_up_excluded(session, returnee_id, actor=actor_of(caller, pack), vault=vault)


@router.post(
    "/returnees/{returnee_id}/excluded-people/{exclusion_id}/end",
    responses=responses(NotFound, ReturneeErased, KeyReused),
)
async def end_exclusion(
    returnee_id: UUID,
    exclusion_id: UUID,
    session: Session,
    caller: Writer,
    pack: ThePack,
    vault: TheVault,
    once: OnceOptional,
    response: Response,
) -> list[ExcludedPersonView]:
    """End an exclusion when the person says so. What was told is deleted; nobody is put into a household by it."""
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await actions.end_exclusion(session, returnee_id, exclusion_id, actor=actor)

    await once(session, own(session, do, returnee=returnee_id))
    response.headers["Cache-Control"] = "no-store"
    return await actions.look_up_excluded(session, returnee_id, actor=actor, vault=vault)


@router.put("/returnees/{returnee_id}/withholding-reasons", responses=responses(NotFound, ReturneeErased))
async def set_withholding_reason(
    returnee_id: UUID,
    body: ReasonBody,
    session: Session,
    caller: Writer,
    pack: ThePack,
    vault: TheVault,
    response: Response,
) -> list[ReasonView]:
    """Record why a person excludes an organisation, a place or a state, or allows no sharing for a purpose.

    Nobody must say why: ask once, and send nothing if the person does not say it. It changes no service.
    """
    actor = actor_of(caller, pack)

    async def do() -> None:
        await actions.set_reason(session, returnee_id, body, actor=actor, vault=vault, pack=pack)

    await own(session, do, returnee=returnee_id)()
    response.headers["Cache-Control"] = "no-store"
    return await actions.look_up_reasons(session, returnee_id, actor=actor, vault=vault)


@router.get("/returnees/{returnee_id}/withholding-reasons", responses=responses(NotFound, ReturneeErased))
async def list_withholding_reasons(
    returnee_id: UUID, session: Session, caller: Reader, pack: ThePack, vault: TheVault, response: Response
) -> list[ReasonView]:
    """Why a person withholds what they withhold now, as far as they said it. Each access is recorded."""
    response.headers["Cache-Control"] = "no-store"
    return await actions.look_up_reasons(session, returnee_id, actor=actor_of(caller, pack), vault=vault)
