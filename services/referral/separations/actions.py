"""Keeps people apart from now on, or not any more. The caller has locked the journeys (DESIGN 3)."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue.kept_apart import PairEvent, PeopleKeptApart
from services.referral.journeys.actions import told
from services.referral.judging.actions import judge_again
from services.referral.kept_apart import actions as kept_apart
from services.referral.kept_apart.queries import records
from services.referral.lifecycles.printed import Who
from services.referral.pack.policy import RoutingPolicy


async def keep_apart(session: AsyncSession, policy: RoutingPolicy, events: Sequence[PairEvent]) -> None:
    """Store which people must be kept apart, and evaluate the offers of those who are not any more where they may be.

    The two may be at one place already: the offer with the weaker claim is recalled, or halted until a desk decides.
    """
    newest = {one.exclusion_id: one for one in events}
    begun = [one for one in newest.values() if isinstance(one, PeopleKeptApart)]
    ended = [one for one in newest.values() if not isinstance(one, PeopleKeptApart)]
    await kept_apart.keep(session, begun)
    await kept_apart.end(session, [one.exclusion_id for one in ended])
    if begun:
        await judge_again(session, policy, await _people(session, begun), actor=Who.REGISTRATION.value)
    if ended:
        await told.wake(session, await _people(session, ended))


async def _people(session: AsyncSession, events: Iterable[PairEvent]) -> set[UUID]:
    """All records of these people."""
    named = {one for event in events for one in (event.first_returnee_id, event.second_returnee_id)}
    return set[UUID]().union(*(await records(session, named)).values())
