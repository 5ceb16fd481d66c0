"""Staff decide about a match: one person, two people, or a merge that was wrong.

Lock order: the people by their ids, what is due for comparison, then the match. Corrections and comparisons lock in the
same order.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now
from libs.chassis.errors import InvalidInput, NotFound
from libs.chassis.etag import Condition
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.errors import (
    LaterMergeStands,
    MatchAlreadyMerged,
    MembersOfOneHousehold,
    MustStayApart,
    OtherRecordHidden,
    ReturneeErased,
    ReturneeMerged,
    ReturneeNotMerged,
)
from services.registration.excluded_people.queries import kept_apart
from services.registration.matching import queries
from services.registration.matching.rules import DifferentReason, MatchStatus, MergeReason, ordered
from services.registration.matching.schemas import DifferentBody, MergeBody
from services.registration.matching.tables import Match, MatchDecision
from services.registration.people.actions.merging import (
    lock_people,
    merge_record,
    part_record,
    records_of,
    to_compare,
)
from services.registration.people.tables import Returnee


class Locked(NamedTuple):
    """A match and both people, locked."""

    match: Match
    first: Returnee
    second: Returnee


async def merge(session: AsyncSession, match_id: UUID, body: MergeBody, *, condition: Condition, actor: Actor) -> UUID:
    """Two records are one person, who continues as `body.into`. Both records keep all of their data."""
    one = await _locked(session, match_id, condition=condition, actor=actor, compare=True)
    if body.into not in (one.first.id, one.second.id):
        raise InvalidInput("The record that continues is one of the two.", pointer="/into")
    if one.match.status == MatchStatus.MERGED:
        raise MatchAlreadyMerged
    if one.first.merged_into is not None or one.second.merged_into is not None:
        raise ReturneeMerged
    if one.first.household_id is not None and one.first.household_id == one.second.household_id:
        raise MembersOfOneHousehold
    await _require_together(session, one)
    into, merged = (one.first, one.second) if body.into == one.first.id else (one.second, one.first)
    await merge_record(session, merged, into)
    await _decide(session, one, MatchStatus.MERGED, body.reason, into_id=into.id, actor=actor)
    await record(session, actor, _accesses(one, "returnee.merge", ["merged_into"]))
    return one.match.id


async def _require_together(session: AsyncSession, one: Locked) -> None:
    """Raise MustStayApart if one of the two people excludes the other, or a member of the other's household."""
    sides = (one.first.id, one.second.id)
    apart = set[UUID]().union(*(await kept_apart(session, sides)).values())
    if apart:
        records = await records_of(session, sides)
        if not apart.isdisjoint({*records, *await queries.household_members(session, records)}):
            raise MustStayApart


async def tell_apart(
    session: AsyncSession, match_id: UUID, body: DifferentBody, *, condition: Condition, actor: Actor
) -> UUID:
    """Two records are two people. The match is not shown again."""
    one = await _locked(session, match_id, condition=condition, actor=actor)
    if one.match.status == MatchStatus.MERGED:
        raise MatchAlreadyMerged
    await _decide(session, one, MatchStatus.DIFFERENT, body.reason, actor=actor)
    await record(session, actor, _accesses(one, "match.different", ["match"]))
    return one.match.id


async def unmerge(
    session: AsyncSession, returnee_id: UUID, body: DifferentBody, *, condition: Condition, actor: Actor
) -> UUID:
    """The merge of this record into another one was wrong. Both are again what they were before."""
    match = await _merge_of(session, returnee_id)
    one = await _locked(session, match.id, condition=None, actor=actor, compare=True)
    merged, into = (one.first, one.second) if returnee_id == one.first.id else (one.second, one.first)
    condition.check(merged.version)
    if merged.merged_into != into.id:
        raise ReturneeNotMerged
    if into.merged_into is not None:
        raise LaterMergeStands
    await part_record(session, merged)
    await _decide(session, one, MatchStatus.UNMERGED, body.reason, actor=actor)
    await record(session, actor, _accesses(one, "returnee.unmerge", ["merged_into"]))
    return returnee_id


async def _merge_of(session: AsyncSession, returnee_id: UUID) -> Match:
    """The match whose merge the record has; raises the reason why there is none."""
    row = await session.get(Returnee, returnee_id, populate_existing=True)
    if row is None:
        raise NotFound
    if row.erased_at is not None:
        raise ReturneeErased
    if row.merged_into is None:
        raise ReturneeNotMerged
    sides = ordered(returnee_id, row.merged_into)
    found = [one for one in await queries.matches_of(session, sides) if (one.first_id, one.second_id) == sides]
    if not found:
        raise ReturneeNotMerged
    return found[0]


async def _locked(
    session: AsyncSession, match_id: UUID, *, condition: Condition | None, actor: Actor, compare: bool = False
) -> Locked:
    """The match and both people, locked, if the caller may decide. `compare`: both are compared with others again."""
    row = await session.get(Match, match_id)
    if row is None:
        raise NotFound
    sides = (row.first_id, row.second_id)
    people = await lock_people(session, sides)
    if compare:
        await to_compare(session, [one.id for one in people.values() if one.erased_at is None])
    row = await session.get(Match, match_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    found = await queries.pairs(session, [row], actor=actor)
    if any(one.erased_at is not None for one in people.values()):
        raise ReturneeErased
    if not found:
        raise NotFound
    if not found[0].whole:
        raise OtherRecordHidden
    if condition is not None:
        condition.check(row.version)
    return Locked(row, people[row.first_id], people[row.second_id])


async def _decide(
    session: AsyncSession,
    one: Locked,
    status: MatchStatus,
    reason: MergeReason | DifferentReason,
    *,
    actor: Actor,
    into_id: UUID | None = None,
) -> None:
    one.match.status = status.value
    one.match.version += 1
    decision = MatchDecision(
        id=uuid7(),
        match_id=one.match.id,
        status=status.value,
        reason=reason.value,
        into_id=into_id,
        first_version=one.first.version,
        second_version=one.second.version,
        decided_by=actor.who,
        decided_at=now(session),
    )
    session.add_all([one.match, decision])
    await session.flush()


def _accesses(one: Locked, action: str, fields: Sequence[str]) -> list[Access]:
    return [
        Access(
            subject_id=person.id,
            kind=AccessKind.WRITE,
            action=action,
            purpose=AccessPurpose.CORRECTION,
            fields=fields,
            trace_id=None if person.traceparent is None else person.traceparent[3:35],
        )
        for person in (one.first, one.second)
    ]
