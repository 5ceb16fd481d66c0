import json
import logging
from uuid import UUID

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from libs.chassis import telemetry
from libs.chassis.logs import COMMON_FIELDS, JsonLines, get_logger
from libs.chassis.settings import Role
from libs.chassis.spans import DiscreetExporter, JsonLinesExporter

PARENT = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


@pytest.fixture
def exported(monkeypatch):
    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(DiscreetExporter(memory)))
    monkeypatch.setattr(telemetry, "tracer", lambda: provider.get_tracer("sample"))
    return memory


def test_a_span_goes_on_with_what_was_stored(exported):
    with telemetry.span_from(PARENT, "work", attributes={"enlace.step": "accept"}):
        inside = telemetry.current_traceparent()
    (span,) = exported.get_finished_spans()
    assert inside == f"00-{'a' * 32}-{span.context.span_id:016x}-01"
    assert f"{span.parent.span_id:016x}" == "b" * 16
    assert dict(span.attributes) == {"enlace.step": "accept"}
    assert telemetry.current_traceparent() is None


@pytest.mark.parametrize("broken", [None, "", "rubbish", "00-" + "0" * 32 + "-" + "b" * 16 + "-01"])
def test_without_a_stored_parent_a_trace_of_its_own_starts(exported, broken):
    with telemetry.span_from(broken, "work"):
        pass
    assert exported.get_finished_spans()[0].parent is None


def test_a_request_that_comes_later_is_linked_to_the_journey(exported):
    with telemetry.root_span("request") as request, telemetry.span_from(PARENT, "work"):
        pass
    work = exported.get_finished_spans()[0]
    assert [link.context.span_id for link in work.links] == [request.get_span_context().span_id]


def test_a_span_of_the_same_trace_is_not_linked_to_itself(exported):
    with telemetry.span_from(PARENT, "outer"), telemetry.span_from(PARENT, "inner"):
        pass
    assert all(not span.links for span in exported.get_finished_spans())


def test_a_new_journey_is_a_trace_of_its_own_linked_to_the_request(exported):
    with telemetry.span_from(PARENT, "request"), telemetry.root_span("journey", links=[PARENT, None, "rubbish"]):
        pass
    journey, request = exported.get_finished_spans()
    assert journey.parent is None
    assert journey.context.trace_id != request.context.trace_id
    assert [f"{link.context.span_id:016x}" for link in journey.links] == ["b" * 16, f"{request.context.span_id:016x}"]


def test_what_is_not_sampled_stays_unsampled(exported):
    with telemetry.span_from(PARENT[:-2] + "00", "work"):
        assert (telemetry.current_traceparent() or "").endswith("-00")
    assert not exported.get_finished_spans()


def test_spans_carry_declared_attributes_and_errors_without_their_texts(exported):
    def fail():
        with telemetry.tracer().start_as_current_span("work") as span:
            span.set_attributes({"name": "Marta", "url.path": "/x/1", "http.route": "/x"})
            span.set_attribute("messaging.kafka.message.key", "k")
            raise ValueError("Marta Sample")

    with pytest.raises(ValueError):
        fail()
    (span,) = exported.get_finished_spans()
    assert dict(span.attributes) == {"http.route": "/x"}
    assert [dict(event.attributes) for event in span.events] == [{"exception.type": "ValueError"}]
    assert span.status.status_code is trace.StatusCode.ERROR
    assert "Marta" not in span.to_json()


def test_spans_are_appended_as_whole_lines(exported, tmp_path):
    with telemetry.span_from(PARENT, "work", links=[PARENT]):
        pass
    exporter = JsonLinesExporter(tmp_path / "new" / "folder", service="things")
    for _ in range(2):
        exporter.export(exported.get_finished_spans())
    (file,) = (tmp_path / "new" / "folder").iterdir()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(lines) == 2
    assert lines[0]["parent_span_id"] == "b" * 16
    assert lines[0]["end"] >= lines[0]["start"]
    assert lines[0]["links"] == [{"trace_id": "a" * 32, "span_id": "b" * 16}]


def line(write):
    records = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    logger = logging.getLogger("sample")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        write()
    finally:
        logger.removeHandler(handler)
    return json.loads(JsonLines("things").format(records[0]))


def test_a_line_has_its_event_and_declared_fields():
    log = get_logger("sample", fields=("thing_id", "shapes"))
    thing = UUID(int=7)
    found = line(lambda: log.info("thing.made", thing_id=thing, count=3, role=Role.API, shapes=["a"], lag=None))
    assert (found["event"], found["level"], found["service"]) == ("thing.made", "info", "things")
    assert (found["thing_id"], found["count"], found["role"], found["shapes"]) == (str(thing), 3, "api", ["a"])
    assert "lag" not in found
    assert "trace_id" not in found


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\x85", "\u2028", "\x9b2J", "\x1b[2J", '"}\n{"event": "'])
def test_no_text_breaks_out_of_its_line(caplog, ending):
    """With `ensure_ascii=False` the third, fourth and fifth get through."""
    caplog.set_level("INFO")
    get_logger("sample").info("thing.done", reason=f"a{ending}b")
    logging.getLogger("uvicorn.error").warning("a%sb", ending)
    for record in caplog.records[-2:]:
        line = JsonLines("sample").format(record)
        assert line.isascii()
        assert line.isprintable()
        assert json.loads(line)["level"] in ("info", "warning")


def test_a_field_that_nobody_declared_is_refused_loudly():
    with pytest.raises(ValueError, match="person"):
        get_logger("sample").info("thing.made", person="Marta Sample")


def test_no_common_field_can_name_a_person():
    assert not COMMON_FIELDS & {"name", "phone", "email", "address", "key", "value", "body", "text", "message"}


def test_an_error_is_told_by_type_and_place():
    def fail():
        try:
            raise KeyError("Marta")
        except KeyError as cause:
            raise ValueError("Marta Sample") from cause

    def write():
        try:
            fail()
        except ValueError as error:
            get_logger("sample").error("thing.broken", error=error)

    found = line(write)
    assert (found["error_type"], found["caused_by"]) == ("builtins.ValueError", ["builtins.KeyError"])
    assert found["where"][-1].endswith(" fail")
    assert "Marta" not in json.dumps(found)


def test_other_libraries_are_kept_without_their_arguments_and_error_texts():
    def write():
        try:
            raise ValueError("Marta Sample")
        except ValueError:
            logging.getLogger("sample").exception("Row %s refused\nsecond line", "Marta")

    found = line(write)
    assert found["event"] == "Row %s refused"
    assert found["error_type"] == "builtins.ValueError"
    assert "Marta" not in json.dumps(found)


def test_a_line_carries_the_trace(exported):
    def write():
        with telemetry.span_from(PARENT, "work"):
            found.append(line(lambda: get_logger("sample").info("thing.made")))

    found = []
    write()
    assert found[0]["trace_id"] == "a" * 32
