"""Signs of life of an owner: any step that a person takes on an owned need restarts the owner's clock (decision 0025).

The writer of a piece of work calls `note_signs_of_life` for all its steps, so that no step can omit it.
"""

from services.referral.clocks.rules import TimerKind
from services.referral.journeys.facts import Need
from services.referral.journeys.work import AUTOMATIC, Work
from services.referral.pack.clocks import OwnerClock


def note_signs_of_life(work: Work) -> None:
    """Count each step that a person took on an owned need as a sign of life of its owner.

    Two kinds of step do not count: a provider's answer to an offer, because it says nothing about the owner, and the
    step that named the owner.
    """
    for step in work.steps:
        if step.actor in AUTOMATIC or step.step.startswith("offer."):
            continue
        need = work.journeys[step.returnee_id].needs.get(step.need_id)
        if need is not None and need.owner is not None and need.need_id not in work.newly_owned:
            see(work, need)


def see(work: Work, need: Need) -> None:
    """Record a sign of life of the owner and restart the longer of its two clocks (`act_within`)."""
    need.owner_seen_at, need.owner_overdue_since = work.at, None
    start_clock(work, need, clock_of(work, need).act_within)


def clock_of(work: Work, need: Need) -> OwnerClock:
    """The deadlines for signs of life of the owner of such a need."""
    return work.rules_of(need).owner_clocks[need.urgency]


def start_clock(work: Work, need: Need, seconds: float) -> None:
    """Start the clock for the owner's next sign of life, and stop the clock that was running before."""
    work.stop_timers(need)
    need.owner_due_at = work.due_in(seconds)
    work.start_timer(TimerKind.OWNER_SILENCE, need, due_at=need.owner_due_at)
    work.change(need)
