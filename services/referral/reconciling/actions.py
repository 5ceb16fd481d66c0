"""Makes desks owners of the needs of people about whom registration has lost data, and takes the needs back later."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.events.audit import Hand, note
from libs.events.codes import OwnerReason
from services.referral.journeys import queries as journeys
from services.referral.journeys.actions import told
from services.referral.journeys.actions.writing import opened
from services.referral.kept_apart import actions as kept_apart
from services.referral.lifecycles.rules import NeedStatus
from services.referral.pack.policy import RoutingPolicy
from services.referral.reconciling import queries
from services.referral.steps.owners import assign, disown

ACTOR: Final = "reconcile"
_REASON: Final = OwnerReason.LOST_AT_REGISTRATION


@dataclass(frozen=True, slots=True)
class Left:
    """What registration has lost, as its `reconcile` says."""

    people: frozenset[UUID] = frozenset()
    needs: frozenset[UUID] = frozenset()
    pairs: frozenset[UUID] = frozenset()
    """Exclusions that keep two people apart here and are not known there. It is not known whether they were lost there
    or ended, so they stay until they are told again, or until an operator ends them."""


class Done(NamedTuple):
    """The numbers of what was done, for the operator."""

    to_desks: int
    back: int
    pairs_ended: int
    pairs_kept: int


async def assign_to_desks(
    session: AsyncSession, policy: RoutingPolicy, left: Left, by: Hand, end: Collection[UUID] = ()
) -> Done:
    """Make the lead desk of its category the owner of each open need of these people and pairs, and of each of these
    needs. `end`: the pairs that the operator ends.

    Needs from an earlier run that are no longer among them lose this owner. Routing continues, because a person whose
    record is lost still needs a bed.
    """
    over = left.pairs & (await queries.told_anew(session, left.pairs) | set(end))
    people = left.people | await queries.people_of_pairs(session, left.pairs - over)
    lost = await queries.open_without_owner(session, people, left.needs)
    found = await queries.owned_for_nothing(session, people, left.needs)
    concerned = {*lost.values(), *found.values()}
    await _end(session, over, concerned)
    async with opened(session, policy, concerned, actor=ACTOR) as piece:
        for need_id, returnee_id in lost.items():
            need = piece.journeys[returnee_id].needs[need_id]
            if need.status is NeedStatus.OPEN and need.owner is None:
                assign(piece, need, owner=piece.rules_of(need).lead_desk, reason=_REASON)
                piece.change(need)
        for need_id, returnee_id in found.items():
            need = piece.journeys[returnee_id].needs[need_id]
            if need.owner_reason is _REASON:
                disown(piece, need)
    done = Done(len(lost), len(found), len(over), len(left.pairs - over))
    await note(await raw(session), "reconcile", by, done._asdict())
    return done


async def _end(session: AsyncSession, pairs: Collection[UUID], concerned: Collection[UUID]) -> None:
    """End these pairs. All journeys of this transaction are locked at once, so that there is no deadlock."""
    people = await queries.people_of_pairs(session, pairs)
    await journeys.lock(session, {*people, *concerned})
    await kept_apart.end(session, pairs)
    await told.wake(session, people)
