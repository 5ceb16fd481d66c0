"""The behaviour of the demo's partner organisations (pure).

Most accept, some decline with a coded reason, and some never answer; the country pack's `demo.yaml` names those. In
practice, the usual failure is that a provider does not answer, and declared capacity can be wrong; the demo shows both
on purpose.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from random import Random
from typing import Final

from deploy.packs.demo_data import Partners
from deploy.packs.directory import Directory, Service
from libs.events.codes import DeclineReason, NeedCategory, Urgency

SILENT_SHARE: Final = 0.06
"""The share of urgent and emergency offers that nobody answers.

Offers with the urgency `normal` are left unanswered only at the services that never answer, so that the demo does not
take too long."""
OTHER_DECLINE_SHARE: Final = 0.05
ACKNOWLEDGE_SHARE: Final = 0.5


def on_a_scarce_day(directory: Directory, scarce: Mapping[NeedCategory, float]) -> Directory:
    """The directory with only this share of the places of a category. A pool that has places keeps at least one."""

    def fewer(service: Service) -> Service:
        share = scarce.get(service.category, 1.0)
        pools = [
            pool.model_copy(update={name: ceil(getattr(pool, name) * share) for name in ("maximum", "available")})
            for pool in service.pools
        ]
        return service.model_copy(update={"pools": pools})

    return directory.model_copy(update={
        "organizations": [
            one.model_copy(update={"services": [fewer(service) for service in one.services]})
            for one in directory.organizations
        ]
    })  # fmt: skip


class Way(StrEnum):
    """How an organisation learns about offers."""

    WEBHOOK = "webhook"
    POLLING = "polling"


class Verdict(StrEnum):
    """The answer of an organisation to an offer; SILENCE means that there is none."""

    ACCEPT = "accept"
    DECLINE = "decline"
    SILENCE = "silence"


class After(StrEnum):
    """What an organisation does during the demo after it has accepted an offer."""

    NOTHING = "nothing"
    START = "start"
    COMPLETE = "complete"
    NOT_DELIVERED = "not_delivered"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an organisation does with one offer, and how many seconds it waits before the next steps."""

    verdict: Verdict
    think_s: float
    acknowledges: bool = True
    """Whether it acknowledges the offer before it answers; if not, it answers at once."""
    reason: DeclineReason | None = None
    after: After = After.NOTHING


def way_of(organization: str, habits: Partners) -> Way:
    """How this organisation learns about offers."""
    return Way.POLLING if organization in habits.polling else Way.WEBHOOK


def answer_to(
    *, service: str, category: NeedCategory, urgency: Urgency, people_count: int, taken: int,
    was_forgotten: bool, habits: Partners, random: Random,
) -> Answer:  # fmt: skip
    """The organisation's answer to one offer for one of its services.

    `taken` is the number of places that it has accepted so far. `was_forgotten` is True if an earlier offer for this
    need got no answer; then this one gets an answer, because one case is enough to show what the network does.
    """
    think_s = random.uniform(0.05, 0.5)
    forgets = urgency is not Urgency.NORMAL and not was_forgotten and random.random() < SILENT_SHARE
    if service in habits.never_answering or forgets:
        return Answer(Verdict.SILENCE, think_s, acknowledges=False)
    acknowledges = random.random() < ACKNOWLEDGE_SHARE
    places = habits.true_places.get(service)
    if places is not None and taken + people_count > places:
        return Answer(Verdict.DECLINE, think_s, acknowledges, DeclineReason.FULL)
    if random.random() < habits.often_not_eligible.get(service, 0.0):
        return Answer(Verdict.DECLINE, think_s, acknowledges, DeclineReason.NOT_ELIGIBLE)
    if random.random() < OTHER_DECLINE_SHARE:
        reasons = [DeclineReason.OTHER, DeclineReason.NOT_OUR_AREA, DeclineReason.CONFLICT_OF_INTEREST]
        return Answer(Verdict.DECLINE, think_s, acknowledges, random.choice(reasons))
    return Answer(Verdict.ACCEPT, think_s, acknowledges, after=_after(category in habits.quickly_done, random))


def _after(is_quickly_done: bool, random: Random) -> After:
    dice = random.random()
    if is_quickly_done:
        return After.COMPLETE if dice < 0.4 else After.START if dice < 0.5 else After.NOTHING
    if dice < 0.04:
        return After.NOT_DELIVERED
    return After.START if dice < 0.35 else After.NOTHING
