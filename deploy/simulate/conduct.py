"""What partners, desks and returnees do, chosen at random from the seed and stable facts, never from the time (pure).

With the same seed, a service behaves in the same way towards the same need of the same person, on a fast and on a slow
machine.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from random import Random
from typing import Final

from deploy.packs.demo_data import Work
from deploy.simulate.rates import (
    ASSUMED_DECLINED,
    ASSUMED_LATE,
    DECLINE_REASONS,
    NEVER_REPORTED,
    NEVER_STARTED,
    NOT_DELIVERED,
    PARTLY_MET,
    RATES,
)
from libs.events.codes import DeclineReason, NeedCategory, NotDeliveredReason, Outcome

PROMPT: Final = (0.05, 0.3)
"""When an answer without a reminder comes, as shares of the time to answer."""
REMINDED: Final = (0.4, 0.9)
"""When an answer after a reminder comes, as shares of the time to answer."""
REMINDED_SHARE: Final = 0.4
"""The share of answers in time that come after a reminder; assumed."""
TOO_LATE: Final = (1.1, 1.6)
ACKNOWLEDGED: Final = (0.02, 0.2)


class Verdict(StrEnum):
    """What a provider does with an offer."""

    ACCEPT = "accept"
    DECLINE = "decline"
    ONLY_ACKNOWLEDGE = "only_acknowledge"
    SILENCE = "silence"


class Ending(StrEnum):
    """How an accepted service ends."""

    COMPLETE = "complete"
    NOT_DELIVERED = "not_delivered"
    NEVER_STARTED = "never_started"
    NEVER_REPORTED = "never_reported"


@dataclass(frozen=True, slots=True)
class Conduct:
    """What one provider does with one offer, and after it."""

    verdict: Verdict
    answers_at: float
    """The time of the answer, as a share of the time to answer; above 1 it is too late."""
    acknowledges_at: float | None = None
    """The time of the acknowledgement, as a share of the time to answer; None if it does not acknowledge."""
    reason: DeclineReason | None = None
    ending: Ending = Ending.COMPLETE
    starts_after: timedelta = timedelta()
    lasts: timedelta = timedelta()
    outcome: Outcome = Outcome.NEED_MET
    failed_for: NotDeliveredReason = NotDeliveredReason.PROVIDER_UNABLE


def dice(*facts: object) -> Random:
    """A random generator that gives the same values for the same facts, on every machine."""
    return Random("/".join(map(str, facts)))  # noqa: S311 - a simulation's dice, no secret


def conduct_of(
    *, seed: int, person: str, category: NeedCategory, work: Work, service: str, attempt: int
) -> Conduct:  # fmt: skip
    """What a service does with the `attempt`-th offer of this person's need; `work` is that of the category."""
    random = dice(seed, person, category, service, attempt)
    rates = RATES[work.sector]
    acknowledges_at = random.uniform(*ACKNOWLEDGED)
    if random.random() < rates.silent:
        return Conduct(Verdict.SILENCE, 0.0)
    if random.random() < rates.only_acknowledged:
        return Conduct(Verdict.ONLY_ACKNOWLEDGE, 0.0, acknowledges_at)
    answers_at = _answers_at(random)
    if random.random() < ASSUMED_DECLINED:
        reason = random.choices(list(DECLINE_REASONS), weights=list(DECLINE_REASONS.values()))[0]
        return Conduct(Verdict.DECLINE, answers_at, reason=reason)
    return Conduct(
        Verdict.ACCEPT, answers_at, acknowledges_at if answers_at > REMINDED[0] else None, ending=_ending(random),
        starts_after=_between(random, work.starts_after), lasts=_between(random, work.lasts_for),
        outcome=Outcome.NEED_PARTLY_MET if random.random() < PARTLY_MET else Outcome.NEED_MET,
        failed_for=random.choice([NotDeliveredReason.PERSON_NOT_FOUND, NotDeliveredReason.PROVIDER_UNABLE]),
    )  # fmt: skip


def _answers_at(random: Random) -> float:
    if random.random() < ASSUMED_LATE:
        return random.uniform(*TOO_LATE)
    return random.uniform(*(REMINDED if random.random() < REMINDED_SHARE else PROMPT))


def _ending(random: Random) -> Ending:
    shares = {
        Ending.NEVER_STARTED: NEVER_STARTED,
        Ending.NEVER_REPORTED: NEVER_REPORTED,
        Ending.NOT_DELIVERED: NOT_DELIVERED,
    }
    left = 1.0 - sum(shares.values())
    return random.choices([*shares, Ending.COMPLETE], weights=[*shares.values(), left])[0]


def _between(random: Random, bounds: tuple[timedelta, timedelta]) -> timedelta:
    shortest, longest = bounds
    return shortest + (longest - shortest) * random.random()


class Change(StrEnum):
    """A change that a returnee may want after the intake."""

    NOTHING = "nothing"
    WITHDRAW_CONSENT = "withdraw_consent"
    WITHDRAW_NEED = "withdraw_need"


WITHDRAWING_CONSENT, WITHDRAWING_NEED = 0.02, 0.03
"""The shares of people who withdraw consent, and who withdraw a need; assumed."""


def change_of_mind(*, seed: int, person: str) -> tuple[Change, timedelta]:
    """The change that this person wants, and how long after the intake."""
    random = dice(seed, person, "change")
    after, roll = timedelta(hours=random.uniform(0.2, 60)), random.random()
    if roll < WITHDRAWING_CONSENT:
        return Change.WITHDRAW_CONSENT, after
    if roll < WITHDRAWING_CONSENT + WITHDRAWING_NEED:
        return Change.WITHDRAW_NEED, after
    return Change.NOTHING, after


class Deed(StrEnum):
    """What a desk does about a need that it owns."""

    KEEP = "keep"
    """It acknowledges that it works on the need."""
    SEEK_AGAIN = "seek_again"
    MET_ELSEWHERE = "met_elsewhere"
    CLOSE = "close"


DEEDS: Final = {Deed.KEEP: 35, Deed.SEEK_AGAIN: 25, Deed.MET_ELSEWHERE: 25, Deed.CLOSE: 15}
"""The shares in percent; assumed."""


def deed_of(*, seed: int, person: str, category: str, reason: str, turn: int) -> Deed:
    """What a desk does when it works on this need for the `turn`-th time."""
    random = dice(seed, person, category, reason, "desk", turn)
    return random.choices(list(DEEDS), weights=list(DEEDS.values()))[0]
