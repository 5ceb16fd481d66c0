"""Which traces are recorded: the first service of a trace decides. Later services and spans of batches follow it."""

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes


class FollowsMessages(Sampler):
    """Records a span of a messaging batch if one of its messages is recorded; `others` decides about all other spans.

    Such a span has no parent, because it belongs to many traces, so a sampler that follows parents would decide
    independently: with a rate of 1 %, the batches of a recorded journey would nearly always be missing.
    """

    def __init__(self, others: Sampler) -> None:
        self._others = others

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """The decision on one span that is to begin."""
        follows = (
            "messaging.operation.type" in (attributes or ())
            and not get_current_span(parent_context).get_span_context().is_valid
            and any(link.context.trace_flags.sampled for link in links or ())
        )
        return (ALWAYS_ON if follows else self._others).should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )

    def get_description(self) -> str:
        """The name of this sampler, with the description of the sampler `others`."""
        return f"FollowsMessages({self._others.get_description()})"
