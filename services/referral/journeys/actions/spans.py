"""Traces and metrics of journeys: spans, and how long people wait (DESIGN 8).

Important steps get one span each, below the span that is stored in the row. Only sampled journeys have spans. The
waiting times are measured for all journeys.
"""

import time
from collections.abc import Iterable
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span

from libs.chassis.telemetry import is_sampled, meter, span_context, traceparent_of, tracer
from services.referral.journeys.facts import Offer, Referral
from services.referral.lifecycles.rules import OfferStatus

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


class Spans:
    """The spans of one piece of work. Each starts when the work began and ends when the work has been written.

    They are linked to the current span, for example that of the request with a provider's answer (DESIGN 8).
    """

    def __init__(self) -> None:
        self._started_ns = time.time_ns()
        self._open: list[Span] = []

    def start(self, traceparent: str | None, name: str, returnee_id: UUID) -> str | None:
        """Start a span below `traceparent` and return its own traceparent. Without sampling, no span is created."""
        parent = span_context(traceparent) if is_sampled(traceparent) else None
        if parent is None:
            return traceparent
        current = trace.get_current_span().get_span_context()
        span = tracer().start_span(
            name,
            trace.set_span_in_context(NonRecordingSpan(parent), Context()),
            attributes={"enlace.journey_id": str(returnee_id)},
            links=[Link(current)] if current.is_valid else [],
            start_time=self._started_ns,
        )
        self._open.append(span)
        return traceparent_of(span) or traceparent

    def end(self) -> None:
        """End all spans, because the work has been written."""
        for span in self._open:
            span.end()
        self._open.clear()


def count_offers(made: Iterable[tuple[Offer, Referral]]) -> None:
    """Record how long the needs had waited for these offers. Restricted ones are not counted: who reads metrics may not
    know of them (domain P7)."""
    for offer, referral in made:
        if offer.restricted:
            continue
        waited = (offer.made_at - referral.waiting_since).total_seconds()
        _TO_OFFER.record(waited, {"enlace.category": offer.category, "enlace.urgency": offer.urgency.value})


def count_ends(offers: Iterable[Offer]) -> None:
    """Record how long these offers took to end, and in which state they ended; restricted ones are not counted."""
    for offer in offers:
        if offer.ended_at is not None and not offer.restricted and offer.status is not OfferStatus.ACKNOWLEDGED:
            took = (offer.ended_at - offer.made_at).total_seconds()
            _TO_ANSWER.record(took, {"enlace.category": offer.category, "enlace.outcome": offer.status.value})
