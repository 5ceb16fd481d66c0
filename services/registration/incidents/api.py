"""HTTP for incidents, for the data protection officer."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session, now
from libs.chassis.errors import NotFound
from libs.chassis.etag import IfMatch, PreconditionRequired, VersionMismatch, etag_of
from libs.chassis.idempotency import KeyReused, OnceOptional, OnceRequired
from libs.chassis.paging import Page, PageQuery
from libs.chassis.problems import responses
from libs.chassis.tenancy import STAFF
from services.registration.answering_errors import IncidentClosed, WholeCountryNeeded
from services.registration.audit.api import actor_of
from services.registration.incidents import actions, queries
from services.registration.incidents.rules import IncidentStatus
from services.registration.incidents.schemas import (
    AffectedSearch,
    AffectedView,
    IncidentBody,
    IncidentClosing,
    IncidentMeasures,
    IncidentView,
)
from services.registration.pack import Pack, ThePack
from services.registration.walls import own

router = APIRouter(prefix="/v1", tags=["incidents"])
Reader = Annotated[Caller, requires("incidents:read", by=STAFF)]
Writer = Annotated[Caller, requires("incidents:write", by=STAFF)]


@router.post("/incidents/affected", responses=responses(WholeCountryNeeded))
async def find_affected(
    body: AffectedSearch, session: Session, caller: Reader, pack: ThePack, page: PageQuery, response: Response
) -> Page[AffectedView]:
    """Whose data a client, a person or an organisation read or wrote between two moments, with what and why.

    It is a POST, so that no name of a person of the staff is in a URL. You must see the whole country and restricted
    needs, because an incomplete list would look like a complete one. Each person who is listed is recorded. Ask
    referral too: it has a record of its own (`python -m services.referral.cli accesses`).
    """
    response.headers["Cache-Control"] = "no-store"
    return await actions.find_affected(session, body, page, actor=actor_of(caller, pack))


@router.post("/incidents", status_code=201, responses=responses(KeyReused))
async def record_incident(
    body: IncidentBody, session: Session, caller: Writer, pack: ThePack, once: OnceRequired, response: Response
) -> IncidentView:
    """Record an incident. It contains codes only and names nobody who is affected."""
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await actions.record_incident(session, body, actor=actor)

    incident_id = await once(session, own(session, do))
    response.headers["Location"] = f"/v1/incidents/{incident_id}"
    return await _answer(session, incident_id, response, pack)


@router.get("/incidents", responses=responses())
async def list_incidents(
    session: Session,
    caller: Reader,
    pack: ThePack,
    page: PageQuery,
    status: Annotated[IncidentStatus | None, Query(description="Only open, or only closed ones")] = None,
    overdue: Annotated[bool | None, Query(description="Only those with, or without, an overdue duty")] = None,
) -> Page[IncidentView]:
    """Incidents, newest first. `duties` says until when the authority and the people concerned must be told."""
    policy = pack.reception.incidents
    return await queries.incidents(session, page, status=status, overdue=overdue, policy=policy)


@router.get("/incidents/{incident_id}", responses=responses(NotFound))
async def look_up_incident(
    incident_id: UUID, session: Session, caller: Reader, pack: ThePack, response: Response
) -> IncidentView:
    """One incident."""
    return await _answer(session, incident_id, response, pack)


@router.post(
    "/incidents/{incident_id}/measures",
    responses=responses(NotFound, IncidentClosed, VersionMismatch, PreconditionRequired, KeyReused),
)
async def record_measures(
    incident_id: UUID,
    body: IncidentMeasures,
    session: Session,
    caller: Writer,
    pack: ThePack,
    once: OnceOptional,
    condition: IfMatch,
    response: Response,
) -> IncidentView:
    """Record what was done meanwhile. A duty that is done, or not required, is not watched any more.

    A duty that was recorded as not required counts as done as soon as its measure is recorded.
    """
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await actions.record_measures(session, incident_id, body, condition=condition, actor=actor)

    await once(session, own(session, do, incident=incident_id))
    return await _answer(session, incident_id, response, pack)


@router.post(
    "/incidents/{incident_id}/close",
    responses=responses(NotFound, IncidentClosed, VersionMismatch, PreconditionRequired, KeyReused),
)
async def close_incident(
    incident_id: UUID,
    body: IncidentClosing,
    session: Session,
    caller: Writer,
    pack: ThePack,
    once: OnceOptional,
    condition: IfMatch,
    response: Response,
) -> IncidentView:
    """Close an incident, with everything that was done about it. A duty for which the country pack sets a time must be
    done, or have a reason why it is not required."""
    actor, policy = actor_of(caller, pack), pack.reception.incidents

    async def do() -> UUID:
        return await actions.close_incident(session, incident_id, body, condition=condition, actor=actor, policy=policy)

    await once(session, own(session, do, incident=incident_id))
    return await _answer(session, incident_id, response, pack)


async def _answer(session: Session, incident_id: UUID, response: Response, pack: Pack) -> IncidentView:
    row = await queries.incident(session, incident_id)
    duties = (await queries.duties_of(session, [row.id]))[row.id]
    response.headers["ETag"] = etag_of(row.version)
    return queries.view(row, duties, policy=pack.reception.incidents, at=now(session))
