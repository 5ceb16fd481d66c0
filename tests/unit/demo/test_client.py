"""The demo's client outlives services that restart, and never makes two of anything."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from deploy.demo import client
from deploy.demo.client import Caller, CallError, Connections

Answer = Callable[[httpx.Request], httpx.Response]


def problem(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "status": status}, headers={"content-type": "application/json"})


def nobody(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def caller_with(answers: list[Answer | httpx.Response], seen: list[httpx.Request]) -> Caller:
    waiting = list(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 3600})
        seen.append(request)
        answer = waiting.pop(0)
        return answer if isinstance(answer, httpx.Response) else answer(request)

    connections = Connections()
    connections.http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    return Caller(connections, "casa", "secret", "http://issuer/token")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FIRST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(client, "LONGEST_PAUSE_SECONDS", 0.001)


async def test_a_creation_is_tried_again_under_the_same_idempotency_key() -> None:
    seen: list[httpx.Request] = []
    answers: list[Answer | httpx.Response] = [
        nobody,
        problem(503, "unavailable"),
        problem(409, "idempotency-in-flight"),
        httpx.Response(201, json={"id": "x"}),
    ]
    caller = caller_with(answers, seen)
    assert await caller.post("http://api/things", {"a": 1}) == {"id": "x"}
    assert caller.attempts_again == 3
    assert len({request.headers["idempotency-key"] for request in seen}) == 1
    assert {request.headers["authorization"] for request in seen} == {"Bearer t"}


async def test_two_creations_have_different_keys() -> None:
    seen: list[httpx.Request] = []
    caller = caller_with([httpx.Response(201, json={}), httpx.Response(201, json={})], seen)
    await caller.post("http://api/things")
    await caller.post("http://api/things")
    assert len({request.headers["idempotency-key"] for request in seen}) == 2


async def test_a_refusal_that_does_not_pass_with_time_is_raised_at_once_with_its_code() -> None:
    seen: list[httpx.Request] = []
    caller = caller_with([problem(422, "invalid-input")], seen)
    with pytest.raises(CallError) as refused:
        await caller.post("http://api/things")
    assert (refused.value.status, refused.value.code, len(seen)) == (422, "invalid-input", 1)


async def test_a_named_refusal_is_waited_out_and_an_expected_one_is_handed_back() -> None:
    seen: list[httpx.Request] = []
    caller = caller_with([problem(409, "packet-not-ready"), httpx.Response(200, json={}), problem(409, "gone")], seen)
    ready = await caller.call("GET", "http://api/packet", again_on=frozenset({"packet-not-ready"}))
    assert ready.status_code == 200
    assert (await caller.call("POST", "http://api/step", expect=frozenset({409}))).status_code == 409


async def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PATIENCE_SECONDS", 0.02)
    seen: list[Any] = []
    caller = caller_with([nobody] * 1000, seen)
    with pytest.raises(CallError, match="no answer"):
        await caller.get("http://api/things")
