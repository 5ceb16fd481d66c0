"""Join households (many people at once), create them at a desk, change them; each change publishes the complete state.

A household is locked while its members are decided. A person who may not belong to it waits for a decision.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from libs.chassis.errors import FieldError, InvalidInput
from libs.chassis.etag import Condition
from libs.events.catalogue.registration import HouseholdChanged, ReturneeChanged
from libs.events.outbox import append
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.errors import HouseholdFull, MayBeExcluded, MemberOfAnotherHousehold, MustStayApart
from services.registration.excluded_people.queries import kept_apart, may_be_excluded
from services.registration.households import queries
from services.registration.households.actions.claims import close_claims
from services.registration.households.queries import by_household
from services.registration.households.rules import MEMBERS_MAX, ClaimDecision
from services.registration.households.schemas import (
    HouseholdBody,
    HouseholdCorrection,
    HouseholdDecision,
    HouseholdState,
    Joining,
)
from services.registration.households.tables import Household
from services.registration.people.queries import member_fault, profile_fields, visible_to
from services.registration.people.tables import Returnee
from services.registration.vault.sealing import Vault

_JOIN = """
    UPDATE household SET
        version = household.version + 1,
        expected_size = greatest(household.expected_size, told.size),
        told_size = coalesce(household.told_size, told.size),
        stay_together = told.stay_together,
        reference_told = household.reference_told OR told.reference_told,
        reference_returnee_id = CASE WHEN told.reference_told AND NOT household.reference_told
            THEN told.reference_returnee_id ELSE household.reference_returnee_id END
    FROM unnest($1::uuid[], $2::uuid[], $3::bool[], $4::int[], $5::bool[])
        AS told (id, reference_returnee_id, reference_told, size, stay_together)
    WHERE household.id = told.id
"""


async def join_households(session: AsyncSession, joinings: Sequence[Joining]) -> dict[UUID, HouseholdState]:
    """Record that these people are members of the households to which they point, and publish the households.

    The households are locked. The reference person is the first member who reports a need of the household; until then
    it is the first member.
    """
    if not joinings:
        return {}
    rows = [_told(group) for group in by_household(joinings).values()]
    await (await raw(session)).execute(_JOIN, *map(list, zip(*rows, strict=True)))
    states = await queries.household_states(session, [row[0] for row in rows])
    await tell_households(session, states)
    return {state.id: state for state in states}


def _told(group: Sequence[Joining]) -> tuple[UUID, UUID, bool, int | None, bool]:
    """The statements of the members of one household in this batch, in the order of the statement's columns."""
    reference = next((member for member in group if member.tells_household_need), group[0])
    return (
        reference.household_id,
        reference.returnee_id,
        reference.tells_household_need,
        next((member.told_size for member in group if member.told_size is not None), None),
        group[-1].stay_together,
    )


async def tell_households(session: AsyncSession, states: Sequence[HouseholdState]) -> None:
    """Publish the complete present state of these households."""
    events = [
        HouseholdChanged(
            household_id=state.id,
            reference_returnee_id=state.reference_returnee_id,
            version=state.version,
            member_ids=list(state.member_ids),
            expected_size=max(state.expected_size, len(state.member_ids)),
            stay_together=state.stay_together,
        )
        for state in states
    ]
    await append(session, events, traceparents=[state.traceparent for state in states])


async def claim_reference(session: AsyncSession, household_id: UUID, returnee_id: UUID) -> HouseholdState:
    """Make this member the reference person, unless another member has already reported a need of the household.

    Returns the household after that, locked. It is published if the reference person has changed.
    """
    household = await session.get(Household, household_id, with_for_update={"key_share": True})
    assert household is not None, "the member's row points to it"
    changed = not household.reference_told and household.reference_returnee_id != returnee_id
    if not household.reference_told:
        household.reference_told = True
        household.reference_returnee_id = returnee_id
        household.version += changed
        session.add(household)
        await session.flush()
    states = await queries.household_states(session, [household_id])
    if changed:
        await tell_households(session, states)
    return states[0]


class Seen(NamedTuple):
    """What is needed to compare the members of a household with the people whom they exclude."""

    vault: Vault
    namesakes_confirmed: bool
    """The desk says that a member with the name of an excluded person is somebody else."""


async def separate(session: AsyncSession, row: Returnee, *, by: str) -> None:
    """Remove a person, whose row is locked, from the household, and publish both."""
    await leave_household(session, row, by=by)
    row.version += 1
    row.told_version = row.version
    session.add(row)
    await session.flush()
    await append(session, [ReturneeChanged.model_validate(profile_fields(row))], traceparents=[row.traceparent])


async def leave_household(session: AsyncSession, row: Returnee, *, by: str = "erasure") -> None:
    """Remove a person, whose row is locked, from the household, and publish the household."""
    await close_claims(session, [row.id], ClaimDecision.SEPARATE, by=by)
    if row.household_id is None:
        return
    household = await session.get(Household, row.household_id, with_for_update={"key_share": True})
    assert household is not None, "the member's row points to it"
    row.household_id = None
    household.version += 1
    household.expected_size = max(1, household.expected_size - 1)
    household.told_size = None if household.told_size is None else max(1, household.told_size - 1)
    session.add_all([row, household])
    await session.flush()
    remaining = await queries.household_states(session, [household.id])
    if remaining and household.reference_returnee_id == row.id:
        household.reference_returnee_id = remaining[0].member_ids[0]
        await session.flush()
        remaining = await queries.household_states(session, [household.id])
    await tell_households(session, remaining)


async def create_household(session: AsyncSession, body: HouseholdBody, *, actor: Actor, vault: Vault) -> UUID:
    """Create a household of people who are in no household yet; return its id."""
    household = Household(
        id=uuid7(),
        reference_returnee_id=body.reference_returnee_id,
        expected_size=body.expected_size,
        told_size=body.expected_size,
        stay_together=body.stay_together,
        version=1,
        organization_id=actor.organization_id,
        created_at=now(session),
    )
    people = await _locked(session, None, body.member_ids, actor=actor)
    await _place(
        session, household, people, set(body.member_ids), actor=actor, seen=Seen(vault, body.namesakes_confirmed)
    )
    return household.id


async def correct_household(
    session: AsyncSession,
    household_id: UUID,
    correction: HouseholdCorrection,
    *,
    condition: Condition,
    actor: Actor,
    vault: Vault,
) -> None:
    """Change members, reference person, size or the wish to stay together.

    People are locked before their household, as everywhere. If a person joins between the two locks, the household
    has a higher version, and a condition on the earlier version is refused.
    """
    people = await _locked(session, household_id, correction.member_ids or [], actor=actor)
    household = await queries.household(session, household_id, actor=actor, lock=True)
    condition.check(household.version)
    for name in correction.model_fields_set - {"member_ids", "namesakes_confirmed"}:
        value = getattr(correction, name)
        if value is not None:
            setattr(household, name, value)
    household.told_size = correction.expected_size or household.told_size
    household.version += 1
    present = {row.id for row in people if row.household_id == household_id}
    members = present if correction.member_ids is None else set(correction.member_ids)
    seen = Seen(vault, correction.namesakes_confirmed)
    await _place(session, household, people, members, actor=actor, seen=seen)


async def _place(
    session: AsyncSession,
    household: Household,
    people: Sequence[Returnee],
    members: set[UUID],
    *,
    actor: Actor,
    seen: Seen,
) -> None:
    """Make exactly these people the members; publish everybody whose household has changed."""
    if household.reference_returnee_id not in members:
        raise InvalidInput(
            errors=[FieldError("/reference_returnee_id", "is-member", "The reference person must be a member.")]
        )
    if not members <= {row.id for row in people}:
        raise InvalidInput(errors=[member_fault()])
    if any(row.household_id not in (None, household.id) for row in people):
        raise MemberOfAnotherHousehold
    await _require_apart(session, [row for row in people if row.id in members], household.id, seen)
    changed = [row for row in people if (row.household_id == household.id) != (row.id in members)]
    for row in changed:
        row.household_id = household.id if row.id in members else None
        row.version += 1
        row.told_version = row.version
    session.add_all([household, *changed])
    await session.flush()
    events = [ReturneeChanged.model_validate(profile_fields(row)) for row in changed]
    await append(session, events, traceparents=[row.traceparent for row in changed])
    joined, left = [{row.id for row in changed if (row.id in members) is here} for here in (True, False)]
    await close_claims(session, joined, ClaimDecision.KEEP_TOGETHER, by=actor.who)
    await close_claims(session, left, ClaimDecision.SEPARATE, by=actor.who)
    await tell_households(session, await queries.household_states(session, [household.id]))
    await record(session, actor, [_access(row.id) for row in people])


async def _require_apart(session: AsyncSession, members: Sequence[Returnee], household_id: UUID, seen: Seen) -> None:
    """Raise MustStayApart if somebody would join a person whom one of the two excludes, and MayBeExcluded if only a
    name says so and the desk has not confirmed that it is a namesake."""
    joining = {row.id for row in members if row.household_id != household_id}
    if not joining:
        return
    ids = {row.id for row in members}
    apart = await kept_apart(session, ids)
    if any(not apart.get(one, set()).isdisjoint(ids) for one in joining):
        raise MustStayApart
    if not seen.namesakes_confirmed and await may_be_excluded(session, members, joining=joining, vault=seen.vault):
        raise MayBeExcluded


async def decide_claim(
    session: AsyncSession, claim_id: UUID, body: HouseholdDecision, *, actor: Actor, vault: Vault
) -> UUID:
    """Decide whether somebody belongs to the household that they name; return the household's id. Nothing about it was
    published before."""
    claim = await queries.open_claim(session, claim_id, actor=actor)
    people = await _locked(session, claim.household_id, [claim.returnee_id], actor=actor)
    claim = await queries.open_claim(session, claim_id, actor=actor, lock=True)
    household = await session.get(Household, claim.household_id, with_for_update={"key_share": True})
    assert household is not None, "the claim points to it"
    if body.decision is ClaimDecision.SEPARATE:
        await close_claims(session, [claim.returnee_id], body.decision, by=actor.who)
        await record(session, actor, [_access(claim.returnee_id)])
        return household.id
    members = {row.id for row in people if row.household_id == household.id} | {claim.returnee_id}
    if len(members) > MEMBERS_MAX:
        raise HouseholdFull
    household.version += 1
    household.expected_size = max(household.expected_size, len(members))
    household.told_size = max(household.told_size or 1, claim.told_size or 1, len(members))
    await _place(session, household, people, members, actor=actor, seen=Seen(vault, body.namesakes_confirmed))
    return household.id


async def _locked(
    session: AsyncSession, household_id: UUID | None, member_ids: Collection[UUID], *, actor: Actor
) -> list[Returnee]:
    """The present and future members, locked in the order of their ids."""
    either: ColumnElement[bool] = col(Returnee.id).in_(list(member_ids))
    if household_id is not None:
        either = either | (col(Returnee.household_id) == household_id)
    query = select(Returnee).where(either, col(Returnee.erased_at).is_(None), visible_to(actor))
    return list((await session.exec(query.order_by(col(Returnee.id)).with_for_update(key_share=True))).all())


def _access(returnee_id: UUID) -> Access:
    return Access(
        subject_id=returnee_id,
        kind=AccessKind.WRITE,
        action="household.write",
        purpose=AccessPurpose.REGISTRATION,
        fields=["household"],
    )
