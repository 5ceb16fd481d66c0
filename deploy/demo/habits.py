"""How the demo's partner organisations behave: most accept, some say no with a coded reason, some never answer (pure).

Silence is the normal failure in the field, and a capacity figure may be wrong; the demo shows both on purpose.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from random import Random
from typing import Final

from deploy.packs.directory import Directory, Service
from libs.events.codes import DeclineReason, NeedCategory, Urgency

POLLING: Final = frozenset(
    {"renap", "ministry-of-health", "pgn", "pdh", "ministry-of-education", "womens-office-san-marcos",
     "municipal-window-san-marcos", "municipal-window-quetzaltenango", "national-hospital-for-mental-health"}
)  # fmt: skip
"""Organisations that look for offers themselves; the others receive webhooks."""

NEVER_ANSWERED: Final = frozenset({"municipal-window-huehuetenango-documents", "wfp-gastronomy-certification"})
"""Services where nobody looks."""
SILENT_SHARE: Final = 0.06
"""Of urgent offers; those that can wait are left unanswered by some services only, so that the demo ends soon."""
OTHER_DECLINE_SHARE: Final = 0.05
ACKNOWLEDGE_SHARE: Final = 0.5

TRUE_PLACES: Final = {
    "igm-attention-centre-zone-5": 4,
    "conamigua-transport": 2,
    "municipal-window-quetzaltenango-counselling": 2,
    "renap-quiche": 3,
    "hospital-san-juan-de-dios-emergency": 3,
}
"""Services that have in truth fewer places than they declared: they take so many and decline the others as full."""

SCARCE: Final = {NeedCategory.TRANSPORT: 0.3}
"""Share of its places that a category's services declare in the demo, so that a queue forms: "the transportation budget
was often not enough to meet the demand" (manaus-2013)."""

OFTEN_NOT_ELIGIBLE: Final = {"icrc-prostheses": 0.8, "mental-health-hospital-psychiatric-care": 0.6}
"""Specialised services, to which most cases of their category do not belong."""

QUICKLY_DONE: Final = frozenset(
    {NeedCategory.FAMILY_CONTACT, NeedCategory.FOOD, NeedCategory.HEALTH, NeedCategory.DOCUMENTS}
)


def on_a_scarce_day(directory: Directory) -> Directory:
    """The directory with fewer places where SCARCE says so; at least one where there is any."""

    def fewer(service: Service) -> Service:
        share = SCARCE.get(service.category, 1.0)
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
    """How an organisation hears of offers."""

    WEBHOOK = "webhook"
    POLLING = "polling"


class Verdict(StrEnum):
    """What it says."""

    ACCEPT = "accept"
    DECLINE = "decline"
    SILENCE = "silence"


class After(StrEnum):
    """How far it goes within the demo once it has accepted."""

    NOTHING = "nothing"
    START = "start"
    COMPLETE = "complete"
    NOT_DELIVERED = "not_delivered"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an organisation does with one offer, and how long it thinks before each step."""

    verdict: Verdict
    think_s: float
    acknowledges: bool = True
    """Whether it says first that it has seen the offer; the others answer at once."""
    reason: DeclineReason | None = None
    after: After = After.NOTHING


def way_of(organization: str) -> Way:
    """How this organisation hears of offers."""
    return Way.POLLING if organization in POLLING else Way.WEBHOOK


def answer_to(
    *, service: str, category: NeedCategory, urgency: Urgency, people_count: int, taken: int,
    was_forgotten: bool, random: Random,
) -> Answer:  # fmt: skip
    """What the organisation answers to one offer at one of its services.

    `taken` are the places it has said yes to so far; `was_forgotten` says that somebody has forgotten this need
    already: once is enough to see what the network does then.
    """
    think_s = random.uniform(0.05, 0.5)
    forgets = urgency is not Urgency.NORMAL and not was_forgotten and random.random() < SILENT_SHARE
    if service in NEVER_ANSWERED or forgets:
        return Answer(Verdict.SILENCE, think_s, acknowledges=False)
    acknowledges = random.random() < ACKNOWLEDGE_SHARE
    places = TRUE_PLACES.get(service)
    if places is not None and taken + people_count > places:
        return Answer(Verdict.DECLINE, think_s, acknowledges, DeclineReason.FULL)
    if random.random() < OFTEN_NOT_ELIGIBLE.get(service, 0.0):
        return Answer(Verdict.DECLINE, think_s, acknowledges, DeclineReason.NOT_ELIGIBLE)
    if random.random() < OTHER_DECLINE_SHARE:
        reasons = [DeclineReason.OTHER, DeclineReason.NOT_OUR_AREA, DeclineReason.CONFLICT_OF_INTEREST]
        return Answer(Verdict.DECLINE, think_s, acknowledges, random.choice(reasons))
    return Answer(Verdict.ACCEPT, think_s, acknowledges, after=_after(category, random))


def _after(category: NeedCategory, random: Random) -> After:
    dice = random.random()
    if category in QUICKLY_DONE:
        return After.COMPLETE if dice < 0.4 else After.START if dice < 0.5 else After.NOTHING
    if dice < 0.04:
        return After.NOT_DELIVERED
    return After.START if dice < 0.35 else After.NOTHING
