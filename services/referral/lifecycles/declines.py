"""The consequences of a decline: one row for each coded reason (DESIGN 4). Pure; the step reads the rows."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from libs.events.codes import DeclineReason
from services.referral.candidates.reasons import Exclusion


class Closing(StrEnum):
    """What accepts no new holds because of the answer."""

    POOL = "pool"
    """The pool of the offer, until the provider declares its capacity again."""
    SERVICE = "service"
    """The whole service, until the directory publishes it again."""


class Next(StrEnum):
    """What happens to the need."""

    ASK_NEXT = "ask_next"
    """The next round asks the next candidate."""
    SEARCH = "search"
    """A search for the person comes first. When the person is found, the same service may be asked again too."""
    ASK_PERSON = "ask_person"
    """The lead desk asks the person first, because the provider's report does not prove what the person wants."""
    REVIEW = "review"
    """The lead desk decides in a review before anything else is offered."""


@dataclass(frozen=True, slots=True)
class Consequence:
    """The consequences of one reason."""

    next: Next
    excludes: Exclusion | None = None
    """The service is excluded from this need with this code."""
    excludes_organization: bool = False
    """True if no service of the organisation is asked for any need of this person."""
    closes: Closing | None = None
    needs_note: bool = False
    """True if the code alone is not enough: a text is required. Only referral stores it."""


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
"""Every reason has a row. A test compares each row with what the provider and the network see afterwards."""
