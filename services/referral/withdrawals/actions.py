"""Consents as they change, needs withdrawn, people erased. The journeys are locked before (DESIGN 3)."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.events.catalogue.registration import (
    ConsentChanged,
    ConsentGrant,
    NeedWithdrawn,
    ReturneeMerged,
    ReturneeUnmerged,
)
from libs.events.codes import CancelReason, CloseReason, ConsentPurpose, OwnerReason, RecallReason, RecipientClass
from services.referral.database import update_rows
from services.referral.intake.actions import ACTOR, wake
from services.referral.journeys import end_steps, need_steps
from services.referral.journeys import queries as journeys
from services.referral.journeys.actions import work
from services.referral.journeys.facts import Journey, Referral
from services.referral.journeys.rules import NeedStatus, ReferralStatus
from services.referral.journeys.tables import JourneyRow
from services.referral.notes import actions as notes
from services.referral.ownership.actions import forget_words
from services.referral.pack import RoutingPolicy
from services.referral.providers import queries as providers
from services.referral.withdrawals import queries

_WITH_PROVIDER = {ReferralStatus.OFFERED, ReferralStatus.ACCEPTED, ReferralStatus.IN_SERVICE}


async def keep_consents(session: AsyncSession, policy: RoutingPolicy, changed: Sequence[ConsentChanged]) -> None:
    """Keep what each returnee allows now. What rests on a consent withdrawn ends; given again, it is routed anew."""
    at = now(session)
    newest = {one.returnee_id: one for one in sorted(changed, key=lambda one: one.version)}
    before = await queries.consents(session, newest)
    fresh = {key: one for key, one in newest.items() if before[key][0] < one.version}
    until = {key: consented_until(one.grants) for key, one in fresh.items()}
    rows = [
        {"returnee_id": key, "consent_version": one.version, "consented_until": until[key]}
        for key, one in fresh.items()
    ]
    await update_rows(session, JourneyRow, rows, key="returnee_id")
    await wake(session, fresh)
    lost = {key for key in fresh if _holds(before[key][1], at) and not _holds(until[key], at)}
    await _end_what_needed_it(session, policy, lost)
    regained = {key for key in fresh if before[key][0] > 0 and _holds(until[key], at)}
    await _reopen_what_ended(session, policy, regained)


async def withdraw_needs(session: AsyncSession, policy: RoutingPolicy, withdrawn: Sequence[NeedWithdrawn]) -> None:
    """The returnee no longer asks for these: offers are recalled, places come free, no reason is asked for."""
    loaded = await journeys.load(session, {one.returnee_id for one in withdrawn})
    async with work(session, policy, loaded, actor=ACTOR) as piece:
        for one in withdrawn:
            need = loaded[one.returnee_id].needs.get(one.need_id)
            if need is not None and need.status is NeedStatus.OPEN:
                need_steps.refuse(piece, need, recall_reason=RecallReason.NEED_WITHDRAWN)


async def erase(session: AsyncSession, policy: RoutingPolicy, returnee_ids: Collection[UUID]) -> None:
    """Close what is open for these returnees and drop what is known of them; de-identified facts stay."""
    loaded = await journeys.load(session, returnee_ids)
    async with work(session, policy, loaded, actor=ACTOR) as piece:
        for journey in loaded.values():
            for need in journey.needs.values():
                if need.status is NeedStatus.OPEN:
                    need_steps.close(
                        piece, need, reason=CloseReason.ERASED, cancel=CancelReason.ERASED, recall=RecallReason.ERASED
                    )
    hand_overs = await forget_words(session, returnee_ids)
    await notes.wipe(session, returnee_ids, hand_over_ids=hand_overs)
    await (await raw(session)).execute(
        "UPDATE journey SET profile = NULL, consented_until = NULL, erased_at = $2 WHERE returnee_id = ANY($1::uuid[])",
        sorted(returnee_ids),
        now(session),
    )


async def keep_merges(
    session: AsyncSession, policy: RoutingPolicy, told: Sequence[ReturneeMerged | ReturneeUnmerged]
) -> None:
    """Two records are one person, or are not after all: their open needs go where they belong, and none is lost."""
    pairs = [(one, one.into_returnee_id if isinstance(one, ReturneeMerged) else one.from_returnee_id) for one in told]
    loaded = await journeys.load(session, {key for one, other in pairs for key in (one.returnee_id, other)})
    conflicts = await providers.conflicts_of(session, loaded)
    async with work(session, policy, loaded, actor=ACTOR) as piece:
        for one, other in pairs:
            both = conflicts.get(one.returnee_id, set()) | conflicts.get(other, set())
            journey, kept = loaded[one.returnee_id], loaded[other]
            if isinstance(one, ReturneeUnmerged):
                if journey.merged_into == other:
                    end_steps.unmerge(piece, journey, kept)
            elif journey.merged_into != other and one.returnee_id != other:
                end_steps.merge(piece, journey, kept, conflicting=both)
                conflicts[one.returnee_id] = conflicts[other] = both


def consented_until(grants: Iterable[ConsentGrant]) -> datetime | None:
    """Until when these grants let data go to providers for referral; None: not at all."""
    wanted = (ConsentPurpose.REFERRAL, RecipientClass.PROVIDERS)
    return max((one.expires_at for one in grants if (one.purpose, one.recipient_class) == wanted), default=None)


async def _end_what_needed_it(session: AsyncSession, policy: RoutingPolicy, returnee_ids: set[UUID]) -> None:
    """Recall and cancel in every category that consent gates; basic services go on under a case code."""
    if not returnee_ids:
        return
    gated = {category for category, one in policy.categories.items() if not one.basic}
    affected = await queries.served_by_consent(session, returnee_ids, categories=gated)
    loaded = await journeys.load(session, affected)
    households = {head.household_id for head in (await journeys.heads(session, returnee_ids)).values()}
    async with work(session, policy, loaded, actor=ACTOR) as piece:
        for journey in loaded.values():
            for referral in list(journey.referrals.values()):
                if _is_gated(referral, journey, gated, returnee_ids, households):
                    need_steps.cancel(piece, referral, reason=CancelReason.CONSENT_WITHDRAWN)


def _is_gated(
    referral: Referral,
    journey: Journey,
    gated: Collection[str],
    returnee_ids: set[UUID],
    households: set[UUID | None],
) -> bool:
    """True for a referral with a provider that rests on a consent now withdrawn, by the person or by a member."""
    if referral.status not in _WITH_PROVIDER or referral.category not in gated:
        return False
    return journey.returnee_id in returnee_ids or (
        referral.household_id is not None and referral.household_id in households
    )


async def _reopen_what_ended(session: AsyncSession, policy: RoutingPolicy, returnee_ids: set[UUID]) -> None:
    """Route again what a withdrawn consent had ended."""
    waiting = await queries.owned_for_consent(session, returnee_ids) if returnee_ids else set()
    if not waiting:
        return
    loaded = await journeys.load(session, waiting)
    async with work(session, policy, loaded, actor=ACTOR) as piece:
        for journey in loaded.values():
            for need in journey.needs.values():
                if need.status is NeedStatus.OPEN and need.owner_reason is OwnerReason.CONSENT_WITHDRAWN:
                    need_steps.route_again(piece, need)


def _holds(until: datetime | None, at: datetime) -> bool:
    return until is not None and until > at
