"""Queries of incidents with their duties, and of the people whose data somebody read or wrote in a span of time."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col, false, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, own_work, raw
from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageRequest, page_of
from services.registration.audit.rules import AccessKind, AccessPurpose
from services.registration.incidents.rules import (
    DutyStage,
    IncidentKind,
    IncidentStatus,
    Measure,
    NotRequired,
    stage_of,
)
from services.registration.incidents.schemas import AffectedSearch, AffectedView, IncidentDutyView, IncidentView
from services.registration.incidents.tables import Incident, IncidentDuty
from services.registration.protection import Duty, IncidentPolicy

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


async def incidents(
    session: AsyncSession,
    page: PageRequest,
    *,
    status: IncidentStatus | None,
    overdue: bool | None,
    policy: IncidentPolicy,
) -> Page[IncidentView]:
    """Incidents, newest first. `overdue`: only those with, or without, a duty whose time has passed."""
    at, query = now(session), select(Incident)
    if status is not None:
        query = query.where(Incident.status == status.value)
    if overdue is not None:
        late = _has_overdue_duty(policy, at=at)
        query = query.where(late if overdue else ~late)
    if page.after is not None:
        query = query.where(col(Incident.id) < UUID(page.after[0]))
    rows = (await session.exec(query.order_by(col(Incident.id).desc()).limit(page.limit + 1))).all()
    duties = await duties_of(session, [row.id for row in rows])
    return page_of(
        rows,
        request=page,
        cursor_of=lambda row: [str(row.id)],
        view=lambda row: view(row, duties[row.id], policy=policy, at=at),
    )


def _has_overdue_duty(policy: IncidentPolicy, *, at: datetime) -> ColumnElement[bool]:
    """The same rule as `stage_of`, for the database."""
    passed = [
        and_(col(IncidentDuty.duty) == duty.value, col(Incident.known_at) <= at - time.within)
        for duty, time in policy.times.items()
    ]
    unsettled = select(IncidentDuty).where(
        col(IncidentDuty.incident_id) == col(Incident.id),
        col(IncidentDuty.settled_at).is_(None),
        or_(false(), *passed),
    )
    return and_(col(Incident.status) == IncidentStatus.OPEN.value, unsettled.exists())


async def duties_of(session: AsyncSession, incident_ids: Collection[UUID]) -> dict[UUID, list[IncidentDuty]]:
    """The duties of these incidents, each in the same order."""
    found: dict[UUID, list[IncidentDuty]] = {incident_id: [] for incident_id in incident_ids}
    query = select(IncidentDuty).where(col(IncidentDuty.incident_id).in_(incident_ids)).order_by(col(IncidentDuty.duty))
    for row in (await session.exec(query.execution_options(populate_existing=True))).all():
        found[row.incident_id].append(row)
    return found


async def watched(session: AsyncSession) -> Sequence[tuple[IncidentDuty, datetime]]:
    """The duties of open incidents that are not settled, each with the moment from which its time counts."""
    query = (
        select(IncidentDuty, Incident.known_at)
        .join(Incident, col(Incident.id) == col(IncidentDuty.incident_id))
        .where(Incident.status == IncidentStatus.OPEN.value, col(IncidentDuty.settled_at).is_(None))
        .order_by(col(IncidentDuty.incident_id), col(IncidentDuty.duty))
    )
    return (await session.exec(query)).all()


def view(row: Incident, duties: Sequence[IncidentDuty], *, policy: IncidentPolicy, at: datetime) -> IncidentView:
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
        duties=[_duty(row, one, policy=policy, at=at) for one in duties],
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
    )


def _duty(row: Incident, one: IncidentDuty, *, policy: IncidentPolicy, at: datetime) -> IncidentDutyView:
    time = policy.times.get(Duty(one.duty))
    stage = None
    if time is not None and one.settled_at is None and row.status == IncidentStatus.OPEN.value:
        stage = stage_of(row.known_at, time.within, at=at)
    return IncidentDutyView(
        duty=Duty(one.duty),
        due_at=None if time is None else row.known_at + time.within,
        set_by=None if time is None else time.set_by,
        overdue=stage is DutyStage.OVERDUE,
        settled_at=one.settled_at,
        settled_by=one.settled_by,
        not_required_because=None if one.not_required_because is None else NotRequired(one.not_required_because),
    )
