"""What a round makes of the candidates' decision for one referral. Pure."""

from bisect import insort
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from libs.events.codes import Urgency
from services.referral.candidates.choice import Decision, Verdict
from services.referral.candidates.rules import Exclusion
from services.referral.pack import Pacing

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


class Pace:
    """How many offers each service has had lately, and from when on it may have another (decision 0026).

    Any span of `per_seconds` sees `offers_per_service` ordinary offers to a service at the most. Needs that must wait
    are given moments one after another, in the order in which they ask, so that each is looked at about once more.
    """

    def __init__(self, pacing: Pacing | None, at: datetime, recent: Mapping[UUID, Sequence[datetime]]) -> None:
        self._pacing = pacing
        self._at = at
        self._recent = {key: list(moments) for key, moments in recent.items()}

    def later(self, provider_service_id: UUID, urgency: Urgency) -> datetime | None:
        """None if the service may be asked now, which counts; else from when on. Urgent needs never wait."""
        if self._pacing is None:
            return None
        recent = self._recent.setdefault(provider_service_id, [])
        full = len(recent) >= self._pacing.offers_per_service
        free_at = recent[0] + timedelta(seconds=self._pacing.per_seconds) if full else self._at
        if urgency is not Urgency.NORMAL or free_at <= self._at:
            free_at = self._at
        if full:
            del recent[0]
        # In order of time, also where an urgent one comes between others that wait.
        insort(recent, free_at)
        return None if free_at <= self._at else free_at


def newly_opened(openings: Mapping[str, int], swept: Mapping[str, int]) -> dict[str, int]:
    """The categories in which something has opened since their queues were last looked through, with their counts."""
    return {category: count for category, count in openings.items() if swept.get(category) != count}
