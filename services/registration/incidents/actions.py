"""Record and close incidents, and find the people who are affected."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now
from libs.chassis.errors import InvalidInput
from libs.chassis.etag import Condition
from libs.chassis.paging import Page, PageRequest
from services.registration.answering_errors import IncidentClosed, WholeCountryNeeded
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.incidents import queries
from services.registration.incidents.rules import IncidentStatus, search_faults, times_faults
from services.registration.incidents.schemas import AffectedSearch, AffectedView, IncidentBody, IncidentClosing
from services.registration.incidents.tables import Incident


async def find_affected(
    session: AsyncSession, body: AffectedSearch, page: PageRequest, *, actor: Actor
) -> Page[AffectedView]:
    """The people who are affected. Each of them finds this look in their own list.

    Only for callers who see everybody and restricted needs: others would take an incomplete list for a complete one.
    """
    if not (actor.sight.everywhere and actor.sight.restricted and not actor.sight.children_only):
        raise WholeCountryNeeded
    faults = search_faults(body.client_id, body.who, body.organization_id, since=body.since, until=body.until)
    if faults:
        raise InvalidInput(errors=faults)
    found = await queries.affected(session, body, page)
    ids = [one.returnee_id or one.arrival_batch_id for one in found.items]
    await record(session, actor, [_listed(subject_id) for subject_id in ids if subject_id is not None])
    return found


async def record_incident(session: AsyncSession, body: IncidentBody, *, actor: Actor) -> UUID:
    """Record an incident; return its id."""
    at = now(session)
    faults = times_faults(body.began_at, body.ended_at, body.known_at, at=at)
    if faults:
        raise InvalidInput(errors=faults)
    row = Incident(
        id=uuid7(),
        kind=body.kind.value,
        client_id=body.client_id,
        who=body.who,
        organization_id=body.organization_id,
        began_at=body.began_at,
        ended_at=body.ended_at,
        known_at=body.known_at,
        measures=sorted({one.value for one in body.measures}),
        recorded_at=at,
        recorded_by=actor.who,
    )
    session.add(row)
    await session.flush()
    return row.id


async def close_incident(
    session: AsyncSession, incident_id: UUID, body: IncidentClosing, *, condition: Condition, actor: Actor
) -> UUID:
    """Close an incident with all that was done."""
    row = await queries.incident(session, incident_id, lock=True)
    condition.check(row.version)
    if row.status == IncidentStatus.CLOSED.value:
        raise IncidentClosed
    row.status, row.measures = IncidentStatus.CLOSED.value, sorted({one.value for one in body.measures})
    row.closed_at, row.closed_by, row.version = now(session), actor.who, row.version + 1
    session.add(row)
    await session.flush()
    return row.id


def _listed(subject_id: UUID) -> Access:
    return Access(
        subject_id=subject_id,
        kind=AccessKind.READ,
        action="incident.affected",
        purpose=AccessPurpose.INCIDENT,
        fields=["access_log", "case_code"],
    )
