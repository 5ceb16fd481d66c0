"""What people wait for, as metrics: from arrival to offer, from offer to answer (DESIGN 8). Seconds of the clock."""

from collections.abc import Iterable

from libs.chassis.telemetry import meter
from services.referral.journeys.facts import Offer, Referral
from services.referral.journeys.rules import OfferStatus

_BOUNDS_S = (1, 5, 30, 120, 600, 1800, 7200, 28_800, 86_400, 259_200, 1_209_600)

_TO_OFFER = meter().create_histogram(
    "enlace.need.time_to_offer",
    unit="s",
    description="From the report of a need to an offer for it",
    explicit_bucket_boundaries_advisory=_BOUNDS_S,
)
_TO_ANSWER = meter().create_histogram(
    "enlace.offer.time_to_end",
    unit="s",
    description="From an offer to its answer, expiry or recall",
    explicit_bucket_boundaries_advisory=_BOUNDS_S,
)


def count_offers(made: Iterable[tuple[Offer, Referral]]) -> None:
    """Note how long the needs had waited for these offers."""
    for offer, referral in made:
        waited = (offer.made_at - referral.waiting_since).total_seconds()
        _TO_OFFER.record(waited, {"enlace.category": offer.category.value, "enlace.urgency": offer.urgency.value})


def count_ends(offers: Iterable[Offer]) -> None:
    """Note how long these offers took to end, and how they did."""
    for offer in offers:
        if offer.ended_at is not None and offer.status is not OfferStatus.ACKNOWLEDGED:
            took = (offer.ended_at - offer.made_at).total_seconds()
            _TO_ANSWER.record(took, {"enlace.category": offer.category.value, "enlace.outcome": offer.status.value})
