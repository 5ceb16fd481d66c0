"""Sampled journeys get their spans, each below the one that its row carries; unsampled ones cost nothing."""

from uuid import uuid4

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.service.referral import making
from tests.service.referral.world import World

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("services.referral.journeys.actions.spans.tracer", lambda: provider.get_tracer("test"))
    return exporter


async def arrive(world: World, traceparent: str) -> None:
    returnee = uuid4()
    await world.hear(making.registered(returnee), making.consent(returnee))
    await world.hear(making.need(returnee), traceparent=traceparent)
    await world.round()
    offer = await world.offer_of(returnee)
    await world.step(f"offers/{offer['offer_id']}/accept")


async def test_a_journey_is_one_tree_from_the_need_to_the_answer(world: World, spans: InMemorySpanExporter):
    await world.provider()
    await arrive(world, f"00-{TRACE_ID}-b7ad6b7169203331-01")
    found = {span.name: span for span in spans.get_finished_spans()}
    assert list(found) == ["referral.need.record", "referral.offer.make", "referral.offer.accept"]
    assert {format(span.context.trace_id, "032x") for span in found.values()} == {TRACE_ID}
    record, make, accept = found.values()
    assert (make.parent.span_id, accept.parent.span_id) == (record.context.span_id, make.context.span_id)
    assert accept.links, "an answer is linked to the request that brought it"
    assert all(span.end_time >= span.start_time for span in found.values())
    row = await world.row("SELECT traceparent FROM offer")
    assert row["traceparent"].split("-")[2] == trace.format_span_id(make.context.span_id)


async def test_an_unsampled_journey_has_no_spans_but_keeps_its_trace(world: World, spans: InMemorySpanExporter):
    await world.provider()
    await arrive(world, f"00-{TRACE_ID}-b7ad6b7169203331-00")
    assert spans.get_finished_spans() == ()
    assert (await world.row("SELECT traceparent FROM offer"))["traceparent"].split("-")[1] == TRACE_ID
