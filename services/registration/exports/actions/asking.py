"""Ask for an export, and decide about it as the second person."""

from datetime import timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from libs.chassis.errors import FieldError, InvalidInput
from libs.chassis.etag import Condition
from libs.events.codes import PublicationStatus
from services.registration.answering_errors import (
    ExportDecided,
    ExportsOfTheDay,
    RestrictedSightNeeded,
)
from services.registration.audit.rules import Actor
from services.registration.exports import queries
from services.registration.exports.rules import (
    EXPORTS_PER_DAY_MAX,
    Asked,
    ExportDecision,
    ExportKind,
    ExportState,
    request_faults,
)
from services.registration.exports.schemas import ExportBody
from services.registration.exports.tables import PeopleExport
from services.registration.organizations.queries import statuses
from services.registration.pack import Pack
from services.registration.protection_errors import SecondPersonNeeded
from services.registration.vault.sealing import MasterKey

_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('people_export ' || $1, 0))"


async def ask(session: AsyncSession, body: ExportBody, *, actor: Actor, pack: Pack, master: MasterKey) -> UUID:
    """Record what is asked for. A de-identified export is open at once, an identified one waits for a second person."""
    identified = body.kind is ExportKind.IDENTIFIED
    if identified:
        require_restricted_sight(actor)
    await _check(session, body, pack=pack)
    await (await raw(session)).execute(_ONE_AT_A_TIME, actor.principal)
    at = now(session)
    if await queries.asked_since(session, actor.principal, at - timedelta(days=1)) >= EXPORTS_PER_DAY_MAX:
        raise ExportsOfTheDay(most=EXPORTS_PER_DAY_MAX)
    row_id = uuid7()
    row = PeopleExport(
        id=row_id,
        kind=body.kind.value,
        purpose=body.purpose.value,
        recipient_organization_id=None if body.recipient is None else body.recipient.organization_id,
        recipient_class=None if body.recipient is None else body.recipient.recipient_class.value,
        reason_sealed=None
        if body.reason is None
        else master.seal_words(body.reason, table=queries.TABLE, column="reason", row_id=row_id),
        fields=sorted({one.value for one in body.fields or ()}),
        arrived_from=body.arrived_from,
        arrived_until=body.arrived_until,
        places=sorted(set(body.reception_places)),
        organization_id=actor.organization_id,
        asked_at=at,
        asked_by=actor.principal,
        asked_who=actor.who,
        ends_at=None if identified else at + pack.reception.retention.export_lasts,
    )
    session.add(row)
    await session.flush()
    return row.id


def require_restricted_sight(actor: Actor) -> None:
    """Raise RestrictedSightNeeded unless the caller sees restricted needs: people who have one are left out of an
    identified export, and another caller could find them by what is missing."""
    if not actor.sight.restricted:
        raise RestrictedSightNeeded


async def recipient_faults(session: AsyncSession, organization_id: UUID, *, pack: Pack) -> list[FieldError]:
    """The fault of a recipient that the directory does not know, or that does not take part at present."""
    pointer, found = (
        "/recipient/organization_id",
        await statuses(session, [organization_id], restricted=pack.routing.restricted),
    )
    if organization_id not in found:
        return [FieldError(pointer, "known-organization", "The directory has published no such organisation.")]
    if found[organization_id] is not PublicationStatus.ACTIVE:
        return [FieldError(pointer, "active-organization", "This organisation does not take part at present.")]
    return []


async def _check(session: AsyncSession, body: ExportBody, *, pack: Pack) -> None:
    asked = Asked(
        kind=body.kind,
        purpose=body.purpose,
        arrived_from=body.arrived_from,
        arrived_until=body.arrived_until,
        has_recipient=body.recipient is not None,
        has_reason=body.reason is not None,
        has_fields=body.fields is not None,
    )
    faults = request_faults(asked, today=pack.reception.day_of(now(session)))
    for place, code in enumerate(body.reception_places):
        if code not in pack.reception.places:
            faults.append(FieldError(f"/reception_places/{place}", "known-place", "This is not a reception place."))
    if body.recipient is not None and body.kind is ExportKind.IDENTIFIED:
        faults += await recipient_faults(session, body.recipient.organization_id, pack=pack)
    if faults:
        raise InvalidInput(errors=faults)


async def decide(
    session: AsyncSession, export_id: UUID, decision: ExportDecision, *, condition: Condition, actor: Actor, pack: Pack
) -> UUID:
    """Record the decision of the second person. An approval begins the days of the pack."""
    row = await queries.export(session, export_id, lock=True)
    condition.check(row.version)
    if actor.principal in (row.asked_by, row.asked_who) or actor.who in (row.asked_by, row.asked_who):
        raise SecondPersonNeeded
    at = now(session)
    if row.kind != ExportKind.IDENTIFIED or queries.state(row, at=at) is not ExportState.WAITING:
        raise ExportDecided
    row.decision, row.decided_at, row.version = decision.value, at, row.version + 1
    row.decided_by, row.decided_who = actor.principal, actor.who
    if decision is ExportDecision.APPROVED:
        row.ends_at = at + pack.reception.retention.export_lasts
    session.add(row)
    await session.flush()
    return row.id
