"""What of a caller's trace headers goes on: one sound traceparent, and nothing that a stranger has written."""

import pytest
from opentelemetry import baggage, trace
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter

from libs.chassis.trace_headers import CallersTrace

SOUND = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


class Headers(Getter):
    def get(self, carrier, key):
        return [value for name, value in carrier if name == key] or None

    def keys(self, carrier):
        return [name for name, _ in carrier]


def taken(*headers):
    context = CallersTrace().extract(list(headers), Context(), Headers())
    return trace.get_current_span(context).get_span_context(), baggage.get_all(context)


def test_a_sound_traceparent_is_taken_without_state_and_baggage():
    """With OpenTelemetry's own propagator both came along, into every span and to the collector."""
    span, carried = taken(("traceparent", SOUND), ("tracestate", "a=Marta"), ("baggage", "name=Marta"))
    assert format(span.trace_id, "032x") == "a" * 32
    assert span.is_remote
    assert len(span.trace_state) == 0
    assert not carried


@pytest.mark.parametrize("values", [[], ["broken"], [SOUND, SOUND], ["00-" + "0" * 32 + "-" + "b" * 16 + "-01"]])
def test_any_other_starts_a_trace_of_our_own(values):
    span, _ = taken(*(("traceparent", value) for value in values), ("tracestate", "a=1"))
    assert not span.is_valid


def test_what_is_sent_on_is_the_traceparent_alone():
    span, _ = taken(("traceparent", SOUND))
    sent: dict[str, str] = {}
    CallersTrace().inject(sent, trace.set_span_in_context(trace.NonRecordingSpan(span), Context()))
    assert sent == {"traceparent": SOUND}
