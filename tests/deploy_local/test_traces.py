"""`make up TRACES=1`: the services' spans can be read in a real Zipkin, and its absence disturbs nobody."""

import asyncio
import io
import os
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from rich.console import Console

from deploy.local import status_report
from deploy.local.installation import DATABASE_VARIABLES, KAFKA_VARIABLE, Installation, read_dotenv
from deploy.local.jars import ZIPKIN_LOCK, FetchError, cache_directory, fetch, read_lock
from deploy.local.running import read_record
from deploy.local.supervisor import System, running_system
from deploy.local.traces import trace_url
from libs.chassis.trace_links import trace_link
from tests.deploy_local.tiny_system import TINY
from tests.deploy_local.traced_service import MARKED

TRACED = tuple(replace(service, module="tests.deploy_local.traced_service") for service in TINY)


@pytest.fixture
async def installation(tmp_path: Path, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> Installation:
    try:
        await fetch(read_lock(ZIPKIN_LOCK), cache_directory() / "jars")
    except FetchError as error:
        pytest.skip(f"Zipkin cannot be fetched: {error}")
    for name in DATABASE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(KAFKA_VARIABLE, kafka_bootstrap)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # nobody listens there; spans must not go that way
    return Installation(state=tmp_path / ".enlace", services=TRACED, traces=True)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        yield client


@pytest.mark.kafka
async def test_a_trace_through_two_services_is_read_in_zipkin_which_ends_with_the_system(
    installation: Installation, http: httpx.AsyncClient
) -> None:
    said: list[str] = []
    async with running_system(installation, say=said.append) as system:
        processes = [part.child.process for part in system.parts.values()]
        template = read_dotenv(installation.env_file.read_text().splitlines())["ENLACE_TRACE_URL"]
        assert template == system.environment["ENLACE_TRACE_URL"]
        zipkin, _, path = template.partition("/zipkin/")
        assert path == "traces/{trace_id}"
        it_listens_on_this_machine_only(system.parts["zipkin"].child.pid)
        status_lists_it(system, zipkin)
        trace_id = await arrive(system, http)
        await the_trace_is_whole_and_names_nobody(http, zipkin, trace_id)
        page = await http.get(trace_link(template, trace_id))
        assert page.is_success
        assert "text/html" in page.headers["content-type"]
        foreign = await http.get(f"{zipkin}/api/v2/services", headers={"Origin": "https://example.org"})
        assert "access-control-allow-origin" not in foreign.headers
        await a_zipkin_that_is_killed_comes_back(system, http, zipkin)
    assert any("zipkin ended" in line for line in said)
    assert all(process.poll() is not None for process in processes)
    assert not [one for one in psutil.Process().children(recursive=True) if "zipkin" in " ".join(one.cmdline())]


def it_listens_on_this_machine_only(pid: int) -> None:
    listens = [one for one in psutil.Process(pid).net_connections() if one.status == psutil.CONN_LISTEN]
    assert listens
    assert {one.laddr.ip.removeprefix("::ffff:") for one in listens} == {"127.0.0.1"}


def status_lists_it(system: System, zipkin: str) -> None:
    record = read_record(system.installation.state)
    assert record is not None
    assert {part["name"]: part["url"] for part in record["parts"]}["zipkin"] == zipkin


async def arrive(system: System, http: httpx.AsyncClient) -> str:
    answer = await http.get(f"{system.environment['ENLACE_REGISTRATION_URL']}/arrivals/{MARKED}")
    trace_id: str = answer.json()["trace_id"]
    return trace_id


async def the_trace_is_whole_and_names_nobody(http: httpx.AsyncClient, zipkin: str, trace_id: str) -> None:
    found: list[dict[str, Any]] = []
    until = time.monotonic() + 60
    while len(found) < 3:
        assert time.monotonic() < until, found
        await asyncio.sleep(0.1)
        answer = await http.get(f"{zipkin}/api/v2/trace/{trace_id}")
        found = answer.json() if answer.is_success else []
    spans = {span["name"]: span for span in found}
    assert spans.keys() == {"arrive", "post /offers", "decline"}
    arrive, post, decline = spans["arrive"], spans["post /offers"], spans["decline"]
    assert (post["parentId"], decline["parentId"]) == (arrive["id"], post["id"])
    services = [span["localEndpoint"]["serviceName"] for span in (arrive, post, decline)]
    assert services == ["registration", "referral", "referral"]
    assert post["kind"] == "SERVER"
    assert arrive["tags"]["enlace.journey_id"] == "j-1"
    assert "linked_traces" in arrive["tags"]
    assert "error" in decline["tags"]
    assert MARKED.split()[0] not in answer.text
    query = {"annotationQuery": "enlace.journey_id=j-1", "serviceName": "registration"}
    searched = await http.get(f"{zipkin}/api/v2/traces", params=query)
    assert [one["traceId"] for trace in searched.json() for one in trace if one["name"] == "arrive"] == [trace_id]


async def a_zipkin_that_is_killed_comes_back(system: System, http: httpx.AsyncClient, zipkin: str) -> None:
    """Services answer while it is away; a span that is created meanwhile arrives if Zipkin comes back in time."""
    part = system.parts["zipkin"]
    before = part.child.pid
    os.kill(before, 9)
    await arrive(system, http)
    console = Console(record=True, file=io.StringIO(), width=200)
    until = time.monotonic() + 240
    while part.running_pid in (None, before) or not await status_report._print_processes(
        read_record(system.installation.state) or {"parts": []}, console
    ):
        assert time.monotonic() < until
        await asyncio.sleep(0.2)
    assert "zipkin" in console.export_text()
    await the_trace_is_whole_and_names_nobody(http, zipkin, await arrive(system, http))


def test_without_zipkin_the_link_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENLACE_TRACE_URL", raising=False)
    assert trace_url(None) is None
    monkeypatch.setenv("ENLACE_TRACE_URL", "https://traces.example.org/{trace_id}")
    assert trace_url(None) == "https://traces.example.org/{trace_id}"
    assert trace_url({"zipkin": 9411}) == "http://127.0.0.1:9411/zipkin/traces/{trace_id}"
    monkeypatch.setenv("ENLACE_TRACE_URL", "https://traces.example.org/")
    with pytest.raises(ValueError, match=r"ENLACE_TRACE_URL must contain \{trace_id\} exactly once"):
        trace_url(None)
