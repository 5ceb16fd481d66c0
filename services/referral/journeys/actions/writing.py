"""Opens and writes a piece of work: all steps of one transaction, with one statement per table."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields
from typing import TypeVar
from uuid import UUID

from pydantic_core import to_json
from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, own_work
from libs.events import outbox
from services.referral.clocks import actions as clocks
from services.referral.clocks.queries import Due
from services.referral.database import (
    Columns,
    Row,
    as_array,
    columns_of,
    insert_columns,
    update_columns,
    update_rows,
)
from services.referral.journeys import queries
from services.referral.journeys.actions import signs_of_life, spans, stays
from services.referral.journeys.actions.changing import CHANGING
from services.referral.journeys.actions.spans import Spans
from services.referral.journeys.facts import Journey, Need, Offer, Referral
from services.referral.journeys.tables.journeys import JourneyRow, NeedRow, OfferRow, ReferralRow, StepRow
from services.referral.journeys.work import Queued, Step, Timer, Work
from services.referral.lifecycles.printed import Who
from services.referral.notes import actions as notes
from services.referral.pack.policy import RoutingPolicy
from services.referral.places import actions as places
from services.referral.places.actions import Hold
from services.referral.providers import actions as providers
from services.referral.providers import queries as directory
from services.referral.reviews import actions as reviews
from services.referral.reviews.rules import ReviewStatus
from services.referral.waitlists import actions as waitlists
from services.referral.wakeups import ROUTERS

_T = TypeVar("_T", Need, Referral, Offer)

Lock = Callable[[AsyncSession, Collection[UUID]], Awaitable[Collection[UUID]]]
"""Locks some of these journeys and returns the ids of those that it locked."""
_KEPT_AS: Mapping[type, str] = {Need: "needs", Referral: "referrals", Offer: "offers"}
_NEED, _REFERRAL, _OFFER = (tuple(field.name for field in fields(kind)) for kind in (Need, Referral, Offer))


@asynccontextmanager
async def work(
    session: AsyncSession, policy: RoutingPolicy, journeys: dict[UUID, Journey], *, actor: str
) -> AsyncIterator[Work]:
    """Work on journeys that are locked and partly loaded. For rounds and batches; other callers use `opened`."""
    opened = Spans()
    piece = Work(at=now(session), policy=policy, journeys=journeys, new_id=uuid7, trace=opened.start, actor=actor)
    keeping_hours = _keeping_hours(policy, journeys.values())
    if keeping_hours:
        piece.hours.update(await directory.hours(session, keeping_hours))
    try:
        yield piece
        await write(session, piece)
    finally:
        opened.end()


async def held(session: AsyncSession, returnee_ids: Collection[UUID]) -> Collection[UUID]:
    """Lock nothing. For batches of events and the loop of the clocks, which have already locked these journeys."""
    return returnee_ids


@asynccontextmanager
async def opened(
    session: AsyncSession, policy: RoutingPolicy, people: Collection[UUID], *, actor: str, lock: Lock = queries.lock
) -> AsyncIterator[Work]:
    """Lock and load these journeys, and at the end write what was decided, unless an exception was raised.

    `lock`: `queries.lock` waits for a journey that another transaction holds, `queries.claim` skips it, `held` locks
    nothing. The work runs with the rights of the service, because a step may change rows that its caller may not see.
    Before that, the caller's right to take the step is checked on the rows that the caller sees.
    """
    async with own_work(session):
        loaded = await queries.load(session, await lock(session, people))
        async with work(session, policy, loaded, actor=actor) as piece:
            yield piece


@asynccontextmanager
async def fired(
    session: AsyncSession, policy: RoutingPolicy, due: Sequence[Due], kind: type[_T]
) -> AsyncIterator[tuple[Work, list[_T]]]:
    """Work for clocks that have run out, with the need, referral or offer of each clock, in the order of the clocks."""
    async with opened(session, policy, {one.returnee_id for one in due}, actor=Who.CLOCK.value, lock=held) as piece:
        yield piece, [_kept(piece.journeys[one.returnee_id], kind)[one.subject_id] for one in due]


def _kept(journey: Journey, kind: type[_T]) -> dict[UUID, _T]:
    rows: dict[UUID, _T] = getattr(journey, _KEPT_AS[kind])
    return rows


def _keeping_hours(policy: RoutingPolicy, journeys: Iterable[Journey]) -> set[UUID]:
    """Services with a live or accepted offer of these journeys, if some of their clocks stop while they are closed."""
    return {
        journey.offers[one.offer_id].provider_service_id
        for journey in journeys
        for one in journey.referrals.values()
        if one.is_live and one.offer_id in journey.offers and policy.rules_of(one.category, one.kind).working_hours
    }


async def write(session: AsyncSession, work: Work) -> None:
    """Write all that the work has decided, in the lock order of DESIGN 3. Its journeys are already locked."""
    signs_of_life.note_signs_of_life(work)
    ends = [
        {
            "returnee_id": key,
            "merged_into": work.journeys[key].merged_into,
            "journey_ended_at": work.journeys[key].journey_ended_at,
            "journey_end_reason": work.journeys[key].journey_end_reason,
        }
        for key in sorted(work.journeys_changed)
    ]
    await update_rows(session, JourneyRow, ends, key="returnee_id")
    await _write_needs(session, work)
    await _write_referrals(session, work)
    await _write_offers(session, work)
    await stays.write(session, work)
    await _write_reviews(session, work)
    await _write_places(session, work)
    await waitlists.leave(session, work.unqueued)
    queued = [_entry(work, one) for one in work.queued.values()]
    await waitlists.join(session, queued)
    await notes.write(session, work.notes)
    await insert_columns(session, StepRow, columns_of(work.steps, Step._fields))
    await clocks.stop(session, work.stopped)
    await clocks.stop_kinds(session, work.stopped_kinds)
    timers = [timer for started in work.timers.values() for timer in started]
    await clocks.start(session, columns_of(timers, Timer._fields))
    events, traces = [event for event, _ in work.events], [trace for _, trace in work.events]
    await outbox.append(session, events, traceparents=traces)
    await providers.stop_offering(session, work.no_longer_offered, at=work.at)
    rows = (*work.added.values(), *work.changed.values())
    if any(isinstance(row, Referral) and row.ready_at is not None for row in rows):
        ROUTERS.wake_after_commit(session)


async def _write_needs(session: AsyncSession, work: Work) -> None:
    await insert_columns(session, NeedRow, _with_json(columns_of(_of(Need, work.added.values()), _NEED)))
    await update_columns(session, NeedRow, _with_json(_changes(work, Need, "need_id")), key="need_id")


async def _write_referrals(session: AsyncSession, work: Work) -> None:
    # Changed rows first: a need may have only one live referral, so the old one must end before the next is inserted.
    changed = _changes(work, Referral, "referral_id")
    await update_columns(session, ReferralRow, _with_arrays(changed), key="referral_id")
    added = columns_of(_of(Referral, work.added.values()), _REFERRAL)
    await insert_columns(session, ReferralRow, _with_arrays(added))
    stated = [
        {"referral_id": key, "outcome_facts": to_json(facts).decode()} for key, facts in work.outcome_facts.items()
    ]
    await update_rows(session, ReferralRow, stated, key="referral_id")


async def _write_offers(session: AsyncSession, work: Work) -> None:
    await update_columns(session, OfferRow, _changes(work, Offer, "offer_id"), key="offer_id")
    added = _of(Offer, work.added.values())
    if added:
        why = {"explanation": [work.explanation_of(offer) for offer in added]}
        await insert_columns(session, OfferRow, {**_with_json(columns_of(added, _OFFER)), **why})
    spans.count_offers((offer, work.journeys[offer.returnee_id].referrals[offer.referral_id]) for offer in added)
    spans.count_ends(_of(Offer, work.changed.values()))
    await _write_exclusions(session, work)


async def _write_exclusions(session: AsyncSession, work: Work) -> None:
    await providers.carry(session, work.moved)
    await providers.forgive_silence(session, work.silence_forgiven)
    # The newest reason replaces an older one: a person may have let a service be asked again after it had declined.
    codes = {(offer.need_id, offer.provider_service_id): code for offer, code in work.excluded}
    await providers.exclude(session, codes, at=work.at)
    await providers.keep_conflicts(session, work.conflicts, at=work.at)


async def _write_reviews(session: AsyncSession, work: Work) -> None:
    await reviews.decide(session, work.reviews_decided, at=work.at)
    asked = [
        {
            "review_id": one.review_id,
            "referral_id": one.referral.referral_id,
            "need_id": one.referral.need_id,
            "returnee_id": one.referral.returnee_id,
            "category": one.referral.category,
            "restricted": one.referral.restricted,
            "reason": one.reason,
            "desk": one.desk,
            "status": ReviewStatus.PENDING.value,
            "requested_at": work.at,
            "traceparent": one.referral.traceparent,
        }
        for one in work.reviews_asked
    ]
    await reviews.ask(session, asked)


async def _write_places(session: AsyncSession, work: Work) -> None:
    """Places of new offers are already held. The pools of all other offers are locked before they are changed."""
    new = _of(Offer, work.added.values())
    holds = [
        Hold(offer.offer_id, pool_id, count, offer.traceparent)
        for offer in new
        for pool_id, count in work.shares[offer.offer_id]
    ]
    await places.record_holds(session, holds, at=work.at)
    touched = {offer.offer_id for offer in (*work.taken, *work.full)} | {one.offer.offer_id for one in work.released}
    await places.lock(session, (), of_offers=touched)
    await places.take(session, [offer.offer_id for offer in work.taken], at=work.at)
    await places.begin(session, [offer.offer_id for offer in work.begun], at=work.at)
    await places.release(session, {one.offer.offer_id: one.used for one in work.released}, at=work.at)
    await places.close(session, [offer.offer_id for offer in work.full])


def _entry(work: Work, queued: Queued) -> Row:
    referral = queued.referral
    return {
        "referral_id": referral.referral_id,
        "need_id": referral.need_id,
        "returnee_id": referral.returnee_id,
        "category": referral.category,
        "kind": referral.kind,
        "urgency_rank": referral.urgency_rank,
        "people_count": referral.people_count,
        "restricted": referral.restricted,
        "waiting_since": referral.waiting_since,
        "queued_at": work.at,
        "provider_service_ids": as_array(queued.provider_service_ids),
        "pool_ids": as_array(tuple(queued.places)),
        "pool_places": as_array(tuple(queued.places.values())),
        "traceparent": referral.traceparent,
    }


def _with_json(rows: Columns) -> Columns:
    """The columns of needs or offers, with their details as JSON text."""
    return {**rows, "detail_values": [to_json(dict(one)).decode() for one in rows["detail_values"]]} if rows else rows


def _with_arrays(referrals: Columns) -> Columns:
    """The columns of referrals, with each set as the text of a PostgreSQL array."""
    if not referrals:
        return referrals
    return {**referrals, **{name: [as_array(sorted(one)) for one in referrals[name]] for name in queries.SETS}}


def _of(kind: type[_T], rows: Iterable[object]) -> list[_T]:
    return [row for row in rows if isinstance(row, kind)]


def _changes(work: Work, kind: type[_T], key: str) -> Columns:
    return columns_of(_of(kind, work.changed.values()), (key, *CHANGING[kind]))
