"""The orders of a list of offers, and what the cursor of a page contains (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from libs.chassis.errors import FieldError, InvalidInput, foreign_cursor
from libs.events.codes import Urgency
from services.referral.lifecycles.rules import LIVE_OFFER, OfferStatus, ReferralStatus

URGENCIES: Final = tuple(Urgency)
"""The most urgent one first."""


class OfferOrder(StrEnum):
    """The order of a list of offers."""

    OLDEST = "oldest"
    NEWEST = "newest"
    MOST_URGENT = "most_urgent"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which offers a list has, and in which order."""

    status: OfferStatus | None = None
    referral_status: Sequence[ReferralStatus] = ()
    """Only accepted offers whose referral is in one of these states; empty: any offers."""
    order: OfferOrder = OfferOrder.OLDEST


def checked(filters: Filters) -> Filters:
    """The filters. Raises InvalidInput for one that no offer of the list of the most urgent ones can meet: an empty
    list would look as if nothing waited."""
    if filters.order is not OfferOrder.MOST_URGENT:
        return filters
    faults = []
    if filters.status is not None and filters.status not in LIVE_OFFER:
        faults.append(FieldError("status", "not-waiting", "With `order=most_urgent` only pending or acknowledged"))
    if filters.referral_status:
        faults.append(FieldError("referral_status", "not-waiting", "Leave it out with `order=most_urgent`"))
    if faults:
        raise InvalidInput("The list of the most urgent offers has only those that wait for an answer.", errors=faults)
    return filters


class Urgent(NamedTuple):
    """The position in the list of the most urgent offers."""

    urgency_rank: int
    answer_by: datetime
    offer_id: UUID


def cursor_of(order: OfferOrder, offer_id: UUID, urgency: Urgency, answer_by: datetime) -> list[str]:
    """What the cursor after this offer contains. It names the order, so that no other list takes it."""
    if order is OfferOrder.MOST_URGENT:
        return [order, str(URGENCIES.index(urgency)), answer_by.isoformat(), str(offer_id)]
    return [order, str(offer_id)]


def offer_after(cursor: Sequence[str] | None, order: OfferOrder) -> UUID | None:
    """The last offer of the previous page, in a list by time. Raises InvalidInput for a cursor of another order."""
    if cursor is None:
        return None
    told, *values = cursor
    if told != order:
        raise foreign_cursor()
    return UUID(values[0])


def urgent_after(cursor: Sequence[str] | None) -> Urgent | None:
    """The last offer of the previous page, in the list of the most urgent offers. Raises InvalidInput as above."""
    if cursor is None:
        return None
    told, *values = cursor
    if told != OfferOrder.MOST_URGENT:
        raise foreign_cursor()
    rank, answer_by, offer_id = values
    return Urgent(int(rank), datetime.fromisoformat(answer_by), UUID(offer_id))
