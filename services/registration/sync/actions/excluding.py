"""Takes in private people whom a person excludes, told without a line."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.excluded_people.queries import excluded_by, told_of
from services.registration.excluded_people.rules import EXCLUDED_PEOPLE
from services.registration.people.actions.merging import lock_people, records_of
from services.registration.people.queries import returnee
from services.registration.sync import queries
from services.registration.sync.actions.conflicts import NewConflict, keep_conflicts
from services.registration.sync.actions.given import Done, Given, Moments
from services.registration.sync.rules import Held, Outcome, knew
from services.registration.sync.schemas import ExcludePerson
from services.registration.vault.queries import data_key
from services.registration.withholding import actions as withholding
from services.registration.withholding.schemas import ExcludedPersonBody


async def exclude_person(session: AsyncSession, op: ExcludePerson, moments: Moments, given: Given) -> Done:
    """Record the exclusion, unless the same was told before. If somebody else has ended an exclusion of this person
    meanwhile, this one counts until a person has asked."""
    row = await returnee(session, op.returnee_id, actor=given.actor)
    await lock_people(session, await records_of(session, [row.id]))  # as the action does, in the same order
    if (before := await _told_before(session, row.id, op.data, given)) is not None:
        return Done(Outcome.UNCHANGED, row.id, created_id=before)
    exclusion_id = await withholding.exclude_person(
        session, row.id, op.data, actor=given.actor, vault=given.vault, pack=given.pack
    )
    if knew(moments.made, (await queries.changes_of(session, row.id)).get(EXCLUDED_PEOPLE)):
        return Done(returnee_id=row.id, created_id=exclusion_id)
    conflict = NewConflict(EXCLUDED_PEOPLE, Held.TOLD, told={"exclusion_id": str(exclusion_id)})
    ids = await keep_conflicts(session, row.id, [conflict], moments=moments, actor=given.actor, vault=given.vault)
    return Done(Outcome.CONFLICT, row.id, created_id=exclusion_id, conflict_ids=ids)


async def _told_before(session: AsyncSession, returnee_id: UUID, body: ExcludedPersonBody, given: Given) -> UUID | None:
    """The exclusion that says the same. An end of the one would otherwise leave the other."""
    key = await data_key(given.vault, returnee_id)
    for row in await excluded_by(session, [returnee_id]):
        if row.other_returnee_id == body.returnee_id and told_of(row, key) == body.told:
            return row.id
    return None
