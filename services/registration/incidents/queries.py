"""Queries of incidents, and of the people whose data somebody read or wrote in a span of time."""

from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import own_work, raw
from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageRequest, page_of
from services.registration.audit.rules import AccessKind, AccessPurpose
from services.registration.incidents.rules import IncidentKind, IncidentStatus, Measure
from services.registration.incidents.schemas import AffectedSearch, AffectedView, IncidentView
from services.registration.incidents.tables import Incident

AFFECTED = """
    WITH hit AS MATERIALIZED (
        SELECT subject_id, at, kind, action, purpose, fields FROM audit_entry
        WHERE at >= $1 AND at < $2 AND ($3::text IS NULL OR client_id = $3) AND ($4::text IS NULL OR who = $4)
            AND ($5::uuid IS NULL OR organization_id = $5)
    ), shown AS (
        SELECT subject_id, NULL::uuid AS batch_id, at, kind, action, purpose, fields FROM hit
        UNION ALL
        SELECT m.returnee_id, m.arrival_batch_id, h.at, h.kind, h.action, h.purpose, h.fields
        FROM hit h JOIN manifest_entry m ON m.arrival_batch_id = h.subject_id AND m.returnee_id IS NOT NULL
    ), page AS (
        SELECT subject_id, min(at) AS first_at, max(at) AS last_at, count(*) AS accesses,
            array_agg(DISTINCT kind) AS kinds, array_agg(DISTINCT action) AS actions,
            array_agg(DISTINCT purpose) AS purposes, max(batch_id::text)::uuid AS batch_id
        FROM shown WHERE $6::uuid IS NULL OR subject_id > $6 GROUP BY subject_id ORDER BY subject_id LIMIT $7
    ), named AS (
        SELECT s.subject_id, array_agg(DISTINCT field) AS fields
        FROM shown s JOIN page USING (subject_id) CROSS JOIN unnest(s.fields) AS field GROUP BY s.subject_id
    )
    SELECT p.*, coalesce(n.fields, '{}') AS fields, r.id AS returnee_id, r.case_code,
        CASE WHEN r.id IS NULL THEN p.subject_id ELSE p.batch_id END AS arrival_batch_id
    FROM page p LEFT JOIN named n USING (subject_id) LEFT JOIN returnee r ON r.id = p.subject_id
    ORDER BY p.subject_id
"""


async def affected(session: AsyncSession, body: AffectedSearch, page: PageRequest) -> Page[AffectedView]:
    """All people whose data were read or written, in the order of their ids, also those who are erased since.

    Whoever was on a manifest that was read or written is affected too.
    """
    after = None if page.after is None else UUID(page.after[0])
    async with own_work(session):
        rows = await (await raw(session)).fetch(
            AFFECTED, body.since, body.until, body.client_id, body.who, body.organization_id, after, page.limit + 1
        )
    return page_of(
        rows,
        request=page,
        cursor_of=lambda row: [str(row["subject_id"])],
        view=lambda row: AffectedView(
            returnee_id=row["returnee_id"],
            arrival_batch_id=row["arrival_batch_id"],
            case_code=row["case_code"],
            first_at=row["first_at"],
            last_at=row["last_at"],
            accesses=row["accesses"],
            kinds=[AccessKind(code) for code in row["kinds"]],
            actions=row["actions"],
            purposes=[AccessPurpose(code) for code in row["purposes"]],
            fields=row["fields"],
        ),
    )


async def incident(session: AsyncSession, incident_id: UUID, *, lock: bool = False) -> Incident:
    """One incident, or NotFound."""
    query = select(Incident).where(Incident.id == incident_id).execution_options(populate_existing=True)
    found = (await session.exec(query.with_for_update() if lock else query)).first()
    if found is None:
        raise NotFound
    return found


async def incidents(session: AsyncSession, page: PageRequest, *, status: IncidentStatus | None) -> Page[IncidentView]:
    """Incidents, newest first."""
    query = select(Incident)
    if status is not None:
        query = query.where(Incident.status == status.value)
    if page.after is not None:
        query = query.where(col(Incident.id) < UUID(page.after[0]))
    rows = (await session.exec(query.order_by(col(Incident.id).desc()).limit(page.limit + 1))).all()
    return page_of(rows, request=page, cursor_of=lambda row: [str(row.id)], view=view)


def view(row: Incident) -> IncidentView:
    """The view of one incident."""
    return IncidentView(
        id=row.id,
        version=row.version,
        kind=IncidentKind(row.kind),
        status=IncidentStatus(row.status),
        client_id=row.client_id,
        who=row.who,
        organization_id=row.organization_id,
        began_at=row.began_at,
        ended_at=row.ended_at,
        known_at=row.known_at,
        measures=[Measure(code) for code in row.measures],
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
    )
