"""Does what one operation says, by the action that the ordinary route calls."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.auth import ScopeMissing
from services.registration.arrivals import queries as arrivals
from services.registration.arrivals.actions import batches
from services.registration.arrivals.schemas import ReturneeIntake, Sender
from services.registration.device_errors import PersonIdTaken
from services.registration.errors import NeedAlreadyWithdrawn
from services.registration.needs.actions import needs
from services.registration.sync import queries
from services.registration.sync.actions.allowing import give_consent, moved_consent, set_safe_contact, withdraw_consent
from services.registration.sync.actions.conflicts import NewConflict, keep_conflicts
from services.registration.sync.actions.excluding import exclude_person
from services.registration.sync.actions.given import Done, Given, Moments
from services.registration.sync.actions.grouping import join_household
from services.registration.sync.actions.merging import merge_correction
from services.registration.sync.rules import MANIFEST_ENTRY, SCOPES, ConflictKind, Held, Outcome, moved
from services.registration.sync.schemas import (
    CorrectPerson,
    ExcludePerson,
    GiveConsent,
    JoinHousehold,
    MarkAbsent,
    Operation,
    RegisterPerson,
    ReportNeed,
    SetSafeContact,
    WithdrawConsent,
    WithdrawNeed,
)

DECIDE = "intake:decide"
WRITE = "returnees:write"


def require_scope(op: Operation, given: Given) -> None:
    """Raise ScopeMissing if the caller may not do with a line what the operation says."""
    asked = {SCOPES.get(op.kind, WRITE)}
    if isinstance(op, ReportNeed) and op.data.second_reason is not None:
        asked.add(DECIDE)
    for scope in sorted(asked - given.scopes):
        raise ScopeMissing(scope)


def names_in(op: Operation) -> set[UUID]:
    """The ids by which an operation names people and things."""
    match op:
        case ReportNeed():
            named = [op.returnee_id, op.data.after_need_id]
        case WithdrawNeed():
            named = [op.returnee_id, op.need_id]
        case WithdrawConsent():
            named = [op.returnee_id, op.consent_id]
        case JoinHousehold():
            named = [op.household_id, op.data.reference_returnee_id, *op.data.member_ids]
        case ExcludePerson():
            named = [op.returnee_id, op.data.returnee_id]
        case RegisterPerson() | MarkAbsent():
            named = []
        case _:
            named = [op.returnee_id]
    return {one for one in named if one is not None}


def with_ids(op: Operation, known: Mapping[UUID, UUID]) -> Operation:
    """The operation with our ids in place of those that devices made."""
    update: dict[str, Any] = {
        name: known.get(getattr(op, name), getattr(op, name))
        for name in ("returnee_id", "need_id", "consent_id", "household_id")
        if getattr(op, name, None) is not None
    }
    if isinstance(op, ReportNeed) and (after := op.data.after_need_id) is not None:
        update["data"] = op.data.model_copy(update={"after_need_id": known.get(after, after)})
    if isinstance(op, ExcludePerson) and (other := op.data.returnee_id) is not None:
        update["data"] = op.data.model_copy(update={"returnee_id": known.get(other, other)})
    if isinstance(op, JoinHousehold):
        members = list(dict.fromkeys(known.get(one, one) for one in op.data.member_ids))
        reference = known.get(op.data.reference_returnee_id, op.data.reference_returnee_id)
        update["data"] = op.data.model_copy(update={"member_ids": members, "reference_returnee_id": reference})
    return op.model_copy(update=update)


async def apply(session: AsyncSession, op: Operation, moments: Moments, given: Given) -> Done:
    """Do what the operation says; its ids are ours. Raises the refusal of the action if it cannot be done."""
    match op:
        case RegisterPerson():
            return await _register(session, op, moments, given)
        case CorrectPerson():
            return await merge_correction(session, op, moments, given)
        case ReportNeed():
            return await _report_need(session, op, given)
        case WithdrawNeed():
            return await _withdraw_need(session, op, given)
        case GiveConsent():
            return await give_consent(session, op, moments, given)
        case WithdrawConsent():
            return await withdraw_consent(session, op, moments, given)
        case SetSafeContact():
            return await set_safe_contact(session, op, moments, given)
        case MarkAbsent():
            await batches.mark_entry_absent(
                session, op.arrival_batch_id, op.entry_id, op.reason, actor=given.actor, vault=given.vault
            )
            return Done()
        case JoinHousehold():
            return await join_household(session, op, moments, given)
        case ExcludePerson():
            return await exclude_person(session, op, moments, given)


async def _register(session: AsyncSession, op: RegisterPerson, moments: Moments, given: Given) -> Done:
    names = await queries.named(session, given.owner, given.device_id, [op.person_id])
    if names or await queries.is_person(session, op.person_id):
        raise PersonIdTaken
    body, actor = _moved(op.data, moments), given.actor
    sender = Sender(actor.source, actor.organization_id, actor, given.context)
    reference = body.sender_reference or str(op.person_id)
    coming = await arrivals.coming(session, body, sender, reference=reference)
    (one,) = await batches.receive_people(session, [coming], vault=given.vault, pack=given.pack)
    outcome, ids = Outcome.DONE if one.is_new else Outcome.UNCHANGED, []
    other = await queries.other_of_entry(session, one.returnee_id) if one.is_new else None
    if other is not None:
        pointer = MANIFEST_ENTRY
        conflict = NewConflict(pointer, Held.BOTH, kind=ConflictKind.SAME_ENTRY, other_returnee_id=other)
        ids = await keep_conflicts(
            session, one.returnee_id, [conflict], moments=moments, actor=actor, vault=given.vault
        )
        outcome = Outcome.CONFLICT
    return Done(outcome, one.returnee_id, client_person_id=op.person_id, conflict_ids=ids)


def _moved(body: ReturneeIntake, moments: Moments) -> ReturneeIntake:
    """The intake with its times by our clock."""
    arrived_at = moved(body.arrived_at, by=moments.shift, at=moments.now)
    consents = [moved_consent(one, moments) for one in body.consents]
    named = [moved_consent(one, moments) for one in body.named_consents]
    return body.model_copy(update={"arrived_at": arrived_at, "consents": consents, "named_consents": named})


async def _report_need(session: AsyncSession, op: ReportNeed, given: Given) -> Done:
    actor, vault = given.actor, given.vault
    told_id = await needs.report_need(
        session, op.returnee_id, op.data, source=actor.source, actor=actor, vault=vault, taxonomy=given.pack.taxonomy
    )
    view = await needs.show_told_need(session, op.returnee_id, told_id, op.data, actor=actor, vault=vault)
    return Done(Outcome.UNCHANGED if view.told_again else Outcome.DONE, op.returnee_id, created_id=view.id)


async def _withdraw_need(session: AsyncSession, op: WithdrawNeed, given: Given) -> Done:
    try:
        await needs.withdraw_need(session, op.returnee_id, op.need_id, actor=given.actor, vault=given.vault)
    except NeedAlreadyWithdrawn:
        return Done(Outcome.UNCHANGED, op.returnee_id)
    return Done(returnee_id=op.returnee_id)
