"""A service as a process of its own: it starts, says how it is, leaves spans and logs, and stops in order."""

import asyncio
import json
import re
import signal
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.service.chassis.started import DEADLINE_SECONDS, EndedEarlyError, Started, answers, bearer, until


def spans_in(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in directory.glob("things-*.jsonl") for line in file.read_text().splitlines()]


async def test_a_process_leaves_spans_and_logs_that_tell_of_no_person(start, issuer, tmp_path):
    parent = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    async with start() as started:
        headers = {**bearer(issuer), "traceparent": parent, "User-Agent": "Marta Sample"}
        answer = await started.client.post("/v1/journeys?person=Marta", headers=headers)
        await started.client.get("/v1/things/0192d9b4-0000-7000-8000-000000000000?x=Marta", headers=bearer(issuer))
        await started.client.get("/v1/fault", headers=bearer(issuer))
        request, journey = answer.json()["request"], answer.json()["journey"]

        async def written() -> bool:
            return len(spans_in(tmp_path / "spans")) >= 5

        await until(written)  # within moments, long before the process ends
        await started.stop()
    spans = {span["name"]: span for span in spans_in(tmp_path / "spans")}
    assert spans.keys() == {"POST /v1/journeys", "GET /v1/things/{thing_id}", "GET /v1/fault", "start journey", "go on"}
    served = spans["POST /v1/journeys"]
    assert (served["trace_id"], served["parent_span_id"], served["kind"]) == ("a" * 32, "b" * 16, "server")
    assert served["attributes"]["http.route"] == "/v1/journeys"
    first = spans["start journey"]
    assert first["trace_id"] == journey.split("-")[1] != served["trace_id"]
    assert first["parent_span_id"] is None
    assert first["links"] == [{"trace_id": "a" * 32, "span_id": request.split("-")[2]}]
    assert spans["go on"]["parent_span_id"] == first["span_id"]
    assert first["attributes"] == {"enlace.journey_id": "j1"}
    everything = json.dumps(list(spans.values())) + started.output.decode()
    for secret in ("Marta", "0192d9b4", "sample-fingerprint-key", "secret"):
        assert secret not in everything


async def test_a_connection_outlives_the_pause_of_a_client(start, issuer):
    """Taken out: `timeout_keep_alive` (the server's own 5 s: the second request found the connection closed)."""
    async with start() as started:
        await until(lambda: answers(started))
        reader, writer = await asyncio.open_connection(started.client.base_url.host, started.client.base_url.port)
        with closing(writer):
            for pause in (7.0, 0.0):
                writer.write(b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n")
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE_SECONDS)
                assert head.startswith(b"HTTP/1.1 200 ")
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                await reader.readexactly(0 if length is None else int(length[1]))
                await asyncio.sleep(pause)


async def test_logs_are_json_lines_with_the_trace(start, issuer):
    async with start() as started:
        answer = await started.client.get("/v1/fault", headers=bearer(issuer))
        await started.stop()
    logs = {line["event"]: line for line in started.logs()}
    failed = logs["request.failed"]
    assert failed["trace_id"] == answer.json()["trace_id"]
    assert (failed["service"], failed["level"], failed["route"]) == ("things", "error", "/v1/fault")
    assert failed["error_type"] == "builtins.RuntimeError"
    assert any("things.py" in place for place in failed["where"])
    assert logs["process.started"]["role"] == "all"


async def test_a_stopping_process_is_not_ready_ends_its_requests_and_then_its_loops(start, issuer):
    async with start() as started:
        await until(lambda: ready(started))
        slow = asyncio.create_task(started.client.get("/v1/slow", headers=bearer(issuer)))
        await asyncio.sleep(0.2)
        await started.stop()
        assert (await slow).status_code == 200
    events = [line["event"] for line in started.logs()]
    assert events.index("loop.ended") < events.index("process.stopping")
    assert "loop.cancelled" not in events
    assert started.process.returncode in (0, -signal.SIGTERM)


async def test_a_loop_that_does_not_listen_is_cancelled_at_the_deadline(start):
    async with start(THINGS_STUBBORN="1") as started:
        await started.stop()
    cancelled = [line["loop"] for line in started.logs() if line["event"] == "loop.cancelled"]
    assert cancelled == ["stubborn"]


async def ready(started: Started) -> bool:
    return (await started.client.get("/readyz")).status_code == 200


@pytest.mark.parametrize(("role", "routes", "loops"), [("api", 200, 0), ("worker", 404, 2), ("relay", 404, 0)])
async def test_a_process_does_the_work_of_its_role(start, issuer, role, routes, loops):
    async with start(ENLACE_ROLE=role) as started:
        await until(lambda: ready(started))
        answer = await started.client.get("/v1/things", headers=bearer(issuer))
        parts = (await started.client.get("/readyz")).json()["parts"]
    assert answer.status_code == routes
    assert len([name for name in parts if name.startswith("loop:")]) == loops


async def test_a_process_without_its_settings_names_what_it_lacks(start):
    with pytest.raises(EndedEarlyError) as ended:
        async with start(ENLACE_TOKEN_ISSUER="", ENLACE_FINGERPRINT_KEY="sh0rt"):
            pass
    last = json.loads(str(ended.value).splitlines()[-1])
    assert last["settings"].keys() == {"ENLACE_TOKEN_ISSUER", "ENLACE_FINGERPRINT_KEY"}
    assert "sh0rt" not in str(ended.value)
