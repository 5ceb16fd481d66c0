"""The steps of a search for a person who could not be found: its beginning, its attempts, and its end.

During the search the referral is not routed and a desk owns its need. A clock sets the time of the next attempt.
"""

from datetime import datetime

from libs.events.catalogue.referral import ReferralEscalated, ReferralSearchDue
from libs.events.codes import OwnerReason
from services.referral.clocks.rules import TimerKind
from services.referral.errors import StepNotAllowed
from services.referral.journeys.facts import Need, Referral
from services.referral.journeys.work import Work
from services.referral.lifecycles.rules import ReferralStep
from services.referral.steps.owners import assign


def begin(work: Work, referral: Referral) -> None:
    """Begin a search for the person and start the clock of the first attempt."""
    referral.searching_since, referral.missed_count = work.at, 0
    work.record(ReferralStep.SEARCH, referral)
    _look_in(work, referral)


def log(work: Work, referral: Referral, *, result: str, note: str | None) -> None:
    """Record an attempt to find the person. Refused if no search is running."""
    if referral.searching_since is None:
        raise StepNotAllowed(
            "There is no search for a person in this referral",
            subject="referral",
            state=referral.status.value,
            step=ReferralStep.SEARCH_ATTEMPT.value,
        )
    work.record(ReferralStep.SEARCH_ATTEMPT, referral, reason=result, note=note)


def miss(work: Work, referral: Referral) -> None:
    """Count an attempt as missed: the person was not found, or no attempt was made in time.

    After the last attempt the steward becomes the owner and the search stays open.
    """
    referral.missed_count += 1
    work.change(referral)
    if referral.missed_count < work.policy.search.attempts:
        _look_in(work, referral)
        return
    work.stop_timers(referral)
    need, steward = _need(work, referral), work.policy.steward_desk
    assign(work, need, owner=steward, reason=OwnerReason.PERSON_NOT_FOUND)
    work.record(ReferralStep.ESCALATE, referral, reason=OwnerReason.PERSON_NOT_FOUND.value)
    work.tell_of_referral(
        ReferralEscalated,
        referral,
        trace=referral.traceparent,
        owner=steward,
        reason=OwnerReason.PERSON_NOT_FOUND,
    )


def remind(work: Work, referral: Referral) -> None:
    """The deadline of an attempt has passed without an attempt. The owner is reminded, and it counts as missed."""
    need = _need(work, referral)
    owner = need.owner or work.rules_of(referral).lead_desk
    work.record(ReferralStep.SEARCH_DUE, referral)
    miss(work, referral)
    work.tell_of_referral(
        ReferralSearchDue, referral, trace=referral.traceparent, owner=owner, missed_count=referral.missed_count
    )


def put_off(work: Work, referral: Referral) -> None:
    """The person is said to come back. This is not a missed attempt; the clock of the next attempt starts."""
    _look_in(work, referral)


def end(work: Work, referral: Referral) -> None:
    """End the search: the person is found, a member of staff restarts the routing, or the referral has ended."""
    referral.searching_since = referral.next_attempt_at = None
    work.change(referral)


def _look_in(work: Work, referral: Referral) -> None:
    due_at: datetime = work.due_in(work.policy.search.every)
    referral.next_attempt_at = due_at
    work.change(referral)
    work.start_timer(TimerKind.SEARCH_DEADLINE, referral, due_at=due_at)


def _need(work: Work, referral: Referral) -> Need:
    return work.journeys[referral.returnee_id].needs[referral.need_id]
