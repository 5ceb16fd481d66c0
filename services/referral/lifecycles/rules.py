"""The law of needs, referrals and offers: their states, the steps between them, and nothing else (DESIGN 4).

Each table is the whole truth of its lifecycle: a (state, step) pair that is not in it is refused with a public code.
How a line is read says `printed.py`; `docs/lifecycles.md` draws these tables (`python -m deploy.lifecycles write`).
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from services.referral.errors import OfferExpired, OfferRecalled
from services.referral.lifecycles.guards import GUARDS
from services.referral.lifecycles.printed import follow, lifecycle


class NeedStatus(StrEnum):
    """Where a need stands. An open need never disappears because a referral ended."""

    OPEN = "open"
    MET = "met"
    REFUSED = "refused"
    CLOSED = "closed"


class NeedStep(StrEnum):
    """What may happen to a need."""

    REPORT = "report"
    MEET = "meet"
    REFUSE = "refuse"
    CLOSE = "close"
    REOPEN = "reopen"
    ASSIGN = "assign"
    SEEK_AGAIN = "seek_again"
    ACKNOWLEDGE = "acknowledge"
    TELL_AGAIN = "tell_again"
    REMIND_OWNER = "remind_owner"
    HAND_OVER = "hand_over"
    SET_PREREQUISITE = "set_prerequisite"
    REMOVE_PREREQUISITE = "remove_prerequisite"


class ReferralStatus(StrEnum):
    """Where a referral stands."""

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
    """What may happen to a referral."""

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
    """Where an offer stands. A live offer holds its places; an accepted one has taken them."""

    PENDING = "pending"
    ACKNOWLEDGED = "acknowledged"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    RECALLED = "recalled"


class OfferStep(StrEnum):
    """What may happen to an offer."""

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
"""States in which the referral still works for its need."""
ROUTED: Final = frozenset({_R.SEEKING, _R.WAITLISTED})
"""States in which a round may place the referral."""
WITH_PROVIDER: Final = frozenset({_R.ACCEPTED, _R.IN_SERVICE})
"""States in which a provider has said yes and has not ended the service."""
ASKED_OR_WITH_PROVIDER: Final = WITH_PROVIDER | {_R.OFFERED}
"""States in which a provider has been asked or has said yes."""
_NAMED = {"live": LIVE_REFERRAL, "ended": frozenset({_R.COMPLETED, _R.CANCELLED, _R.NOT_DELIVERED})}
"""States that a line of the table may name together."""

UNMET_OPEN: Final = "status = 'open' AND owner IS NOT NULL AND owner_reason NOT IN ('report_overdue', 'stay_ending')"
"""In SQL: an open need that has come to a desk, those apart of which a provider still takes care."""
UNMET_ENDED: Final = (
    "status = 'closed' AND end_reason IN ('died', 'left_the_country', 'lost_contact', 'no_help_exists')"
)
"""In SQL: a need that was closed though it was one (`needs.schemas.CloseReason`)."""
UNMET: Final = f"{UNMET_OPEN} OR {UNMET_ENDED}"
"""In SQL: an open need that nobody serves, or one that was closed without help."""

LIVE_OFFER: Final[frozenset[OfferStatus]] = frozenset({OfferStatus.PENDING, OfferStatus.ACKNOWLEDGED})
"""States in which the offer waits for its answer and holds its places."""
STANDING_OFFER: Final = LIVE_OFFER | {OfferStatus.ACCEPTED}
"""States in which its provider has the need or is asked for it."""


def in_sql(states: Collection[StrEnum]) -> str:
    """These states as the right side of an SQL `IN`."""
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
awaiting_review approve              seeking          -          -                            desk
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
    """The step as the record names it, such as `offer.accept`."""
    return f"{_SUBJECT_OF[type(step)]}.{step.value}"


def next_need(current: NeedStatus, step: NeedStep) -> NeedStatus:
    """Where `step` leads a need from `current`; raises StepNotAllowed."""
    return follow("need", NEXT_NEED, current, step)


def next_referral(current: ReferralStatus, step: ReferralStep) -> ReferralStatus:
    """Where `step` leads a referral from `current`; raises StepNotAllowed."""
    return follow("referral", NEXT_REFERRAL, current, step)


def next_offer(current: OfferStatus, step: OfferStep) -> OfferStatus:
    """Where `step` leads an offer from `current`; raises StepNotAllowed.

    A late answer has codes of its own, so that a partner's program can tell it from a mistake: OfferRecalled where
    the network took the offer back first, OfferExpired where its clock ran out (DESIGN 4, recall against accept).
    """
    if step in {OfferStep.ACKNOWLEDGE, OfferStep.ACCEPT, OfferStep.DECLINE}:
        if current is OfferStatus.RECALLED:
            raise OfferRecalled("The network recalled this offer before the answer arrived")
        if current is OfferStatus.EXPIRED:
            raise OfferExpired("The deadline of this offer had passed before the answer arrived")
    return follow("offer", NEXT_OFFER, current, step)
