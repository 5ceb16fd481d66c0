"""Signs of life of an owner: any step that a person takes on an owned need restarts the owner's clock (decision 0025).

The writer of a piece of work calls this for all its steps, so that no step can forget it.
"""

from services.referral.clocks.rules import TimerKind
from services.referral.journeys.facts import Need
from services.referral.journeys.work import AUTOMATIC, Work
from services.referral.pack.clocks import OwnerClock


def note_signs_of_life(work: Work) -> None:
    """Whoever took a step on an owned need by hand shows that somebody is at it.

    Not the answer of a provider to its offer: that says nothing of the owner. Nor the step that named the owner.
    """
    for step in work.steps:
        if step.actor in AUTOMATIC or step.step.startswith("offer."):
            continue
        need = work.journeys[step.returnee_id].needs.get(step.need_id)
        if need is not None and need.owner is not None and need.need_id not in work.newly_owned:
            see(work, need)


def see(work: Work, need: Need) -> None:
    """The owner has given a sign of life: the longer clock starts anew."""
    need.owner_seen_at, need.owner_overdue_since = work.at, None
    start_clock(work, need, clock_of(work, need).act_within)


def clock_of(work: Work, need: Need) -> OwnerClock:
    """How long the owner of such a need may be silent."""
    return work.category(need.category).owner_clocks[need.urgency]


def start_clock(work: Work, need: Need, seconds: float) -> None:
    """Start the clock of the owner's next sign of life; the one that ran before stops."""
    work.stop_timers(need)
    need.owner_due_at = work.due_in(seconds)
    work.start_timer(TimerKind.OWNER_SILENCE, need, due_at=need.owner_due_at)
    work.change(need)
