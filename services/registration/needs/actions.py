"""Report and withdraw needs. Reporting takes the needs of many people at once: one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from libs.chassis.errors import InvalidInput
from libs.chassis.paging import Page, PageRequest
from libs.events.catalogue.arrivals import NeedTold
from libs.events.catalogue.registration import NeedReported, NeedWithdrawn
from libs.events.codes import NeedCategory
from libs.events.outbox import append
from services.registration.audit.actions import record
from services.registration.audit.rules import RESTRICTED, Access, AccessKind, AccessPurpose, Actor
from services.registration.errors import NeedAlreadyWithdrawn, NeedReferenceTaken
from services.registration.households.actions import claim_reference
from services.registration.households.schemas import HouseholdState
from services.registration.needs import queries
from services.registration.needs.rules import NeedStatus, ToldNeed, in_order, need_faults, prerequisite_fault
from services.registration.needs.schemas import NeedBody, NeedView, NewNeed
from services.registration.people.queries import returnee
from services.registration.people.tables import Returnee
from services.registration.vault.sealing import MasterKey, Vault

_INSERT = """
    INSERT INTO need (id, need_key, returnee_id, household_id, arrival_batch_id, category, urgency, people_count,
                      after_need_id, status, reported_at, traceparent)
    SELECT id, need_key, returnee_id, household_id, arrival_batch_id, category, urgency, people_count,
           after_need_id, 'reported', $11, traceparent
    FROM unnest($1::uuid[], $2::bytea[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::int[],
                $9::uuid[], $10::text[])
        AS n (id, need_key, returnee_id, household_id, arrival_batch_id, category, urgency, people_count,
              after_need_id, traceparent)
    ON CONFLICT (need_key) DO NOTHING
    RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Teller:
    """Who tells needs: a person whose row is locked or new."""

    returnee_id: UUID
    arrival_batch_id: UUID | None
    household: HouseholdState | None
    source: str
    traceparent: str | None


async def report_needs(session: AsyncSession, needs: Sequence[NewNeed]) -> set[UUID]:
    """Record needs and tell of them, in their order; which of them are new."""
    if not needs:
        return set()
    rows = [
        (
            need.id,
            need.need_key,
            need.returnee_id,
            need.household_id,
            need.arrival_batch_id,
            need.category.value,
            need.urgency.value,
            need.people_count,
            need.after_need_id,
            need.traceparent,
        )
        for need in needs
    ]
    inserted = await (await raw(session)).fetch(_INSERT, *map(list, zip(*rows, strict=True)), now(session))
    new = {row["id"] for row in inserted}
    told = [need for need in needs if need.id in new]
    events = [_reported(need, session) for need in told]
    await append(session, events, traceparents=[need.traceparent for need in told])
    return new


def _reported(need: NewNeed, session: AsyncSession) -> NeedReported:
    return NeedReported(
        returnee_id=need.returnee_id,
        need_id=need.id,
        category=need.category,
        urgency=need.urgency,
        people_count=need.people_count,
        household_id=need.household_id,
        arrival_batch_id=need.arrival_batch_id,
        after_need_id=need.after_need_id,
        reported_at=now(session),
    )


def told_needs(
    needs: Sequence[NeedTold], teller: Teller, *, known: Mapping[NeedCategory, UUID], master: MasterKey
) -> list[NewNeed]:
    """The needs that a person tells, each after the one that it waits for.

    A need of several people is the household's, under its reference person. `known` are the person's needs by
    category from before, for `after_category`.
    """
    ids: dict[NeedCategory, UUID] = dict(known)
    made = []
    for place in in_order([told_need(need) for need in needs]):
        need, need_id = needs[place], uuid7()
        shared = teller.household if need.people_count > 1 else None
        reference = need.sender_reference
        made.append(
            NewNeed(
                id=need_id,
                need_key=None if reference is None else need_key(master, teller, reference),
                returnee_id=shared.reference_returnee_id if shared else teller.returnee_id,
                household_id=shared.id if shared else None,
                arrival_batch_id=teller.arrival_batch_id,
                category=need.category,
                urgency=need.urgency,
                people_count=need.people_count,
                after_need_id=None if need.after_category is None else ids[need.after_category],
                traceparent=shared.traceparent if shared else teller.traceparent,
            )
        )
        ids[need.category] = need_id
    return made


def told_need(need: NeedTold) -> ToldNeed:
    """Of a need as told, what decides on its place among the others."""
    return ToldNeed(need.category, need.people_count, need.after_category)


def need_key(master: MasterKey, teller: Teller, reference: str) -> bytes:
    """By which a need that is told again is recognised: sender, person and the sender's reference."""
    return master.blind("need", teller.source, str(teller.returnee_id), reference)


async def report_need(
    session: AsyncSession, returnee_id: UUID, body: NeedBody, *, source: str, actor: Actor, vault: Vault
) -> UUID:
    """Take down one more need of a registered person; its id, or that of the same need told before."""
    person = await returnee(session, returnee_id, actor=actor, lock=True)
    known = await queries.known_needs(session, person, actor=actor)
    faults = need_faults(
        [told_need(body)],
        known=known,
        restricted=actor.sight.restricted_categories,
        has_household=person.household_id is not None,
        pointer="",
    )
    if faults:
        raise InvalidInput(errors=[replace(fault, pointer=fault.pointer.removeprefix("/0")) for fault in faults])
    teller = await _teller(session, person, body, source=source)
    (new,) = told_needs([body], teller, known=known, master=vault.master)
    if new.need_key is not None:
        before = await queries.need_by_key(session, new.need_key)
        if before is not None:
            if before.category != body.category:
                raise NeedReferenceTaken
            return before.id
    if body.after_need_id is not None:
        await _require_ordinary(session, body, person=person, actor=actor)
        new = replace(new, after_need_id=body.after_need_id)
    await report_needs(session, [new])
    await record(session, actor, [_write(returnee_id, "need.report", body.category, actor=actor)])
    return new.id


async def _require_ordinary(session: AsyncSession, body: NeedBody, *, person: Returnee, actor: Actor) -> None:
    """The need that this one waits for exists for the caller, and is restricted only where this one is."""
    assert body.after_need_id is not None, "asked for only then"
    before = await queries.need(session, body.after_need_id, person=person, actor=actor)
    restricted = actor.sight.restricted_categories
    if before.category in restricted and body.category not in restricted:
        raise InvalidInput(errors=[prerequisite_fault("/after_need_id")])


async def _teller(session: AsyncSession, person: Returnee, body: NeedTold, *, source: str) -> Teller:
    household = None
    if body.people_count > 1 and person.household_id is not None:
        household = await claim_reference(session, person.household_id, person.id)
    return Teller(person.id, person.arrival_batch_id, household, source, person.traceparent)


async def withdraw_need(session: AsyncSession, returnee_id: UUID, need_id: UUID, *, actor: Actor) -> UUID:
    """The person no longer asks for this; no reason is required."""
    person = await returnee(session, returnee_id, actor=actor, lock=True)
    row = await queries.need(session, need_id, person=person, actor=actor, lock=True)
    if row.status == NeedStatus.WITHDRAWN:
        raise NeedAlreadyWithdrawn
    row.status = NeedStatus.WITHDRAWN.value
    row.withdrawn_at = now(session)
    session.add(row)
    await session.flush()
    withdrawn = NeedWithdrawn(returnee_id=row.returnee_id, need_id=row.id, withdrawn_at=now(session))
    await append(session, [withdrawn], traceparents=[row.traceparent])
    await record(session, actor, [_write(returnee_id, "need.withdraw", row.category, actor=actor)])
    return row.id


async def look_up_needs(session: AsyncSession, returnee_id: UUID, page: PageRequest, *, actor: Actor) -> Page[NeedView]:
    """The needs of a person and of the person's household; recorded."""
    person = await returnee(session, returnee_id, actor=actor)
    await record(session, actor, [_access(returnee_id, AccessKind.READ, "need.read")])
    return await queries.needs(session, person, page, actor=actor)


async def look_up_need(session: AsyncSession, returnee_id: UUID, need_id: UUID, *, actor: Actor) -> NeedView:
    """One need; recorded."""
    view = await show_need(session, returnee_id, need_id, actor=actor)
    await record(session, actor, [_access(returnee_id, AccessKind.READ, "need.read")])
    return view


async def show_need(session: AsyncSession, returnee_id: UUID, need_id: UUID, *, actor: Actor) -> NeedView:
    """One need, as the answer to having withdrawn it."""
    person = await returnee(session, returnee_id, actor=actor)
    return await queries.need_view(session, need_id, person=person, actor=actor)


async def show_told_need(
    session: AsyncSession, returnee_id: UUID, need_id: UUID, body: NeedBody, *, actor: Actor
) -> NeedView:
    """One need, as the answer to having told it.

    Who may tell of a restricted need, but not read it, gets back what was told and nothing of what is stored.
    """
    person = await returnee(session, returnee_id, actor=actor)
    if body.category not in actor.hidden_categories(person.organization_id):
        return await queries.need_view(session, need_id, person=person, actor=actor)
    after = body.after_need_id
    if body.after_category is not None:
        after = (await queries.known_needs(session, person, actor=actor)).get(body.after_category)
    return NeedView(
        id=need_id,
        returnee_id=person.id,
        household_id=person.household_id if body.people_count > 1 else None,
        category=body.category,
        urgency=body.urgency,
        people_count=body.people_count,
        after_need_id=after,
        status=NeedStatus.REPORTED,
        reported_at=now(session),
        withdrawn_at=None,
    )


def _write(returnee_id: UUID, action: str, category: str, *, actor: Actor) -> Access:
    """A write of one need, under an action of its own where not everybody may know that there is such a need."""
    is_restricted = category in actor.sight.restricted_categories
    return _access(returnee_id, AccessKind.WRITE, f"{RESTRICTED}{action}" if is_restricted else action)


def _access(returnee_id: UUID, kind: AccessKind, action: str) -> Access:
    return Access(
        subject_id=returnee_id, kind=kind, action=action, purpose=AccessPurpose.REGISTRATION, fields=["needs"]
    )
