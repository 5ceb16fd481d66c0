"""Ask for access in an emergency, decide about it, use it, review it."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now
from libs.chassis.errors import NotFound
from libs.chassis.etag import Condition
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.consent.queries import find_safe_contact
from services.registration.emergencies import queries
from services.registration.emergencies.queries import TABLE
from services.registration.emergencies.rules import Decision, EmergencyState
from services.registration.emergencies.schemas import (
    DecisionBody,
    EmergencyBody,
    EmergencyView,
    EmergencyWithWords,
    PersonInEmergency,
    ReviewBody,
)
from services.registration.emergencies.tables import Emergency
from services.registration.pack import Pack
from services.registration.people.queries import IDENTITY_FIELDS, identity_of
from services.registration.protection import EmergencyPolicy
from services.registration.protection_errors import (
    EmergencyDecided,
    EmergencyLasts,
    EmergencyNotOpen,
    EmergencyReviewed,
    SecondPersonNeeded,
)
from services.registration.vault.queries import data_key, data_keys
from services.registration.vault.sealing import Vault
from services.registration.walls import under_emergency

_SHOWN = (*IDENTITY_FIELDS, "case_code", "languages", "safe_contact")


async def ask(session: AsyncSession, body: EmergencyBody, *, actor: Actor, vault: Vault) -> UUID:
    """Record the request. From this commit on it is in the list of the data protection officer."""
    person = await queries.person_of(session, body.case_code, actor=actor)
    key, row_id = await data_key(vault, person.id), uuid7()
    row = Emergency(
        id=row_id,
        returnee_id=person.id,
        reason=body.reason.value,
        words_sealed=key.seal(body.words, table=TABLE, column=f"words.{row_id}"),
        organization_id=actor.organization_id,
        asked_at=now(session),
        asked_by=actor.principal,
        asked_who=actor.who,
    )
    session.add(row)
    await session.flush()
    await record(session, actor, [_access(row, AccessKind.WRITE, "ask", ["emergency"])])
    return row.id


def require_another_person(actor: Actor, *earlier: str | None) -> None:
    """Raise SecondPersonNeeded if this caller, or this subject at another client, took an earlier step."""
    if actor.principal in earlier or actor.who in earlier:
        raise SecondPersonNeeded


async def decide(
    session: AsyncSession,
    emergency_id: UUID,
    body: DecisionBody,
    *,
    condition: Condition,
    actor: Actor,
    policy: EmergencyPolicy,
) -> UUID:
    """Record the decision of the second person. An approval begins the time of the access."""
    row = await queries.emergency(session, emergency_id, lock=True)
    condition.check(row.version)
    require_another_person(actor, row.asked_by, row.asked_who)
    at = now(session)
    if _state(session, row, policy) is not EmergencyState.WAITING:
        raise EmergencyDecided
    row.decision, row.decided_at = body.decision.value, at
    row.decided_by, row.decided_who = actor.principal, actor.who
    row.ends_at = at + policy.lasts if body.decision is Decision.APPROVED else None
    return await _written(session, row, body.decision.value, actor=actor)


async def review(
    session: AsyncSession,
    emergency_id: UUID,
    body: ReviewBody,
    *,
    condition: Condition,
    actor: Actor,
    policy: EmergencyPolicy,
) -> UUID:
    """Record what the data protection officer found."""
    row = await queries.emergency(session, emergency_id, lock=True)
    condition.check(row.version)
    require_another_person(actor, row.asked_by, row.asked_who, row.decided_by, row.decided_who)
    if row.reviewed_at is not None:
        raise EmergencyReviewed
    if _state(session, row, policy) in (EmergencyState.WAITING, EmergencyState.OPEN):
        raise EmergencyLasts
    row.verdict, row.reviewed_at, row.reviewed_by = body.verdict.value, now(session), actor.principal
    return await _written(session, row, "review", actor=actor)


async def read_person(
    session: AsyncSession, emergency_id: UUID, *, actor: Actor, pack: Pack, vault: Vault
) -> PersonInEmergency:
    """Who the person is, and how to reach them safely. The access is recorded with the id of the emergency."""
    row = await queries.emergency(session, emergency_id, asked_by=actor.principal)
    state = _state(session, row, pack.reception.emergencies)
    if state is not EmergencyState.OPEN or row.ends_at is None:
        raise EmergencyNotOpen(state=state.value)
    async with under_emergency(session, row.id):
        person = await queries.person_under(session, row)
        key = (await data_keys(vault, [person.id])).get(person.id)
        if key is None:
            raise NotFound
        shown = PersonInEmergency(
            emergency_id=row.id,
            ends_at=row.ends_at,
            case_code=person.case_code,
            identity=identity_of(person, key),
            languages=person.languages,
            safe_contact=await find_safe_contact(
                session, person.id, key=key, lasts=pack.reception.retention.safe_contact_lasts
            ),
        )
    await record(session, actor, [_access(row, AccessKind.READ, "read", [*_SHOWN, f"emergency.{row.id}"])])
    return shown


async def look_up(
    session: AsyncSession, emergency_id: UUID, *, actor: Actor, pack: Pack, vault: Vault
) -> EmergencyWithWords:
    """One request with what the caller wrote. The access is recorded."""
    row = await queries.emergency(session, emergency_id)
    keys = await data_keys(vault, [row.returnee_id])
    await record(session, actor, [_access(row, AccessKind.READ, "look_up", ["emergency"])])
    return queries.with_words(_view(session, row, pack), row, keys.get(row.returnee_id))


async def show(session: AsyncSession, emergency_id: UUID, *, pack: Pack) -> EmergencyView:
    """One request, for the caller that has just written it."""
    return _view(session, await queries.emergency(session, emergency_id), pack)


def _view(session: AsyncSession, row: Emergency, pack: Pack) -> EmergencyView:
    return queries.view(row, approve_within=pack.reception.emergencies.approve_within, at=now(session))


def _state(session: AsyncSession, row: Emergency, policy: EmergencyPolicy) -> EmergencyState:
    return queries.state(row, approve_within=policy.approve_within, at=now(session))


async def _written(session: AsyncSession, row: Emergency, verb: str, *, actor: Actor) -> UUID:
    row.version += 1
    session.add(row)
    await session.flush()
    await record(session, actor, [_access(row, AccessKind.WRITE, verb, ["emergency"])])
    return row.id


def _access(row: Emergency, kind: AccessKind, verb: str, fields: list[str]) -> Access:
    return Access(
        subject_id=row.returnee_id,
        kind=kind,
        action=f"emergency.{verb}",
        purpose=AccessPurpose.VITAL_INTEREST,
        fields=fields,
    )
