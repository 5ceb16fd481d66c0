"""Every error is a problem document, says where and which rule, and nothing of the inside or of the input."""

import json
import socket
from typing import Any
from uuid import uuid4

import pytest

MEMBERS = {"type", "title", "status", "code", "detail", "errors", "trace_id"}


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document.keys() >= MEMBERS
    assert document["status"] == status
    assert document["code"] == code
    assert document["type"] == f"urn:enlace:problem:{code}"
    assert len(document["trace_id"]) == 32
    assert "Marta" not in answer.text
    return document


async def test_a_refusal_is_told_with_its_code_its_field_and_its_members(things):
    document = problem(await things.client.get("/v1/conflict", headers=things.headers()), 409, "thing-taken")
    assert document["title"] == "Thing taken"
    assert document["errors"] == [{"pointer": "/name", "rule": "thing-taken", "detail": "Somebody has it already."}]
    assert document["since"] == "yesterday"


async def test_an_unknown_path_is_a_problem(things):
    problem(await things.client.get("/v1/nothing"), 404, "not-found")


async def test_a_trailing_slash_is_no_redirect(things):
    problem(await things.client.get("/v1/things/", headers=things.headers()), 404, "not-found")


async def test_a_method_that_is_not_allowed_names_those_that_are(things):
    answer = await things.client.delete("/v1/things")
    problem(answer, 405, "method-not-allowed")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "POST"}


async def test_a_fault_of_ours_tells_nothing(things, caplog):
    answer = await things.client.get("/v1/fault", headers=things.headers())
    document = problem(answer, 500, "internal-error")
    assert "Runtime" not in answer.text
    assert document["errors"] == []
    record = next(record for record in caplog.records if record.message == "request.failed")
    assert record.enlace["error_type"] == "builtins.RuntimeError"
    assert "Marta" not in json.dumps(record.enlace)


async def test_a_view_that_breaks_its_own_schema_tells_nothing(things):
    problem(await things.client.get("/v1/wrong-view", headers=things.headers()), 500, "internal-error")


async def test_each_field_at_fault_is_named_with_its_rule(things):
    body = {"name": "", "size": "Marta", "tags": ["good", 3], "colour": "Marta"}
    answer = await things.client.post("/v1/things", json=body, headers=things.headers(Idempotency_Key="k"))
    document = problem(answer, 422, "invalid-input")
    assert {(error["pointer"], error["rule"]) for error in document["errors"]} == {
        ("/name", "string-too-short"),
        ("/size", "int-type"),
        ("/tags/1", "string-type"),
        ("/colour", "extra-forbidden"),
    }


async def test_a_parameter_at_fault_is_named(things):
    answer = await things.client.get("/v1/things?limit=201", headers=things.headers())
    assert problem(answer, 422, "invalid-input")["errors"][0]["pointer"] == "limit"
    answer = await things.client.get("/v1/things/Marta-Sample", headers=things.headers())
    assert problem(answer, 422, "invalid-input")["errors"][0]["pointer"] == "thing_id"
    assert "found" not in answer.text


BAD_BODIES = [
    (b"{", 422, ("", "json-invalid")),
    (b'{"name": Marta}', 422, ("", "json-invalid")),
    (b'{"name": "a\\u0000b"}', 422, ("/name", "nul-character")),
    (b'{"name": "a\x00b"}', 422, ("", "json-invalid")),
    (b'{"name": "a", "tags": ["x", "\\ud800"]}', 422, ("/tags/1", "lone-surrogate")),
    (b'{"a\\u0000": "Marta"}', 422, ("", "unstorable-key")),
    (b'{"name": "a", "size": 99999999999999999999999}', 422, ("/size", "number-out-of-range")),
    (b'{"name": "a", "size": ' + b"9" * 6000 + b"}", 422, ("/size", "number-out-of-range")),
    (b'{"name": "a", "size": 9223372036854775807}', 422, None),
    (b'{"name": "a", "weight": NaN}', 422, ("/weight", "number-out-of-range")),
    (b'{"name": "a", "weight": -Infinity}', 422, ("/weight", "number-out-of-range")),
    (b'{"name": "a", "weight": 1e400}', 422, ("/weight", "number-out-of-range")),
    (b'{"name": "\xff"}', 422, ("", "json-invalid")),
    ('{"name": "Marta"}'.encode("utf-16"), 422, ("", "json-invalid")),
    (b'{"tags":' + b"[" * 4000 + b"]" * 4000 + b"}", 422, ("", "too-deep")),
    (b'{"name": "forbidden"}', 422, None),
    (b"[]", 422, ("", "model-attributes-type")),
    (b"null", 422, None),
    (b"", 422, ("", "missing")),
]


@pytest.mark.parametrize(("body", "status", "fault"), BAD_BODIES)
async def test_no_body_makes_a_fault_of_ours(things, body, status, fault):
    headers = things.headers(Idempotency_Key=str(uuid4()), Content_Type="application/json")
    answer = await things.client.post("/v1/things", content=body, headers=headers)
    document = problem(answer, status, "invalid-input" if status == 422 else "bad-request")
    if fault is not None:
        assert [(error["pointer"], error["rule"]) for error in document["errors"]] == [fault]
    assert await things.count() == 0
    assert await things.count("idempotency_key") == 0


async def test_a_nul_in_the_query_names_the_parameter(things):
    answer = await things.client.get("/v1/echo?word=a%00b", headers=things.headers())
    assert problem(answer, 422, "invalid-input")["errors"][0]["pointer"] == "word"
    problem(await things.client.get("/v1/things/a%00b", headers=things.headers()), 404, "not-found")


async def test_what_the_database_refuses_is_no_fault_of_ours(things):
    for name in ("unique", "unique"):
        headers = things.headers(Idempotency_Key=str(uuid4()))
        answer = await things.client.post("/v1/things", json={"name": name}, headers=headers)
    problem(answer, 409, "already-exists")
    assert "thing_unique_name" not in answer.text


async def test_a_body_that_says_it_is_too_long_is_not_read(things):
    headers = things.headers(Idempotency_Key="k")
    answer = await things.client.post("/v1/things", json={"name": "x" * 20_000}, headers=headers)
    assert problem(answer, 413, "body-too-large")["limit_bytes"] == 10_000


async def test_a_body_that_grows_too_long_is_cut(things):
    async def endless():
        for _ in range(1_000):
            yield b" " * 1_000

    headers = things.headers(Idempotency_Key="k", Content_Type="application/json")
    answer = await things.client.post("/v1/things", content=endless(), headers=headers)
    problem(answer, 413, "body-too-large")


async def test_a_caller_who_hangs_up_leaves_nothing(things):
    address = (things.client.base_url.host, things.client.base_url.port)
    token = things.headers()["Authorization"]
    with socket.create_connection(address) as caller:
        head = f"POST /v1/things HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nIdempotency-Key: h\r\n"
        caller.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 400\r\n\r\n{{".encode())
    answer = await things.client.get("/v1/things", headers=things.headers())
    assert answer.json()["items"] == []


async def test_a_database_that_is_away_is_a_503(things, make_app, running):
    app = make_app(things.gate, database_url="postgresql://nobody@127.0.0.1:1/nowhere")
    async with running(app) as client:
        answer = await client.get("/v1/things", headers=things.headers())
        problem(answer, 503, "unavailable")
        assert answer.headers["retry-after"] == "2"
        ready = await client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["parts"]["database"]["ready"] is False
