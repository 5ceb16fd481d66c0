"""Stores what registration publishes, with one statement per table and batch. The journeys are locked (DESIGN 3)."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.chassis.logs import get_logger
from libs.events.catalogue.registration import (
    ArrivalBatchIntakeCompleted,
    ArrivalBatchLanded,
    HouseholdChanged,
    NeedReported,
    ReturneeChanged,
    RoutingProfile,
)
from libs.events.codes import CloseReason, OwnerReason
from libs.events.detail_values import by_detail
from libs.events.event import Received
from services.referral.consequences import telling
from services.referral.database import as_array, insert_rows, update_rows
from services.referral.intake import queries
from services.referral.intake.tables import ArrivalBatchRow, HouseholdRow
from services.referral.journeys import queries as journeys
from services.referral.journeys.actions import told
from services.referral.journeys.actions.writing import held, opened, work
from services.referral.journeys.facts import URGENCY_RANK, Need
from services.referral.journeys.work import Work
from services.referral.judging.actions import judge_again
from services.referral.judging.queries import circumstances
from services.referral.kept_apart.queries import records
from services.referral.lifecycles.printed import Who
from services.referral.lifecycles.rules import NeedStatus
from services.referral.pack.policy import RoutingPolicy
from services.referral.reviews.queries import awaiting_ages
from services.referral.steps import needs as need_steps
from services.referral.steps.owners import assign
from services.referral.steps.people import person_of, with_them
from services.referral.steps.prerequisites import closes_circle
from services.referral.steps.routing import settle_age
from services.referral.wakeups import ROUTERS

log = get_logger(__name__)

ACTOR: Final = Who.REGISTRATION.value
DUPLICATE = CloseReason.DUPLICATE

PlaceAtOnce = Callable[[AsyncSession, Work], Awaitable[None]]
"""Offers new referrals in the transaction that opens them, if they need not wait for a round of the router."""

_OPEN_BATCHES = """
UPDATE arrival_batch AS batch SET opened_at = $1
WHERE opened_at IS NULL AND (
    first_seen_at <= $2
    OR returnees_expected <= (
        SELECT count(*) FROM journey WHERE arrival_batch_id = batch.arrival_batch_id AND profile_version > 0
    ) AND needs_expected <= (SELECT count(*) FROM need WHERE arrival_batch_id = batch.arrival_batch_id)
)
"""


async def lock_journeys(
    session: AsyncSession,
    returnees: dict[UUID, str | None],
    *,
    members: Collection[UUID] = (),
    household_ids: Collection[UUID] = (),
    apart: Collection[UUID] = (),
) -> None:
    """Insert new journeys (by returnee, with a traceparent), then lock all journeys in the order of their ids.

    The journeys of the reference persons of the households are locked too, because their needs depend on all members.
    `household_ids`: households that returnees join. `members`: people whose own needs depend on a household.
    `apart`: people whose offers depend on each other. All their records are locked, as far as there are journeys.
    """
    await told.begin(session, returnees)
    concerned = returnees.keys() | (set[UUID]().union(*(await records(session, apart)).values()) if apart else set())
    references = await queries.references_of(session, concerned, household_ids)
    await journeys.lock(session, concerned | references | set(members))


async def keep_profiles(session: AsyncSession, policy: RoutingPolicy, profiles: Sequence[RoutingProfile]) -> None:
    """Store the newest routing profile of each returnee. The router looks again at their waiting referrals, and their
    offers are evaluated again."""
    newest = {profile.returnee_id: profile for profile in sorted(profiles, key=lambda one: one.version)}
    rows = [
        {
            "returnee_id": profile.returnee_id,
            "case_code": profile.case_code,
            "profile": profile.model_dump_json(),
            "profile_version": profile.version,
            "household_id": profile.household_id,
            "arrival_batch_id": profile.arrival_batch_id,
        }
        for profile in newest.values()
    ]
    await told.keep_profiles(session, rows)
    await see_batches(session, {profile.arrival_batch_id for profile in newest.values()})
    await told.wake(session, newest)
    await _settle_ages(session, policy, [key for key, one in newest.items() if isinstance(one, ReturneeChanged)])
    await judge_again(session, policy, newest, actor=ACTOR)


async def _settle_ages(session: AsyncSession, policy: RoutingPolicy, changed: Collection[UUID]) -> None:
    """End the reviews of ages that a changed profile has settled, whoever settled them: the desk in another review, or
    the reception with a birth date."""
    if not changed:
        return
    waiting = await awaiting_ages(session, {*changed, *await queries.references_of(session, changed)})
    if not waiting:
        return
    async with opened(session, policy, {returnee_id for returnee_id, _ in waiting}, actor=ACTOR, lock=held) as piece:
        referrals = [piece.journeys[returnee_id].referrals[referral_id] for returnee_id, referral_id in waiting]
        known = await circumstances(session, piece.journeys, referrals, piece.policy.taxonomy)
        for referral in referrals:
            together = with_them(referral, known.journeys, known.households)
            if all(one.profile is not None and not person_of(one.profile).age_is_unresolved for one in together):
                settle_age(piece, referral)


async def keep_households(session: AsyncSession, policy: RoutingPolicy, households: Sequence[HouseholdChanged]) -> None:
    """Store the newest state of each household, and evaluate the offers of its members again."""
    newest = {one.household_id: one for one in sorted(households, key=lambda one: one.version)}
    rows = [
        {
            "household_id": one.household_id,
            "reference_returnee_id": one.reference_returnee_id,
            "version": one.version,
            "member_ids": as_array(one.member_ids),
            "expected_size": one.expected_size,
            "stay_together": one.stay_together,
        }
        for one in sorted(newest.values(), key=lambda one: one.household_id)
    ]
    columns = "reference_returnee_id, version, member_ids, expected_size, stay_together"
    excluded = ", ".join(f"excluded.{column}" for column in columns.split(", "))
    await insert_rows(
        session,
        HouseholdRow,
        rows,
        on_conflict=f"ON CONFLICT (household_id) DO UPDATE SET ({columns}) = ROW({excluded})"
        " WHERE kept.version < excluded.version",
    )
    await told.wake(session, {one.reference_returnee_id for one in newest.values()})
    concerned = {key for one in newest.values() for key in (one.reference_returnee_id, *one.member_ids)}
    await judge_again(session, policy, concerned, actor=ACTOR)


async def record_needs(
    session: AsyncSession,
    policy: RoutingPolicy,
    batch: Sequence[Received[NeedReported]],
    *,
    place: PlaceAtOnce | None = None,
) -> None:
    """Record needs reported at intake, each with its first referral and its routing clock.

    `place`: offers new referrals at once. It is given only if nothing else is handled in this transaction after these
    needs.
    """
    reported = {received.event.need_id: received for received in batch}
    after = {received.event.after_need_id for received in batch} - {None}
    known = await queries.needs_by_id(session, reported.keys() | after)
    heads = await journeys.heads(session, {received.event.returnee_id for received in batch})
    for need in known.values():
        if need.returnee_id in heads:
            heads[need.returnee_id].needs[need.need_id] = need
    waits = await journeys.waits_of(session, heads) if after else {}
    again = [one.event for key, one in reported.items() if key in known and _says_more(one.event, known[key])]
    heads |= await journeys.load(session, {event.returnee_id for event in again})
    moved = await queries.moved_needs(session, heads)
    await see_batches(session, {received.event.arrival_batch_id for received in batch})
    async with work(session, policy, heads, actor=ACTOR) as piece:
        for need_id, received in reported.items():
            if need_id not in known:
                _report(piece, _need(received, policy), waits)
                if (
                    not received.event.is_second
                    and (received.event.returnee_id, received.event.category, received.event.kind) in moved
                ):
                    need_steps.close(piece, piece.journeys[received.event.returnee_id].needs[need_id], reason=DUPLICATE)
        _tell_again(piece, again)
        if place is not None and not again:
            await place(session, piece)
    # A service that was asked may not give the kind that has been found out.
    await judge_again(session, policy, {event.returnee_id for event in again}, actor=ACTOR)
    ROUTERS.wake_after_commit(session)


def _tell_again(piece: Work, again: Sequence[NeedReported]) -> None:
    for event in again:
        journey = piece.journeys[event.returnee_id]
        if event.need_id in journey.needs and journey.journey_end_reason is None:
            need = journey.needs[event.need_id]
            telling.tell_again(
                piece, need, urgency=event.urgency, kind=event.kind, detail_values=by_detail(event.detail_values)
            )


def _says_more(event: NeedReported, need: Need) -> bool:
    """True if a known need was reported with a higher urgency, with a kind or details that were not known, or after it
    had ended. Otherwise the event is an old one that arrived a second time."""
    if need.status is not NeedStatus.OPEN:
        return need.end_reason != DUPLICATE and need.ended_at is not None and event.reported_at > need.ended_at
    is_more_urgent = URGENCY_RANK[event.urgency] < URGENCY_RANK[need.urgency]
    return is_more_urgent or telling.is_more_exact(need, kind=event.kind, detail_values=by_detail(event.detail_values))


def _report(piece: Work, need: Need, waits: dict[UUID, set[UUID]]) -> None:
    """Report a need. If its prerequisite would form a cycle, the prerequisite is dropped and a desk becomes the owner,
    because needs in a cycle would wait without end. The event is not parked, so later events are not delayed."""
    prerequisite_id = need.after_need_id
    if prerequisite_id is None or not closes_circle(waits, need.need_id, prerequisite_id):
        if prerequisite_id is not None:
            waits.setdefault(need.need_id, set()).add(prerequisite_id)
        need_steps.report(piece, need)
        return
    log.warning("intake.prerequisite_dropped", reason=need.category)
    need.after_need_id = None
    need_steps.report(piece, need)
    if need.owner is None:
        desk = piece.rules_of(need).lead_desk
        assign(piece, need, owner=desk, reason=OwnerReason.PREREQUISITE_UNMET)


async def see_batches(session: AsyncSession, batch_ids: Collection[UUID | None]) -> None:
    """Insert arrival batches that are new. Their timeout begins now."""
    at = now(session)
    ids = sorted(one for one in batch_ids if one is not None)
    rows = [{"arrival_batch_id": batch_id, "first_seen_at": at} for batch_id in ids]
    await insert_rows(session, ArrivalBatchRow, rows, on_conflict="ON CONFLICT DO NOTHING")


async def open_batches(session: AsyncSession, *, timeout: timedelta) -> None:
    """Release the normal needs of a batch when all returnees and needs that its intake counted have arrived here, or
    when this takes too long."""
    at = now(session)
    await (await raw(session)).execute(_OPEN_BATCHES, at, at - timeout)


async def land_batches(session: AsyncSession, landed: Sequence[ArrivalBatchLanded]) -> None:
    """Store when a batch landed, and the number of its people."""
    await see_batches(session, {one.arrival_batch_id for one in landed})
    rows = [
        {"arrival_batch_id": key, "landed_at": one.landed_at, "people_count": one.people_count}
        for key, one in {one.arrival_batch_id: one for one in landed}.items()
    ]
    await update_rows(session, ArrivalBatchRow, rows, key="arrival_batch_id")


async def complete_batches(session: AsyncSession, completed: Sequence[ArrivalBatchIntakeCompleted]) -> None:
    """Store how many returnees and needs the intake of a batch has counted. When all have arrived here, the normal
    needs of the batch are released."""
    await see_batches(session, {one.arrival_batch_id for one in completed})
    rows = [
        {"arrival_batch_id": key, "returnees_expected": one.returnee_count, "needs_expected": one.need_count}
        for key, one in {one.arrival_batch_id: one for one in completed}.items()
    ]
    await update_rows(session, ArrivalBatchRow, rows, key="arrival_batch_id")
    ROUTERS.wake_after_commit(session)


def _need(received: Received[NeedReported], policy: RoutingPolicy) -> Need:
    event = received.event
    return Need(
        need_id=event.need_id,
        returnee_id=event.returnee_id,
        household_id=event.household_id,
        arrival_batch_id=event.arrival_batch_id,
        category=event.category,
        kind=event.kind,
        detail_values=by_detail(event.detail_values),
        urgency=event.urgency,
        people_count=event.people_count,
        restricted=policy.category(event.category).restricted,
        after_need_id=event.after_need_id,
        status=NeedStatus.OPEN,
        reported_at=event.reported_at,
        traceparent=received.traceparent,
    )
