"""Stores changed consents. Referrals that need a withdrawn consent are cancelled, and routed again after a new consent.

The caller has locked the journeys (DESIGN 3).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.consents.policy import consent_key
from libs.events.catalogue.registration import ConsentChanged, ConsentGrant
from libs.events.codes import CancelReason, NeedCategory, OwnerReason
from services.referral.consents import queries
from services.referral.database import as_json
from services.referral.journeys import queries as journeys
from services.referral.journeys.actions import told
from services.referral.journeys.actions.writing import held, opened
from services.referral.journeys.facts import opened_until, opens
from services.referral.lifecycles.printed import Who
from services.referral.lifecycles.rules import ASKED_OR_WITH_PROVIDER, NeedStatus
from services.referral.pack.policy import RoutingPolicy
from services.referral.steps import needs as need_steps


async def keep_consents(session: AsyncSession, policy: RoutingPolicy, changed: Sequence[ConsentChanged]) -> None:
    """Store the present consents of each returnee, cancel referrals without consent, and route needs with a new one."""
    at = now(session)
    newest = {one.returnee_id: one for one in sorted(changed, key=lambda one: one.version)}
    before = await queries.consents(session, newest)
    # A version that is already stored is stored again, so that a replay of the log adds data that an older release did
    # not store.
    fresh = {key: one for key, one in newest.items() if before[key][0] <= one.version}
    allowed = {key: _allowed(one.grants) for key, one in fresh.items()}
    rows = [
        {"returnee_id": key, "consent_version": one.version, "consents": as_json(allowed[key])}
        for key, one in fresh.items()
    ]
    counted = {key: opened_until(policy.consents.statistics, one) for key, one in allowed.items()}
    await told.keep_consents(session, rows, counted_until=counted)
    await told.wake(session, fresh)
    then = {key: _open_categories(policy, before[key][1], at=at) for key in fresh}
    since = {key: _open_categories(policy, allowed[key], at=at) for key in fresh}
    await _end_what_needed_it(session, policy, {key: lost for key in fresh if (lost := then[key] - since[key])})
    heard_before = {key for key in fresh if before[key][0] > 0}
    await _reopen_what_ended(session, policy, {key: since[key] for key in heard_before if since[key]})


def _allowed(grants: Iterable[ConsentGrant]) -> dict[str, str]:
    """For each purpose and recipient class: until when the consent is valid."""
    latest: dict[str, datetime] = {}
    for one in grants:
        key = consent_key(one.purpose, one.recipient_class)
        latest[key] = max(one.expires_at, latest.get(key, one.expires_at))
    return {key: until.isoformat() for key, until in latest.items()}


def _open_categories(policy: RoutingPolicy, consents: Mapping[str, str], *, at: datetime) -> frozenset[NeedCategory]:
    """The categories that need a consent and have one here. Basic categories need none and are not included."""
    return frozenset(
        category
        for category, gate in policy.consents.by_category.items()
        if not policy.is_basic(category) and opens(gate, consents, at=at)
    )


async def _end_what_needed_it(
    session: AsyncSession, policy: RoutingPolicy, lost: Mapping[UUID, frozenset[NeedCategory]]
) -> None:
    """Cancel the offers and referrals of these returnees and their households in the categories without consent."""
    if not lost:
        return
    affected = await queries.served_by_consent(session, lost, categories=frozenset().union(*lost.values()))
    by_household: dict[UUID, set[NeedCategory]] = defaultdict(set)
    for returnee_id, head in (await journeys.heads(session, lost)).items():
        if head.household_id is not None:
            by_household[head.household_id] |= lost[returnee_id]
    async with opened(session, policy, affected, actor=Who.REGISTRATION.value, lock=held) as piece:
        for journey in piece.journeys.values():
            for referral in list(journey.referrals.values()):
                of_household = by_household.get(referral.household_id, set()) if referral.household_id else set()
                if referral.status in ASKED_OR_WITH_PROVIDER and (
                    referral.category in lost.get(journey.returnee_id, ()) or referral.category in of_household
                ):
                    need_steps.cancel(piece, referral, reason=CancelReason.CONSENT_WITHDRAWN)


async def _reopen_what_ended(
    session: AsyncSession, policy: RoutingPolicy, allowing: Mapping[UUID, frozenset[NeedCategory]]
) -> None:
    """Route again the needs that a withdrawn consent had stopped, in the categories with a new consent."""
    waiting = await queries.owned_for_consent(session, allowing) if allowing else set()
    if not waiting:
        return
    async with opened(session, policy, waiting, actor=Who.REGISTRATION.value, lock=held) as piece:
        for journey in piece.journeys.values():
            for need in journey.needs.values():
                ended = need.status is NeedStatus.OPEN and need.owner_reason is OwnerReason.CONSENT_WITHDRAWN
                if ended and need.category in allowing[journey.returnee_id]:
                    need_steps.route_again(piece, need)
