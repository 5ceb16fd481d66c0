"""Queries of households with their members, of people who may not belong to one, and of claims."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import own_work, raw
from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageRequest, page_of
from services.registration.audit.rules import Actor
from services.registration.errors import HouseholdClaimDecided
from services.registration.excluded_people.queries import kept_apart, may_be_excluded, names_told
from services.registration.excluded_people.rules import may_be_same
from services.registration.households.rules import ClaimDecision, ClaimReason, claims_in_doubt
from services.registration.households.schemas import HouseholdClaimView, HouseholdState, HouseholdView, Joining
from services.registration.households.tables import Household, HouseholdClaim
from services.registration.people.queries import visible_to
from services.registration.people.tables import Returnee
from services.registration.vault.queries import data_keys
from services.registration.vault.sealing import Vault

_MEMBERS = """
    SELECT h.id, h.reference_returnee_id, h.version, h.expected_size, h.stay_together,
           array_agg(r.id ORDER BY r.id) AS member_ids,
           min(r.traceparent) FILTER (WHERE r.id = h.reference_returnee_id) AS traceparent
    FROM household h JOIN returnee r ON r.household_id = h.id AND r.erased_at IS NULL
    WHERE h.id = ANY($1) GROUP BY h.id ORDER BY h.id
"""


async def household_states(session: AsyncSession, household_ids: Collection[UUID]) -> list[HouseholdState]:
    """Households with their members, as this transaction sees them. Lock them first."""
    if not household_ids:
        return []
    rows = await (await raw(session)).fetch(_MEMBERS, list(household_ids))
    return [HouseholdState(**dict(row)) for row in rows]


async def household_view(session: AsyncSession, household_id: UUID, *, actor: Actor) -> HouseholdView:
    """One household with its members."""
    await household(session, household_id, actor=actor)
    async with own_work(session):  # a caller who sees one member is shown all of them
        states = await household_states(session, [household_id])
    for state in states:
        return HouseholdView(
            id=state.id,
            version=state.version,
            reference_returnee_id=state.reference_returnee_id,
            member_ids=list(state.member_ids),
            expected_size=state.expected_size,
            stay_together=state.stay_together,
        )
    raise NotFound


async def household(session: AsyncSession, household_id: UUID, *, actor: Actor, lock: bool = False) -> Household:
    """One household; NotFound if the caller may see none of its members."""
    members = select(Returnee.household_id).where(Returnee.household_id == household_id, visible_to(actor))
    query = select(Household).where(Household.id == household_id, members.exists())
    if lock:
        query = query.with_for_update(key_share=True, of=Household)
    found = (await session.exec(query)).first()
    if found is None:
        raise NotFound
    return found


async def members_of(session: AsyncSession, household_id: UUID) -> list[Returnee]:
    """The members of a household who are not erased, in the order in which they were registered."""
    query = select(Returnee).where(Returnee.household_id == household_id, col(Returnee.erased_at).is_(None))
    return list((await session.exec(query.order_by(col(Returnee.id)))).all())


async def is_in_doubt(session: AsyncSession, household_id: UUID) -> bool:
    """Whether somebody names this household and staff have not yet decided whether they belong to it."""
    query = select(HouseholdClaim.id).where(
        HouseholdClaim.household_id == household_id, col(HouseholdClaim.decided_at).is_(None)
    )
    return (await session.exec(query.limit(1))).first() is not None


async def open_claim(session: AsyncSession, claim_id: UUID, *, actor: Actor, lock: bool = False) -> HouseholdClaim:
    """A claim that waits for a decision; NotFound if it belongs to another organisation, HouseholdClaimDecided after
    the decision."""
    query = select(HouseholdClaim).join(Returnee).where(HouseholdClaim.id == claim_id, visible_to(actor))
    if lock:
        query = query.with_for_update(of=HouseholdClaim).execution_options(populate_existing=True)
    found = (await session.exec(query)).first()
    if found is None:
        raise NotFound
    if found.decided_at is not None:
        raise HouseholdClaimDecided
    return found


async def claims(session: AsyncSession, page: PageRequest, *, is_open: bool, actor: Actor) -> Page[HouseholdClaimView]:
    """Claims that wait for a decision, or decided ones; oldest first."""
    undecided = col(HouseholdClaim.decided_at).is_(None)
    query = (
        select(HouseholdClaim, Returnee.case_code, Household.told_size)
        .join(Returnee, col(Returnee.id) == col(HouseholdClaim.returnee_id))
        .join(Household, col(Household.id) == col(HouseholdClaim.household_id))
        .where(visible_to(actor), undecided if is_open else ~undecided)
    )
    if page.after is not None:
        query = query.where(col(HouseholdClaim.id) > UUID(page.after[0]))
    rows = (await session.exec(query.order_by(col(HouseholdClaim.id)).limit(page.limit + 1))).all()
    async with own_work(session):  # a caller who decides is shown the whole household that is named
        states = await household_states(session, {claim.household_id for claim, _, _ in rows})
    members = {state.id: list(state.member_ids) for state in states}
    return page_of(
        rows,
        request=page,
        cursor_of=lambda row: [str(row[0].id)],
        view=lambda row: _claim_view(row[0], row[1], row[2], members),
    )


async def claim_view(session: AsyncSession, claim_id: UUID) -> HouseholdClaimView:
    """One claim, for the caller that has just decided it."""
    claim = await session.get(HouseholdClaim, claim_id, populate_existing=True)
    assert claim is not None, "it has just been decided"
    person = await session.get(Returnee, claim.returnee_id)
    household_row = await session.get(Household, claim.household_id)
    assert person is not None, "the claim points to both"
    assert household_row is not None, "the claim points to both"
    states = await household_states(session, [claim.household_id])
    members = {state.id: list(state.member_ids) for state in states}
    return _claim_view(claim, person.case_code, household_row.told_size, members)


def _claim_view(
    claim: HouseholdClaim, case_code: str, household_told_size: int | None, members: Mapping[UUID, list[UUID]]
) -> HouseholdClaimView:
    return HouseholdClaimView(
        id=claim.id,
        household_id=claim.household_id,
        returnee_id=claim.returnee_id,
        case_code=case_code,
        reason=ClaimReason(claim.reason),
        told_size=claim.told_size,
        household_told_size=household_told_size,
        member_ids=members.get(claim.household_id, []),
        claimed_at=claim.claimed_at,
        decision=None if claim.decision is None else ClaimDecision(claim.decision),
        decided_at=claim.decided_at,
    )


_SIZES = """
    SELECT h.id, h.told_size, count(r.id) AS members_count
    FROM household h LEFT JOIN returnee r ON r.household_id = h.id AND r.erased_at IS NULL
    WHERE h.id = ANY($1) GROUP BY h.id
"""


async def doubts(session: AsyncSession, joinings: Sequence[Joining]) -> dict[UUID, ClaimReason]:
    """The people who may not belong to the household that they name, and why. The households must be locked."""
    if not joinings:
        return {}
    groups = by_household(joinings)
    rows = await (await raw(session)).fetch(_SIZES, list(groups))
    found: dict[UUID, ClaimReason] = {}
    for row in rows:
        group = groups[row["id"]]
        reasons = claims_in_doubt(
            [joining.told_size for joining in group], members_count=row["members_count"], told_size=row["told_size"]
        )
        found |= {one.returnee_id: reason for one, reason in zip(group, reasons, strict=True) if reason is not None}
    return found


_NAMERS = """
    SELECT e.returnee_id, r.household_id FROM excluded_person e JOIN returnee r ON r.id = e.returnee_id
    WHERE r.household_id = ANY($1::uuid[]) AND e.has_name
"""


async def excluded_newcomers(
    session: AsyncSession, joinings: Sequence[Joining], names: Mapping[UUID, tuple[str, str]], *, vault: Vault
) -> dict[UUID, ClaimReason]:
    """The people, who are being registered with these names, whose name a member of the household excludes. The
    households must be locked."""
    groups = by_household(joinings)
    rows = await (await raw(session)).fetch(_NAMERS, list(groups)) if groups else []
    if not rows:
        return {}
    at = {row["returnee_id"]: row["household_id"] for row in rows}
    told = await names_told(session, list(at), keys=await data_keys(vault, at))
    return {
        one.returnee_id: ClaimReason.EXCLUDED_PERSON
        for namer, excluded in told.items()
        for one in groups[at[namer]]
        if any(may_be_same(names[one.returnee_id], name) for name in excluded)
    }


async def excluded_joiner(
    session: AsyncSession, person: Returnee, household_id: UUID, *, vault: Vault
) -> dict[UUID, ClaimReason]:
    """The same for a person who is registered and joins now: records are compared too."""
    members = await members_of(session, household_id)
    apart = (await kept_apart(session, [person.id])).get(person.id, set())
    is_apart = not apart.isdisjoint(member.id for member in members)
    if is_apart or await may_be_excluded(session, [*members, person], joining={person.id}, vault=vault):
        return {person.id: ClaimReason.EXCLUDED_PERSON}
    return {}


def by_household(joinings: Sequence[Joining]) -> dict[UUID, list[Joining]]:
    """The people who name the same household, in the order in which they came."""
    groups: dict[UUID, list[Joining]] = {}
    for joining in joinings:
        groups.setdefault(joining.household_id, []).append(joining)
    return groups
