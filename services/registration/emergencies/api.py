"""HTTP for access in an emergency: to save a life, for one person, for a short time, with a second person."""

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
from libs.chassis.tenancy import STAFF, WHO_REGISTERS
from services.registration.audit.api import actor_of
from services.registration.audit.rules import EMERGENCY_SCOPE
from services.registration.emergencies import actions, queries
from services.registration.emergencies.schemas import (
    DecisionBody,
    EmergencyBody,
    EmergencyView,
    EmergencyWithWords,
    PersonInEmergency,
    ReviewBody,
)
from services.registration.pack import ThePack
from services.registration.protection_errors import (
    EmergencyDecided,
    EmergencyLasts,
    EmergencyNotOpen,
    EmergencyReviewed,
    SecondPersonNeeded,
)
from services.registration.vault.api import TheVault
from services.registration.walls import own

router = APIRouter(prefix="/v1", tags=["emergencies"])
Asking = Annotated[Caller, requires("emergency:open", by=WHO_REGISTERS)]
Looking = Annotated[Caller, requires("emergency-person:read", by=WHO_REGISTERS)]
Reader = Annotated[Caller, requires(EMERGENCY_SCOPE, by=STAFF)]
Second = Annotated[Caller, requires("emergency:approve", by=STAFF)]
Officer = Annotated[Caller, requires("emergency:review", by=STAFF)]
_CHANGE = (NotFound, SecondPersonNeeded, VersionMismatch, PreconditionRequired, KeyReused)


@router.post("/emergencies", status_code=201, responses=responses(NotFound, KeyReused))
async def ask_for_access(
    body: EmergencyBody,
    session: Session,
    caller: Asking,
    pack: ThePack,
    vault: TheVault,
    once: OnceRequired,
    response: Response,
) -> EmergencyView:
    """Ask for access to one person whom you may not see, to save a life. A second person decides.

    The data protection officer sees the request at once, and reviews it afterwards.
    """
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await actions.ask(session, body, actor=actor, vault=vault)

    emergency_id = await once(session, own(session, do))
    response.headers["Location"] = f"/v1/emergencies/{emergency_id}"
    view = await actions.show(session, emergency_id, pack=pack)
    response.headers["ETag"] = etag_of(view.version)
    return view


@router.get("/emergencies", responses=responses())
async def list_emergencies(
    session: Session,
    caller: Reader,
    pack: ThePack,
    page: PageQuery,
    to_review: Annotated[bool | None, Query(description="Only those without a review, or only reviewed ones")] = None,
) -> Page[EmergencyView]:
    """All requests for access in an emergency, newest first, in codes and times."""
    approve_within = pack.reception.emergencies.approve_within
    return await queries.emergencies(session, page, to_review=to_review, approve_within=approve_within)


@router.get("/emergencies/mine", responses=responses())
async def list_own_emergencies(
    session: Session, caller: Looking, pack: ThePack, page: PageQuery
) -> Page[EmergencyView]:
    """The requests that you made yourself, newest first, in codes and times, each with its state and its end."""
    approve_within, actor = pack.reception.emergencies.approve_within, actor_of(caller, pack)
    return await queries.emergencies(session, page, asked_by=actor.principal, approve_within=approve_within)


@router.get("/emergencies/{emergency_id}", responses=responses(NotFound))
async def look_up_emergency(
    emergency_id: UUID, session: Session, caller: Reader, pack: ThePack, vault: TheVault, response: Response
) -> EmergencyWithWords:
    """One request with what the caller wrote, for who approves or reviews it. Each access is recorded."""
    view = await actions.look_up(session, emergency_id, actor=actor_of(caller, pack), pack=pack, vault=vault)
    response.headers["ETag"] = etag_of(view.version)
    response.headers["Cache-Control"] = "no-store"
    return view


@router.post("/emergencies/{emergency_id}/decision", responses=responses(*_CHANGE, EmergencyDecided))
async def decide(
    emergency_id: UUID,
    body: DecisionBody,
    session: Session,
    caller: Second,
    pack: ThePack,
    once: OnceOptional,
    condition: IfMatch,
    response: Response,
) -> EmergencyView:
    """Approve or refuse as the second person. The access lasts the minutes of the pack, and ends by itself."""
    actor, policy = actor_of(caller, pack), pack.reception.emergencies

    async def do() -> UUID:
        return await actions.decide(session, emergency_id, body, condition=condition, actor=actor, policy=policy)

    await once(session, own(session, do, emergency=emergency_id))
    view = await actions.show(session, emergency_id, pack=pack)
    response.headers["ETag"] = etag_of(view.version)
    return view


@router.get("/emergencies/{emergency_id}/person", responses=responses(NotFound, EmergencyNotOpen))
async def read_person(
    emergency_id: UUID, session: Session, caller: Looking, pack: ThePack, vault: TheVault, response: Response
) -> PersonInEmergency:
    """Who the person is and how to reach them safely, for the caller that asked, as long as the access lasts.

    It shows no need, no flag and no history. Each access is recorded with the id of the emergency.
    """
    shown = await actions.read_person(session, emergency_id, actor=actor_of(caller, pack), pack=pack, vault=vault)
    response.headers["Cache-Control"] = "no-store"
    return shown


@router.post("/emergencies/{emergency_id}/review", responses=responses(*_CHANGE, EmergencyLasts, EmergencyReviewed))
async def review(
    emergency_id: UUID,
    body: ReviewBody,
    session: Session,
    caller: Officer,
    pack: ThePack,
    once: OnceOptional,
    condition: IfMatch,
    response: Response,
) -> EmergencyView:
    """Record what you found as the data protection officer. Who asked or approved does not review."""
    actor, policy = actor_of(caller, pack), pack.reception.emergencies

    async def do() -> UUID:
        return await actions.review(session, emergency_id, body, condition=condition, actor=actor, policy=policy)

    await once(session, own(session, do, emergency=emergency_id))
    view = await actions.show(session, emergency_id, pack=pack)
    response.headers["ETag"] = etag_of(view.version)
    return view
