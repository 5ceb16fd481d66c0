"""Accepted trace headers of a caller: one valid `traceparent`, and nothing else (W3C Trace Context).

`tracestate` and `baggage` contain any text that the caller chooses, which would be copied to spans and collectors. The
standard allows a receiver to ignore both. If there are two `traceparent` headers, both are ignored.
"""

from opentelemetry.context import Context
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_NAME = "traceparent"


class CallersTrace(TextMapPropagator):
    """Reads and writes `traceparent` alone."""

    _whole = TraceContextTextMapPropagator()

    def extract(
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        """`context` with the caller's span; unchanged if the header is absent, repeated or invalid."""
        values = getter.get(carrier, _NAME) or []
        if len(values) != 1:
            return Context() if context is None else context
        return self._whole.extract({_NAME: values[0]}, context)

    def inject(
        self, carrier: CarrierT, context: Context | None = None, setter: Setter[CarrierT] = default_setter
    ) -> None:
        """Write the current span."""
        found: dict[str, str] = {}
        self._whole.inject(found, context)
        if _NAME in found:
            setter.set(carrier, _NAME, found[_NAME])

    @property
    def fields(self) -> set[str]:
        """The headers that `inject` writes."""
        return {_NAME}
