"""Record and close incidents, find the people who are affected, and warn of duties whose time passes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from libs.chassis.errors import FieldError, InvalidInput
from libs.chassis.etag import Condition
from libs.chassis.paging import Page, PageRequest
from services.registration.answering_errors import IncidentClosed, WholeCountryNeeded
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.incidents import queries
from services.registration.incidents.rules import (
    DutyStage,
    IncidentStatus,
    Measure,
    NotRequired,
    not_required_faults,
    open_duties,
    search_faults,
    stage_of,
    times_faults,
)
from services.registration.incidents.schemas import (
    AffectedSearch,
    AffectedView,
    DutyNotRequired,
    IncidentBody,
    IncidentClosing,
    IncidentMeasures,
)
from services.registration.incidents.tables import Incident, IncidentDuty
from services.registration.protection import Duty, IncidentPolicy


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
    duties = [IncidentDuty(incident_id=row.id, duty=duty.value) for duty in Duty]
    _settle(duties, row.measures, {}, at=at, by=actor.who)
    session.add_all(duties)
    await session.flush()
    return row.id


async def record_measures(
    session: AsyncSession, incident_id: UUID, body: IncidentMeasures, *, condition: Condition, actor: Actor
) -> UUID:
    """Record what was done meanwhile, and which duties do not exist in this case."""
    row = await _open_incident(session, incident_id, condition)
    measures = {*map(Measure, row.measures), *body.measures}
    faults = not_required_faults(_pairs(body.not_required), measures=measures)
    if not body.measures and not body.not_required:
        faults.append(FieldError("/measures", "one-of", "Name a measure, or a duty that is not required."))
    if faults:
        raise InvalidInput(errors=faults)
    duties = (await queries.duties_of(session, [row.id]))[row.id]
    row.measures, row.version = sorted(one.value for one in measures), row.version + 1
    reasons = _reasons_before(duties) | dict(_pairs(body.not_required))
    _settle(duties, row.measures, reasons, at=now(session), by=actor.who)
    session.add_all([row, *duties])
    await session.flush()
    return row.id


async def close_incident(
    session: AsyncSession,
    incident_id: UUID,
    body: IncidentClosing,
    *,
    condition: Condition,
    actor: Actor,
    policy: IncidentPolicy,
) -> UUID:
    """Close an incident with all that was done. A duty with a time must be done, or have a reason."""
    row = await _open_incident(session, incident_id, condition)
    duties, at = (await queries.duties_of(session, [row.id]))[row.id], now(session)
    reasons = _reasons_before(duties) | dict(_pairs(body.not_required))
    faults = not_required_faults(_pairs(body.not_required), measures=body.measures)
    faults += [
        FieldError("/not_required", "reason-required", f"{duty.value} is not done: say why it is not required.")
        for duty in open_duties(policy.times, measures=body.measures, reasons=reasons)
    ]
    if faults:
        raise InvalidInput(errors=faults)
    row.status, row.measures = IncidentStatus.CLOSED.value, sorted({one.value for one in body.measures})
    row.closed_at, row.closed_by, row.version = at, actor.who, row.version + 1
    _settle(duties, row.measures, reasons, at=at, by=actor.who)
    session.add_all([row, *duties])
    await session.flush()
    return row.id


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning that is due now: ids, codes and times."""

    incident_id: UUID
    duty: Duty
    stage: DutyStage
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Watched:
    """What one look at all duties has found: new warnings, and how many duties are in each stage."""

    warnings: Sequence[Warned]
    counts: Mapping[DutyStage, int]


_WARNED: Final = {DutyStage.HALF_TIME: "half_time_warned_at", DutyStage.OVERDUE: "overdue_warned_at"}
_CLAIM: Final = """
UPDATE incident_duty SET {column} = $3
WHERE incident_id = $1 AND duty = $2 AND {column} IS NULL AND settled_at IS NULL RETURNING true
"""

# A process of the older version records an incident without its duties, during an update.
_COMPLETE: Final = """
INSERT INTO incident_duty (incident_id, duty, settled_at, settled_by)
SELECT id, duty.duty, CASE WHEN duty.duty = ANY (measures) THEN recorded_at END,
    CASE WHEN duty.duty = ANY (measures) THEN recorded_by END
FROM incident CROSS JOIN unnest($1::text[]) AS duty (duty)
WHERE status = 'open' AND NOT EXISTS (
    SELECT FROM incident_duty AS known WHERE known.incident_id = incident.id AND known.duty = duty.duty
) ON CONFLICT DO NOTHING
"""


async def watch(session: AsyncSession, *, policy: IncidentPolicy) -> Watched:
    """Compare all duties with the time. A warning is stored with its stage, so each is given once, by one worker."""
    at, warnings, counts = now(session), list[Warned](), dict.fromkeys(DutyStage, 0)
    connection = await raw(session)
    await connection.execute(_COMPLETE, [duty.value for duty in Duty])
    for row, known_at in await queries.watched(session):
        time = policy.times.get(Duty(row.duty))
        stage = None if time is None else stage_of(known_at, time.within, at=at)
        if time is None or stage is None:
            continue
        counts[stage] += 1
        claim = _CLAIM.format(column=_WARNED[stage])
        if await connection.fetchval(claim, row.incident_id, row.duty, at):
            warnings.append(Warned(row.incident_id, Duty(row.duty), stage, known_at + time.within))
    return Watched(warnings, counts)


async def _open_incident(session: AsyncSession, incident_id: UUID, condition: Condition) -> Incident:
    row = await queries.incident(session, incident_id, lock=True)
    condition.check(row.version)
    if row.status == IncidentStatus.CLOSED.value:
        raise IncidentClosed
    return row


def _pairs(told: Sequence[DutyNotRequired]) -> list[tuple[Duty, NotRequired]]:
    return [(one.duty, one.reason) for one in told]


def _reasons_before(duties: Sequence[IncidentDuty]) -> dict[Duty, NotRequired]:
    return {Duty(one.duty): NotRequired(why) for one in duties if (why := one.not_required_because) is not None}


def _settle(
    duties: Sequence[IncidentDuty],
    measures: Sequence[str],
    reasons: Mapping[Duty, NotRequired],
    *,
    at: datetime,
    by: str,
) -> None:
    """Record which duties are done or not required. One that was settled in the same way keeps its time."""
    for row in duties:
        reason = None if row.duty in measures else reasons.get(Duty(row.duty))
        why = None if reason is None else reason.value
        is_settled = row.duty in measures or why is not None
        if is_settled != (row.settled_at is not None) or why != row.not_required_because:
            row.settled_at, row.settled_by = (at, by) if is_settled else (None, None)
            row.not_required_because = why


def _listed(subject_id: UUID) -> Access:
    return Access(
        subject_id=subject_id,
        kind=AccessKind.READ,
        action="incident.affected",
        purpose=AccessPurpose.INCIDENT,
        fields=["access_log", "case_code"],
    )
