"""Put people on the list whose days are over, take them off again, and extend."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from libs.chassis.paging import Page, PageRequest
from services.registration.answering_errors import WholeCountryNeeded
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.identity_ends import queries
from services.registration.identity_ends.rules import RECHECK_AFTER, ended_before
from services.registration.identity_ends.schemas import DuePerson, ExtensionBody
from services.registration.identity_ends.tables import RetentionExtension
from services.registration.people.actions.merging import records_of
from services.registration.people.queries import returnee

_LAST = "SELECT registered_at, returnee_id FROM identity_clock ORDER BY registered_at DESC, returnee_id DESC LIMIT 1"
# People are taken in the order of their registration. Nobody is inserted before the last one: the row of a registration
# has the time of its transaction, and the youngest that is taken is months old.
_BEGIN = """
    INSERT INTO identity_clock (returnee_id, registered_at, counts_from)
    SELECT id, registered_at, registered_at FROM returnee
    WHERE erased_at IS NULL AND registered_at <= $1 AND (registered_at, id) > ($2, $3)
    ORDER BY registered_at, id LIMIT $4
    ON CONFLICT (returnee_id) DO NOTHING
"""
_TAKE = """
    SELECT returnee_id FROM identity_clock WHERE due_since IS NULL AND counts_from <= $1
    ORDER BY counts_from, returnee_id LIMIT $2 FOR UPDATE SKIP LOCKED
"""
_TAKE_AGAIN = """
    SELECT returnee_id FROM identity_clock WHERE due_since IS NOT NULL AND checked_at <= $1
    ORDER BY checked_at, returnee_id LIMIT $2 FOR UPDATE SKIP LOCKED
"""
_CHECKED = """
    UPDATE identity_clock c SET counts_from = v.counts_from, checked_at = $1,
        due_since = CASE WHEN v.is_due THEN coalesce(c.due_since, $1) END
    FROM unnest($2::uuid[], $3::timestamptz[], $4::boolean[]) AS v (returnee_id, counts_from, is_due)
    WHERE c.returnee_id = v.returnee_id
"""
_FORGET = "DELETE FROM identity_clock WHERE returnee_id = ANY($1::uuid[])"
_EXTENDED = """
    UPDATE identity_clock SET counts_from = greatest(counts_from, $2), due_since = NULL
    WHERE returnee_id = ANY($1::uuid[])
"""


async def check_clocks(session: AsyncSession, *, days: int, limit: int) -> int:
    """Start the clocks of up to `limit` people, and check as many whose days seem to be over; return the number of
    rows."""
    at, connection = now(session), await raw(session)
    before = ended_before(at, days=days)
    last = await connection.fetchrow(_LAST)
    after = queries.FIRST if last is None else (last["registered_at"], last["returnee_id"])
    begun = int((await connection.execute(_BEGIN, before, *after, limit)).rsplit(" ", 1)[-1])
    taken = [row["returnee_id"] for row in await connection.fetch(_TAKE, before, limit)]
    taken += [row["returnee_id"] for row in await connection.fetch(_TAKE_AGAIN, at - RECHECK_AFTER, limit)]
    await _check(session, taken, days=days)
    return begun + len(taken)


async def _check(session: AsyncSession, returnee_ids: Sequence[UUID], *, days: int) -> None:
    found = await queries.verdicts(session, returnee_ids, days=days)
    connection, values = await raw(session), list(found.values())
    await connection.execute(
        _CHECKED,
        now(session),
        [one.returnee_id for one in values],
        [one.counts_from for one in values],
        [one.is_due for one in values],
    )
    erased = [returnee_id for returnee_id in returnee_ids if returnee_id not in found]
    if erased:
        await connection.execute(_FORGET, erased)


async def list_due(session: AsyncSession, page: PageRequest, *, days: int, actor: Actor) -> Page[DuePerson]:
    """The people whose days are over. Each of them finds this look in their own list.

    Only for callers who see everybody: for others, a list without people would look as if nobody were due.
    """
    if not (actor.sight.everywhere and actor.sight.restricted and not actor.sight.children_only):
        raise WholeCountryNeeded
    found = await queries.due_people(session, page, days=days)
    looks = [_access(one.returnee_id, AccessKind.READ, "retention.list_due", "case_code") for one in found.items]
    await record(session, actor, looks)
    return found


async def extend(session: AsyncSession, returnee_id: UUID, body: ExtensionBody, *, days: int, actor: Actor) -> UUID:
    """Keep the identity data of a person longer, and take the person off the list; return the extension's id."""
    at = now(session)
    # The lock on the person prevents an erasure until the commit.
    person = await returnee(session, returnee_id, actor=actor, lock=True)
    until = at + timedelta(days=body.days)
    row = RetentionExtension(
        id=uuid7(),
        returnee_id=person.id,
        reason=body.reason.value,
        until=until,
        recorded_at=at,
        recorded_by=actor.who,
    )
    session.add(row)
    await session.flush()
    records = list(await records_of(session, [person.id]))
    await (await raw(session)).execute(_EXTENDED, records, until - timedelta(days=days))
    await record(session, actor, [_access(person.id, AccessKind.WRITE, queries.EXTEND, "retention")])
    return row.id


def _access(returnee_id: UUID, kind: AccessKind, action: str, field: str) -> Access:
    return Access(subject_id=returnee_id, kind=kind, action=action, purpose=AccessPurpose.ERASURE, fields=[field])
