"""What follows when a provider says no: one row for each coded reason (DESIGN 4). Pure; the step reads it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from libs.events.codes import DeclineReason
from services.referral.candidates.rules import Exclusion


class Closing(StrEnum):
    """What takes no new hold because of the answer."""

    POOL = "pool"
    """The pool of the offer, until the provider declares its capacity anew."""
    SERVICE = "service"
    """The whole service, until the directory publishes it anew."""


class Next(StrEnum):
    """What happens to the need."""

    ASK_NEXT = "ask_next"
    """The next round asks the next candidate."""
    SEARCH = "search"
    """Somebody looks for the person first; a found person is offered again, to the same service too."""
    ASK_PERSON = "ask_person"
    """The lead desk asks the person first: what a provider says of their will is not yet their word."""
    REVIEW = "review"
    """The lead desk decides by a review before anything else is offered."""


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows from one reason."""

    next: Next
    excludes: Exclusion | None = None
    """With this code the service is not asked again for this need."""
    excludes_organization: bool = False
    """None of the organisation's services is asked for any need of this person."""
    closes: Closing | None = None
    needs_note: bool = False
    """The code alone says nothing: a text is required, and kept in referral only."""


CONSEQUENCES: Final[dict[DeclineReason, Consequence]] = {
    DeclineReason.FULL: Consequence(Next.ASK_NEXT, closes=Closing.POOL),
    DeclineReason.NOT_ELIGIBLE: Consequence(Next.ASK_NEXT, Exclusion.DECLINED_BEFORE),
    DeclineReason.NOT_OUR_AREA: Consequence(Next.ASK_NEXT, Exclusion.DECLINED_BEFORE),
    DeclineReason.PERSON_NOT_FOUND: Consequence(Next.SEARCH),
    DeclineReason.PERSON_REFUSED: Consequence(Next.ASK_PERSON, Exclusion.DECLINED_BEFORE),
    DeclineReason.NO_LONGER_OFFERED: Consequence(Next.ASK_NEXT, Exclusion.DECLINED_BEFORE, closes=Closing.SERVICE),
    DeclineReason.CONFLICT_OF_INTEREST: Consequence(
        Next.ASK_NEXT, Exclusion.CONFLICT_OF_INTEREST, excludes_organization=True
    ),
    DeclineReason.UNSAFE: Consequence(Next.REVIEW, Exclusion.UNSAFE),
    DeclineReason.OTHER: Consequence(Next.ASK_NEXT, Exclusion.DECLINED_BEFORE, needs_note=True),
}
"""Every reason has its row; a test holds each row against what a provider and the network then see."""
