"""Stores changed consents. Referrals that need a withdrawn consent are cancelled, and routed again after a new consent.

The caller has locked the journeys (DESIGN 3).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.consents.policy import Lost, Opened, consent_key, lost_between, organization_key
from libs.events.catalogue.registration import ConsentChanged
from libs.events.codes import CancelReason, NeedCategory, OwnerReason
from services.referral.consents import queries
from services.referral.database import as_json
from services.referral.journeys import queries as journeys
from services.referral.journeys.actions import told
from services.referral.journeys.actions.writing import held, opened
from services.referral.journeys.facts import named_in, opened_until, opens
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
    allowed = {key: _allowed(one) for key, one in fresh.items()}
    rows = [
        {"returnee_id": key, "consent_version": one.version, "consents": as_json(allowed[key])}
        for key, one in fresh.items()
    ]
    counted = {key: opened_until(policy.consents.statistics, one) for key, one in allowed.items()}
    await told.keep_consents(session, rows, counted_until=counted)
    await told.wake(session, fresh)
    then = {key: _opened(policy, before[key][1], at=at) for key in fresh}
    since = {key: _opened(policy, allowed[key], at=at) for key in fresh}
    lost = {key: found for key in fresh if (found := lost_between(then[key], since[key]))}
    await _end_what_needed_it(session, policy, lost)
    heard_before = {key for key in fresh if before[key][0] > 0}
    allowing = {key: since[key].to_classes.union(*since[key].to_named.values()) for key in heard_before}
    await _reopen_what_ended(session, policy, {key: found for key, found in allowing.items() if found})


def _allowed(told: ConsentChanged) -> dict[str, str]:
    """For each purpose and recipient: until when the consent is valid."""
    ends = [(consent_key(one.purpose, one.recipient_class), one.expires_at) for one in told.grants]
    ends += [(organization_key(one.purpose, one.organization_id), one.expires_at) for one in told.organizations]
    latest: dict[str, datetime] = {}
    for key, until in ends:
        latest[key] = max(until, latest.get(key, until))
    return {key: until.isoformat() for key, until in latest.items()}


def _opened(policy: RoutingPolicy, consents: Mapping[str, str], *, at: datetime) -> Opened:
    """The categories that need a consent and have one here. Basic categories need none and are not included."""
    gates = {one: gate for one, gate in policy.consents.by_category.items() if not policy.is_basic(one)}
    named: dict[UUID, set[NeedCategory]] = defaultdict(set)
    for category, gate in gates.items():
        for organization_id in named_in(gate, consents, at=at):
            named[organization_id].add(category)
    return Opened(
        frozenset(category for category, gate in gates.items() if opens(gate, consents, at=at)),
        {organization_id: frozenset(categories) for organization_id, categories in named.items()},
    )


async def _end_what_needed_it(
    session: AsyncSession, policy: RoutingPolicy, lost: Mapping[UUID, Sequence[Lost]]
) -> None:
    """Cancel the offers and referrals of these returnees and their households that no consent allows any more."""
    if not lost:
        return
    categories = frozenset().union(*(one.categories for ones in lost.values() for one in ones))
    affected = await queries.served_by_consent(session, lost, categories=categories)
    by_household: dict[UUID, list[Lost]] = defaultdict(list)
    for returnee_id, head in (await journeys.heads(session, lost)).items():
        if head.household_id is not None:
            by_household[head.household_id] += lost[returnee_id]
    async with opened(session, policy, affected, actor=Who.REGISTRATION.value, lock=held) as piece:
        for journey in piece.journeys.values():
            for referral in list(journey.referrals.values()):
                offer = journey.offer_of(referral)
                if referral.status not in ASKED_OR_WITH_PROVIDER:
                    continue
                asked = None if offer is None else offer.organization_id
                of_household = by_household.get(referral.household_id, []) if referral.household_id else []
                ended = [*lost.get(journey.returnee_id, ()), *of_household]
                if any(one.closes(referral.category, asked) for one in ended):
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
