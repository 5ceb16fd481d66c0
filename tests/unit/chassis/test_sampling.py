"""The first service decides what is recorded; batches, which have no parent, follow their messages."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Link, SpanContext, TraceFlags

from libs.chassis.sampling import FollowsMessages

BATCH = {"messaging.operation.type": "process"}


def message(*, sampled: bool) -> Link:
    return Link(SpanContext(0xAF76, 0xB7AD, is_remote=True, trace_flags=TraceFlags(int(sampled))))


@pytest.mark.parametrize(
    ("attributes", "links", "recorded"),
    [
        (BATCH, [message(sampled=False), message(sampled=True)], True),
        (BATCH, [message(sampled=False)], False),
        (BATCH, [], False),
        ({"http.request.method": "POST"}, [message(sampled=True)], False),
    ],
)
def test_a_batch_is_recorded_exactly_when_one_of_its_messages_is(
    attributes: dict[str, str], links: list[Link], recorded: bool
) -> None:
    """With the inner sampler alone the first row fails: at a ratio of 0 no span without a parent is recorded."""
    provider = TracerProvider(sampler=FollowsMessages(ParentBased(TraceIdRatioBased(0.0))))
    span = provider.get_tracer("test").start_span("process", attributes=attributes, links=links)
    assert span.is_recording() is recorded
    span.end()
    provider.shutdown()
