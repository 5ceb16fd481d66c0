"""The states of needs, referrals and offers, and the steps between them (DESIGN 4).

Each table is complete: a pair of state and step that is not in it is refused with a public code. `printed.py`
explains how a line is read. `docs/lifecycles.md` shows these tables (`python -m deploy.lifecycles write`).
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from services.referral.errors import OfferExpired, OfferRecalled
from services.referral.lifecycles.guards import GUARDS
from services.referral.lifecycles.printed import follow, lifecycle


class NeedStatus(StrEnum):
    """The states of a need. A need stays open when its referral ends without meeting it."""

    OPEN = "open"
    MET = "met"
    REFUSED = "refused"
    CLOSED = "closed"


class NeedStep(StrEnum):
    """The steps of a need."""

    REPORT = "report"
    MEET = "meet"
    REFUSE = "refuse"
    CLOSE = "close"
    REOPEN = "reopen"
    ASSIGN = "assign"
    SEEK_AGAIN = "seek_again"
    ACKNOWLEDGE = "acknowledge"
    TELL_AGAIN = "tell_again"
    REFINE = "refine"
    REMIND_OWNER = "remind_owner"
    HAND_OVER = "hand_over"
    SET_PREREQUISITE = "set_prerequisite"
    REMOVE_PREREQUISITE = "remove_prerequisite"


class ReferralStatus(StrEnum):
    """The states of a referral."""

    AWAITING_REVIEW = "awaiting_review"
    BLOCKED = "blocked"
    SEEKING = "seeking"
    WAITLISTED = "waitlisted"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    IN_SERVICE = "in_service"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NOT_DELIVERED = "not_delivered"
    ENTERED_IN_ERROR = "entered_in_error"


class ReferralStep(StrEnum):
    """The steps of a referral."""

    OPEN = "open"
    REQUEST_REVIEW = "request_review"
    APPROVE = "approve"
    REJECT = "reject"
    BLOCK = "block"
    UNBLOCK = "unblock"
    WAITLIST = "waitlist"
    SERVE = "serve"
    OFFER = "offer"
    SEEK_AGAIN = "seek_again"
    ACCEPT = "accept"
    START = "start"
    COMPLETE = "complete"
    REPORT_NOT_DELIVERED = "report_not_delivered"
    CANCEL = "cancel"
    ENTER_IN_ERROR = "enter_in_error"
    ESCALATE = "escalate"
    WIDEN = "widen"
    LOOK = "look"
    OVERRIDE = "override"
    SEARCH = "search"
    SEARCH_ATTEMPT = "search_attempt"
    SEARCH_DUE = "search_due"
    PLAN_EXIT = "plan_exit"
    ALARM_STAY = "alarm_stay"
    EXTEND_STAY = "extend_stay"
    RUN_OUT = "run_out"
    REMIND = "remind"
    JUDGE = "judge"
    HALT = "halt"
    UPHOLD = "uphold"


class OfferStatus(StrEnum):
    """The states of an offer. A live offer holds its places; an accepted offer has taken them."""

    PENDING = "pending"
    ACKNOWLEDGED = "acknowledged"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    RECALLED = "recalled"


class OfferStep(StrEnum):
    """The steps of an offer."""

    MAKE = "make"
    ACKNOWLEDGE = "acknowledge"
    ACCEPT = "accept"
    DECLINE = "decline"
    EXPIRE = "expire"
    RECALL = "recall"
    REMIND = "remind"


_R = ReferralStatus
LIVE_REFERRAL: Final[frozenset[ReferralStatus]] = frozenset(
    {_R.AWAITING_REVIEW, _R.BLOCKED, _R.SEEKING, _R.WAITLISTED, _R.OFFERED, _R.ACCEPTED, _R.IN_SERVICE}
)
"""States in which the referral has not ended."""
ROUTED: Final = frozenset({_R.SEEKING, _R.WAITLISTED})
"""States in which a round may place the referral."""
WITH_PROVIDER: Final = frozenset({_R.ACCEPTED, _R.IN_SERVICE})
"""States in which a provider has accepted and the service has not ended."""
ASKED_OR_WITH_PROVIDER: Final = WITH_PROVIDER | {_R.OFFERED}
"""States in which a provider has been asked or has accepted."""
_NAMED = {"live": LIVE_REFERRAL, "ended": frozenset({_R.COMPLETED, _R.CANCELLED, _R.NOT_DELIVERED})}
"""Names for several states that a line of the table may use."""

UNMET_OPEN: Final = "status = 'open' AND owner IS NOT NULL AND owner_reason NOT IN ('report_overdue', 'stay_ending')"
"""SQL condition for an open need that a desk owns. Needs that a provider still serves are not included."""
UNMET_ENDED: Final = (
    "status = 'closed' AND end_reason IN ('died', 'left_the_country', 'lost_contact', 'no_help_exists')"
)
"""SQL condition for a need that was closed without help (`needs.schemas.CloseReason`)."""
UNMET: Final = f"{UNMET_OPEN} OR {UNMET_ENDED}"
"""SQL condition for an open need without a provider, or one that was closed without help."""

LIVE_OFFER: Final[frozenset[OfferStatus]] = frozenset({OfferStatus.PENDING, OfferStatus.ACKNOWLEDGED})
"""States in which the offer waits for an answer and holds its places."""
STANDING_OFFER: Final = LIVE_OFFER | {OfferStatus.ACCEPTED}
"""States in which the provider has accepted the need or is asked to."""


def in_sql(states: Collection[StrEnum]) -> str:
    """These states as the right-hand side of an SQL `IN`."""
    return f"({', '.join(sorted(repr(one.value) for one in states))})"


_NEEDS = """
from     step                to       guard      event             who
-        report              open     unknown    -                 registration
open     meet                met      met        need.met.v1       provider desk
open     refuse              refused  -          need.refused.v1   desk registration
open     close               closed   reason     need.closed.v1    desk registration
met      reopen              open     going_on   need.reopened.v1  desk registration
refused  reopen              open     going_on   need.reopened.v1  desk registration
closed   reopen              open     going_on   need.reopened.v1  desk registration
open     seek_again          =        routable   -                 desk
open     assign              =        desk       need.assigned.v1  desk
open     assign              =        answers    need.assigned.v1  provider desk router clock registration
open     assign              =        forgotten  need.assigned.v1  watcher
open     hand_over           =        theirs     -                 desk
open     acknowledge         =        owned      -                 desk
open     tell_again          =        -          -                 registration
open     refine              =        -          -                 registration
open     remind_owner        =        silent     need.assigned.v1  clock
open     set_prerequisite    =        first      -                 desk
open     remove_prerequisite =        -          -                 desk
"""

_REFERRALS = """
from            step                 to               guard      event                        who
-               open                 seeking          free       referral.opened.v1           provider desk registration
-               open                 blocked          waits      referral.opened.v1           provider desk registration
seeking         request_review       awaiting_review  person     referral.review-requested.v1 router registration
seeking         request_review       awaiting_review  person     referral.review-requested.v1 provider desk
awaiting_review approve              seeking          -          -                            desk registration
awaiting_review reject               cancelled        -          referral.cancelled.v1        desk
seeking         block                blocked          document   -                            router
seeking         block                blocked          told       -                            desk
blocked         unblock              seeking          unblocked  -                            provider desk
seeking         waitlist             waitlisted       full       referral.waitlisted.v1       router
waitlisted      serve                seeking          leaves     -                            router desk
seeking         offer                offered          held       -                            router desk
offered         seek_again           seeking          unmatched  -                            provider clock router desk
offered         seek_again           seeking          unmatched  -                            registration
offered         judge                =                broken     -                            router registration
accepted        halt                 =                broken     offer.halted.v1              router registration
in_service      halt                 =                broken     offer.halted.v1              router registration
accepted        uphold               =                stands     offer.upheld.v1              registration
in_service      uphold               =                stands     offer.upheld.v1              registration
accepted        uphold               =                upheld     offer.upheld.v1              desk
in_service      uphold               =                upheld     offer.upheld.v1              desk
accepted        escalate             =                broken     referral.escalated.v1        router registration
in_service      escalate             =                broken     referral.escalated.v1        router registration
offered         accept               accepted         accepted   -                            provider auto desk
accepted        start                in_service       going      referral.started.v1          provider desk
accepted        remind               =                due        referral.reminded.v1         clock
in_service      remind               =                due        referral.reminded.v1         clock
in_service      complete             completed        outcome    referral.completed.v1        provider desk
accepted        report_not_delivered not_delivered    reason     referral.not-delivered.v1    provider desk
in_service      report_not_delivered not_delivered    reason     referral.not-delivered.v1    provider desk
live            cancel               cancelled        reason     referral.cancelled.v1        desk registration
live            enter_in_error       entered_in_error -          referral.entered-in-error.v1 desk
ended           enter_in_error       entered_in_error -          referral.entered-in-error.v1 desk
seeking         escalate             =                nobody     referral.escalated.v1        router
live            escalate             =                overdue    referral.escalated.v1        clock
seeking         escalate             =                unfound    referral.escalated.v1        provider desk
awaiting_review escalate             =                unfound    referral.escalated.v1        provider desk
blocked         escalate             =                unfound    referral.escalated.v1        provider desk
seeking         escalate             =                will       referral.escalated.v1        provider desk
live            escalate             =                missed     referral.escalated.v1        clock desk
live            search               =                looked_for -                            provider desk
live            search_attempt       =                searched   -                            desk
live            search_due           =                due        referral.search-due.v1       clock
blocked         escalate             =                unmet      referral.escalated.v1        provider desk registration
completed       escalate             =                incomplete referral.escalated.v1        provider desk
cancelled       escalate             =                consent    referral.escalated.v1        desk registration
seeking         widen                =                farther    -                            router
waitlisted      widen                =                farther    -                            router
seeking         look                 =                -          -                            desk
waitlisted      look                 =                -          -                            desk
seeking         override             =                allowed    -                            desk
waitlisted      override             =                allowed    -                            desk
offered         override             =                allowed    -                            desk
in_service      plan_exit            =                stays      -                            provider desk
completed       plan_exit            =                stays      -                            desk
cancelled       plan_exit            =                stays      -                            desk
in_service      alarm_stay           =                ending     stay.ending.v1               clock
in_service      extend_stay          =                bounded    stay.ending.v1               desk
in_service      run_out              =                ending     stay.ending.v1               clock
"""

_OFFERS = """
from     step         to            guard   event                  who
-        make         pending       held    offer.made.v1          router desk
pending  acknowledge  acknowledged  -       offer.acknowledged.v1  provider
live     accept       accepted      -       offer.accepted.v1      provider auto
live     decline      declined      reason  offer.declined.v1      provider
live     expire       expired       due     offer.expired.v1       clock
live     recall       recalled      -       offer.recalled.v1      router desk registration provider
live     remind       =             due     offer.reminded.v1      clock
"""

NEEDS: Final = lifecycle("need", NeedStatus, NeedStep, _NEEDS, guards=GUARDS)
REFERRALS: Final = lifecycle("referral", ReferralStatus, ReferralStep, _REFERRALS, guards=GUARDS, named=_NAMED)
OFFERS: Final = lifecycle("offer", OfferStatus, OfferStep, _OFFERS, guards=GUARDS, named={"live": LIVE_OFFER})
NEXT_NEED, NEXT_REFERRAL, NEXT_OFFER = NEEDS.next, REFERRALS.next, OFFERS.next


AnyStep = NeedStep | ReferralStep | OfferStep
_SUBJECT_OF: Final = {NeedStep: "need", ReferralStep: "referral", OfferStep: "offer"}


def recorded(step: AnyStep) -> str:
    """The step as it is recorded, such as `offer.accept`."""
    return f"{_SUBJECT_OF[type(step)]}.{step.value}"


def next_need(current: NeedStatus, step: NeedStep) -> NeedStatus:
    """The state of a need after `step`. Raises StepNotAllowed."""
    return follow("need", NEXT_NEED, current, step)


def next_referral(current: ReferralStatus, step: ReferralStep) -> ReferralStatus:
    """The state of a referral after `step`. Raises StepNotAllowed."""
    return follow("referral", NEXT_REFERRAL, current, step)


def next_offer(current: OfferStatus, step: OfferStep) -> OfferStatus:
    """The state of an offer after `step`. Raises StepNotAllowed.

    A late answer has its own codes, so that a partner's program can distinguish it from a mistake: OfferRecalled if the
    network recalled the offer first, OfferExpired if its deadline had passed (DESIGN 4, recall against accept).
    """
    if step in {OfferStep.ACKNOWLEDGE, OfferStep.ACCEPT, OfferStep.DECLINE}:
        if current is OfferStatus.RECALLED:
            raise OfferRecalled("The network recalled this offer before the answer arrived")
        if current is OfferStatus.EXPIRED:
            raise OfferExpired("The deadline of this offer had passed before the answer arrived")
    return follow("offer", NEXT_OFFER, current, step)
