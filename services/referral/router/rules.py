"""What a round makes of the candidates' decision for one referral. Pure."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final

from services.referral.candidates.choice import Decision, Verdict
from services.referral.candidates.rules import Exclusion

LOOK_AGAIN_AFTER: Final = timedelta(minutes=10)
"""When a referral is looked at again that only waits for somebody to open, on the installation's clock."""


class Way(StrEnum):
    """What a round does with a referral."""

    OFFER = "offer"
    WAITLIST = "waitlist"
    LOOK_AGAIN = "look_again"
    """Somebody could take it but is closed now; the clock of its routing runs on."""
    AFTER_DOCUMENTS = "after_documents"
    """Somebody could take it once the person has a document."""
    NOBODY = "nobody"


def way_of(decision: Decision) -> Way:
    """What follows from who may take the need, from the best that can be hoped for downwards."""
    if decision.verdict is Verdict.OFFER:
        return Way.OFFER
    if decision.verdict is Verdict.WAITLIST:
        return Way.WAITLIST
    only = [set(codes) for codes in decision.excluded.values()]
    if any(Exclusion.CLOSED in codes and codes <= {Exclusion.CLOSED, Exclusion.NO_FREE_PLACE} for codes in only):
        return Way.LOOK_AGAIN
    waits = {Exclusion.DOCUMENT_NEEDED_FIRST, Exclusion.CLOSED, Exclusion.NO_FREE_PLACE}
    if any(Exclusion.DOCUMENT_NEEDED_FIRST in codes and codes <= waits for codes in only):
        return Way.AFTER_DOCUMENTS
    return Way.NOBODY


def newly_opened(openings: Mapping[str, int], swept: Mapping[str, int]) -> dict[str, int]:
    """The categories in which something has opened since their queues were last looked through, with their counts."""
    return {category: count for category, count in openings.items() if swept.get(category) != count}
