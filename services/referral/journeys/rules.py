"""The law of needs, referrals and offers: their states, the steps between them, and nothing else (DESIGN 4).

Each table is the whole truth of its lifecycle: a (state, step) pair that is not in it is refused with a public code.
"""

from enum import StrEnum
from typing import Final, TypeVar

from services.referral.errors import OfferExpired, OfferRecalled, StepNotAllowed


class NeedStatus(StrEnum):
    """Where a need stands. An open need never disappears because a referral ended."""

    OPEN = "open"
    MET = "met"
    REFUSED = "refused"
    CLOSED = "closed"


class NeedStep(StrEnum):
    """What may happen to a need."""

    MEET = "meet"
    REFUSE = "refuse"
    CLOSE = "close"
    REOPEN = "reopen"


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

    REQUEST_REVIEW = "request_review"
    APPROVE = "approve"
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

    ACKNOWLEDGE = "acknowledge"
    ACCEPT = "accept"
    DECLINE = "decline"
    EXPIRE = "expire"
    RECALL = "recall"


_N, _R, _O = NeedStatus, ReferralStatus, OfferStatus

NEXT_NEED: Final[dict[tuple[NeedStatus, NeedStep], NeedStatus]] = {
    (_N.OPEN, NeedStep.MEET): _N.MET,
    (_N.OPEN, NeedStep.REFUSE): _N.REFUSED,
    (_N.OPEN, NeedStep.CLOSE): _N.CLOSED,
    (_N.MET, NeedStep.REOPEN): _N.OPEN,
    (_N.REFUSED, NeedStep.REOPEN): _N.OPEN,
    (_N.CLOSED, NeedStep.REOPEN): _N.OPEN,
}

NEXT_REFERRAL: Final[dict[tuple[ReferralStatus, ReferralStep], ReferralStatus]] = {
    (_R.SEEKING, ReferralStep.REQUEST_REVIEW): _R.AWAITING_REVIEW,
    (_R.AWAITING_REVIEW, ReferralStep.APPROVE): _R.SEEKING,
    (_R.SEEKING, ReferralStep.BLOCK): _R.BLOCKED,
    (_R.BLOCKED, ReferralStep.UNBLOCK): _R.SEEKING,
    (_R.SEEKING, ReferralStep.WAITLIST): _R.WAITLISTED,
    (_R.WAITLISTED, ReferralStep.SERVE): _R.SEEKING,
    (_R.SEEKING, ReferralStep.OFFER): _R.OFFERED,
    (_R.OFFERED, ReferralStep.SEEK_AGAIN): _R.SEEKING,
    (_R.OFFERED, ReferralStep.ACCEPT): _R.ACCEPTED,
    (_R.ACCEPTED, ReferralStep.START): _R.IN_SERVICE,
    (_R.IN_SERVICE, ReferralStep.COMPLETE): _R.COMPLETED,
    (_R.ACCEPTED, ReferralStep.REPORT_NOT_DELIVERED): _R.NOT_DELIVERED,
    (_R.IN_SERVICE, ReferralStep.REPORT_NOT_DELIVERED): _R.NOT_DELIVERED,
}

LIVE_REFERRAL: Final[frozenset[ReferralStatus]] = frozenset(
    {_R.AWAITING_REVIEW, _R.BLOCKED, _R.SEEKING, _R.WAITLISTED, _R.OFFERED, _R.ACCEPTED, _R.IN_SERVICE}
)
"""States in which the referral still works for its need."""

NEXT_REFERRAL.update({(state, ReferralStep.CANCEL): _R.CANCELLED for state in LIVE_REFERRAL})
NEXT_REFERRAL.update(
    {(state, ReferralStep.ENTER_IN_ERROR): _R.ENTERED_IN_ERROR for state in _R if state is not _R.ENTERED_IN_ERROR}
)

LIVE_OFFER: Final[frozenset[OfferStatus]] = frozenset({_O.PENDING, _O.ACKNOWLEDGED})
"""States in which the offer waits for its answer and holds its places."""

NEXT_OFFER: Final[dict[tuple[OfferStatus, OfferStep], OfferStatus]] = {
    (_O.PENDING, OfferStep.ACKNOWLEDGE): _O.ACKNOWLEDGED,
    (_O.PENDING, OfferStep.ACCEPT): _O.ACCEPTED,
    (_O.PENDING, OfferStep.DECLINE): _O.DECLINED,
    (_O.PENDING, OfferStep.EXPIRE): _O.EXPIRED,
    (_O.PENDING, OfferStep.RECALL): _O.RECALLED,
    (_O.ACKNOWLEDGED, OfferStep.ACCEPT): _O.ACCEPTED,
    (_O.ACKNOWLEDGED, OfferStep.DECLINE): _O.DECLINED,
    (_O.ACKNOWLEDGED, OfferStep.EXPIRE): _O.EXPIRED,
    (_O.ACKNOWLEDGED, OfferStep.RECALL): _O.RECALLED,
}

_State = TypeVar("_State", NeedStatus, ReferralStatus, OfferStatus)
_Step = TypeVar("_Step", NeedStep, ReferralStep, OfferStep)


def _next(subject: str, table: dict[tuple[_State, _Step], _State], state: _State, step: _Step) -> _State:
    try:
        return table[state, step]
    except KeyError:
        raise StepNotAllowed(
            f"{step.value} is not allowed while the {subject} is {state.value}",
            subject=subject,
            state=state.value,
            step=step.value,
        ) from None


def next_need(current: NeedStatus, step: NeedStep) -> NeedStatus:
    """Where `step` leads a need from `current`; raises StepNotAllowed."""
    return _next("need", NEXT_NEED, current, step)


def next_referral(current: ReferralStatus, step: ReferralStep) -> ReferralStatus:
    """Where `step` leads a referral from `current`; raises StepNotAllowed."""
    return _next("referral", NEXT_REFERRAL, current, step)


def next_offer(current: OfferStatus, step: OfferStep) -> OfferStatus:
    """Where `step` leads an offer from `current`; raises StepNotAllowed.

    A late answer has codes of its own, so that a partner's program can tell it from a mistake: OfferRecalled where
    the network took the offer back first, OfferExpired where its clock ran out (DESIGN 4, recall against accept).
    """
    if step in {OfferStep.ACKNOWLEDGE, OfferStep.ACCEPT, OfferStep.DECLINE}:
        if current is OfferStatus.RECALLED:
            raise OfferRecalled("The network took this offer back before the answer came")
        if current is OfferStatus.EXPIRED:
            raise OfferExpired("The time to answer this offer had run out before the answer came")
    return _next("offer", NEXT_OFFER, current, step)
