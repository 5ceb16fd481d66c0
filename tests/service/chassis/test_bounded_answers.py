"""However much is wrong with a request, its answer stays small and gives little of it back."""

import json

from libs.chassis.problems import ERRORS_MAX
from libs.wire.json_text import ALL_NAMES_MAX, NAMES_MAX
from tests.service.chassis.things import Gate

LONG = "María-López-" * 400
SMALL = 20_000


async def refused(things, content, *, path="/v1/things"):
    headers = things.headers(Idempotency_Key="k", Content_Type="application/json")
    answer = await things.client.post(path, content=content, headers=headers)
    assert answer.status_code == 422
    assert len(answer.content) < SMALL
    return answer.json()


async def test_of_many_faults_some_are_told_and_the_others_counted(things):
    problem = await refused(things, json.dumps({"name": "a"} | {f"unknown-{nth}": 1 for nth in range(450)}))
    assert len(problem["errors"]) == ERRORS_MAX
    assert problem["errors_left_out"] == 450 - ERRORS_MAX
    assert problem["errors"][0] == {
        "pointer": "/unknown-0",
        "rule": "extra-forbidden",
        "detail": "Extra inputs are not permitted",
    }


async def test_a_body_of_150000_names_is_refused_before_they_are_read_one_by_one(running, make_app, issuer):
    """Taken out: the bound in `_Reading` (half a second for the faults, and 190 MB)."""
    headers = issuer.headers("things:write") | {"Idempotency-Key": "k", "Content-Type": "application/json"}
    async with running(make_app(Gate(), body_limit_bytes=3_000_000)) as client:
        body = json.dumps({"name": "a"} | {f"k{nth}": 1 for nth in range(150_000)})
        answer = await client.post("/v1/things", content=body, headers=headers)
        assert answer.status_code == 422
        assert [error["rule"] for error in answer.json()["errors"]] == ["too-many-names"]
        many = json.dumps({"tags": [{str(nth): 1 for nth in range(NAMES_MAX)}] * (ALL_NAMES_MAX // NAMES_MAX + 1)})
        answer = await client.post("/v1/things", content=many, headers=headers)
        assert [error["rule"] for error in answer.json()["errors"]] == ["too-many-names"]
        assert len(answer.content) < 1_000


async def test_a_name_of_a_stranger_is_not_given_back_whole(things):
    """Taken out: `shortened` in `json_pointer` (4 kB of the name came back)."""
    problem = await refused(things, json.dumps({LONG: 1, "name": "a"}))
    assert len(problem["errors"][0]["pointer"]) < 80
    problem = await refused(things, json.dumps({"name": "a", "tags": [{LONG: "\0"}]}))
    assert all(len(error["pointer"]) < 100 for error in problem["errors"])


async def test_parameters_and_headers_are_not_given_back(things):
    """Taken out: `shortened` in `_check_address` (100 characters of the name)."""
    long = "long" * 500
    answers = [
        await things.client.get(f"/v1/echo?word={long}", headers=things.headers()),
        await things.client.get(f"/v1/echo?{long}=%00", headers=things.headers()),
        await things.client.get(f"/v1/things?after={long}", headers=things.headers()),
        await things.client.get(f"/v1/{long}", headers=things.headers()),
        await things.client.post(f"/v1/things?{long}=1", json={}, headers=things.headers(Idempotency_Key=long)),
        await things.client.patch(
            "/v1/things/0192d9b4-0000-7000-8000-000000000000", json={"name": "a"}, headers=things.headers(If_Match=long)
        ),
        await things.client.request(long.upper()[:20], "/v1/things", headers=things.headers()),
    ]
    for answer in answers:
        assert 400 <= answer.status_code < 500
        assert "longlong" * 8 not in answer.text.lower()


async def test_many_parameters_with_nul_are_told_by_a_few(things):
    """Taken out: the cut in `problem_document` (1,000 entries)."""
    query = "&".join(f"p{nth}=%00" for nth in range(1_000))
    answer = await things.client.get(f"/v1/echo?{query}", headers=things.headers())
    assert (answer.status_code, len(answer.json()["errors"])) == (422, ERRORS_MAX)
    assert answer.json()["errors_left_out"] == 1_000 - ERRORS_MAX


async def test_of_two_trace_contexts_neither_counts_and_state_and_baggage_are_dropped(things):
    """Taken out: `set_global_textmap` in `setup_telemetry` (the first of the two was taken)."""
    sound = [f"00-{digit * 32}-{digit * 16}-01" for digit in "ab"]
    one = [*things.headers().items(), ("traceparent", sound[0]), ("tracestate", "a=" + "b" * 8_000)]
    answer = await things.client.post("/v1/journeys", headers=one)
    assert answer.json()["request"].split("-")[1] == "a" * 32
    answer = await things.client.post("/v1/journeys", headers=[*one, ("traceparent", sound[1])])
    assert answer.json()["request"].split("-")[1] not in ("a" * 32, "b" * 32)
