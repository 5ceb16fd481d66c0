"""Takes in households that were put together without a line."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.errors import NotFound
from libs.chassis.etag import Condition, etag_of
from services.registration.households import queries as household_queries
from services.registration.households.schemas import HouseholdBody, HouseholdCorrection
from services.registration.intake.actions import corrections
from services.registration.sync import queries
from services.registration.sync.actions.conflicts import NewConflict, keep_conflicts
from services.registration.sync.actions.given import Done, Given, Moments
from services.registration.sync.rules import HOUSEHOLD, Held, Outcome
from services.registration.sync.schemas import JoinHousehold


async def join_household(session: AsyncSession, op: JoinHousehold, moments: Moments, given: Given) -> Done:
    """Create the household, or add people to it. Nobody is taken out of a household that somebody else has put them
    into meanwhile: a person decides where they belong."""
    body = op.data
    at_present = await queries.households_by_member(session, [*body.member_ids, body.reference_returnee_id])
    elsewhere = [one for one, has in at_present.items() if has not in (None, op.household_id)]
    joining = [one for one in body.member_ids if one not in elsewhere]
    household_id: UUID | None = op.household_id
    if household_id is not None:
        await _add(session, household_id, joining, body.namesakes_confirmed, given)
    elif body.reference_returnee_id in joining:
        reduced = HouseholdBody.model_validate({**body.model_dump(), "member_ids": joining})
        household_id = await corrections.create_household(session, reduced, actor=given.actor, vault=given.vault)
    ids: list[UUID] = []
    for one in elsewhere:
        told = {"household_id": _text(household_id), "member_ids": [str(member) for member in body.member_ids]}
        conflict = NewConflict(HOUSEHOLD, Held.STORED, {"household_id": _text(at_present[one])}, told)
        ids += await keep_conflicts(session, one, [conflict], moments=moments, actor=given.actor, vault=given.vault)
    outcome = Outcome.CONFLICT if ids else Outcome.DONE
    return Done(outcome, created_id=household_id, conflict_ids=ids)


async def _add(session: AsyncSession, household_id: UUID, joining: list[UUID], confirmed: bool, given: Given) -> None:
    """Add these people. If somebody joins at the same moment, the version differs, and the operation is tried again."""
    household = await household_queries.household(session, household_id, actor=given.actor)
    present = [row.id for row in await household_queries.members_of(session, household_id)]
    if not present:
        raise NotFound
    members = list(dict.fromkeys([*present, *joining]))
    if members == present:
        return
    await corrections.correct_household(
        session,
        household_id,
        HouseholdCorrection(member_ids=members, namesakes_confirmed=confirmed),
        condition=Condition(etag_of(household.version)),
        actor=given.actor,
        vault=given.vault,
        pack=given.pack,
    )


def _text(household_id: UUID | None) -> str | None:
    return None if household_id is None else str(household_id)
