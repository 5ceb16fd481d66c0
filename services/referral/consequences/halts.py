"""The results of a repeated evaluation: the offer is recalled, halted until a desk decides, or upheld."""

from collections.abc import Collection
from typing import Final

from libs.events.catalogue.journeys import JudgedOn
from libs.events.catalogue.referral import OfferHalted, OfferUpheld, ReferralEscalated
from libs.events.codes import OwnerReason, RecallReason
from services.referral.candidates.interlocks import PLACE_OF_OTHERS
from services.referral.candidates.judgement import OVERRULED_BY_PERSON, STANDING
from services.referral.candidates.reasons import Exclusion
from services.referral.errors import NotACandidate, OfferIsHalted
from services.referral.journeys.facts import Referral
from services.referral.journeys.work import Work
from services.referral.lifecycles.printed import not_allowed
from services.referral.lifecycles.rules import WITH_PROVIDER, ReferralStatus, ReferralStep, next_referral
from services.referral.steps import referrals as referral_steps
from services.referral.steps import stays as stay_steps
from services.referral.steps.owners import assign, disown
from services.referral.steps.routing import advance, need_of

_FOR_DESK: Final = {
    RecallReason.FACTS_CHANGED: OwnerReason.FACTS_CHANGED,
    RecallReason.SERVICE_WITHDRAWN: OwnerReason.SERVICE_WITHDRAWN,
    RecallReason.CONSENT_WITHDRAWN: OwnerReason.CONSENT_WITHDRAWN,
}


_CONSENT: Final = frozenset({Exclusion.NO_CONSENT.value, Exclusion.CONSENT_NAMES_ANOTHER.value})


def stop(work: Work, referral: Referral, *, broken: Collection[str], judged_on: JudgedOn, child: bool) -> None:
    """The offer breaks these rules now. An unanswered offer is recalled; an accepted offer is halted.

    `child`: one of the people is or may be a child, so that the desk for child protection decides.
    """
    codes, reason = ",".join(sorted(broken)), reason_of(broken)
    shown = ",".join(sorted(set(broken) - PLACE_OF_OTHERS)) or reason.value
    offer = work.journeys[referral.returnee_id].offer_of(referral)
    if offer is not None and offer.is_live:
        advance(work, referral, ReferralStep.JUDGE, reason=shown)
        referral_steps.recall_offer(work, offer, reason=reason)
    elif offer is not None and referral.halted_since is None:
        advance(work, referral, ReferralStep.HALT, reason=codes)
        referral.halted_since, referral.halted_for = work.at, frozenset(broken)
        work.tell_of_offer(OfferHalted, offer, trace=offer.traceparent, reason=reason, judged_on=judged_on)
        _escalate(work, referral, _FOR_DESK[reason], child=child)


def reason_of(broken: Collection[str]) -> RecallReason:
    """The reason for broken rules that a provider sees. It never shows which fact about the person has changed."""
    if STANDING & set(broken):
        return RecallReason.SERVICE_WITHDRAWN
    if broken and set(broken) <= _CONSENT:
        return RecallReason.CONSENT_WITHDRAWN
    return RecallReason.FACTS_CHANGED


def still_stands(work: Work, referral: Referral, judged_on: JudgedOn) -> None:
    """Facts have changed and the accepted offer breaks no rule. A halted offer stays halted, because a desk decides."""
    offer = work.journeys[referral.returnee_id].offer_of(referral)
    if offer is not None and referral.status in WITH_PROVIDER and referral.halted_since is None:
        advance(work, referral, ReferralStep.UPHOLD)
        work.tell_of_offer(OfferUpheld, offer, trace=offer.traceparent, judged_on=judged_on, by_desk=False)


def uphold(work: Work, referral: Referral, *, broken: Collection[str], note: str, judged_on: JudgedOn) -> None:
    """A desk has decided that the accepted offer continues. It overrules the broken rules of convenience.

    The desk is no longer the owner, and the provider's clock starts again. In a stay the desk remains the owner,
    because the end of the stay may have passed. Raises NotACandidate if a legal rule or an interlock forbids the offer.
    """
    next_referral(referral.status, ReferralStep.UPHOLD)
    if referral.halted_since is None:
        raise not_allowed("referral", referral.status, ReferralStep.UPHOLD, "is not halted")
    against = sorted(set(broken) - OVERRULED_BY_PERSON)
    if against:
        raise NotACandidate(reasons=against)
    advance(work, referral, ReferralStep.UPHOLD, note=note)
    referral.halted_since, referral.halted_for = None, frozenset()
    referral.overruled |= frozenset(broken)
    offer = referral_steps.accepted_offer(work, referral)
    work.tell_of_offer(OfferUpheld, offer, trace=offer.traceparent, judged_on=judged_on, by_desk=True)
    need = need_of(work, referral)
    stays = referral.status is ReferralStatus.IN_SERVICE and stay_steps.longest(work.policy.stays, offer) is not None
    if need.owner_reason in _FOR_DESK.values() and not stays:
        referral_steps.wait_anew(work, referral)
        disown(work, need)


def require_going_on(referral: Referral, broken: Collection[str]) -> None:
    """Refuse a start or an extension while the accepted offer breaks a rule or is halted."""
    if referral.status in WITH_PROVIDER and (broken or referral.halted_since is not None):
        raise OfferIsHalted


def _escalate(work: Work, referral: Referral, reason: OwnerReason, *, child: bool) -> None:
    need = need_of(work, referral)
    about_child = child and reason is OwnerReason.FACTS_CHANGED
    owner = work.policy.child_desk if about_child else work.rules_of(referral).lead_desk
    assign(work, need, owner=owner, reason=reason)
    work.record(ReferralStep.ESCALATE, referral, reason=reason.value)
    work.tell_of_referral(ReferralEscalated, referral, trace=referral.traceparent, owner=owner, reason=reason)
