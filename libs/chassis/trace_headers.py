"""What of a caller's trace headers is taken: one sound `traceparent`, and nothing else (W3C Trace Context).

`tracestate` and `baggage` hold whatever a stranger writes there, and would go on into spans and to collectors; the
standard lets whoever receives them drop both. Of two `traceparent` neither counts.
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
        """`context` with the caller's span, or as it was where the header is absent, repeated or broken."""
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
