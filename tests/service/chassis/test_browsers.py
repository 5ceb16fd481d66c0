"""What a browser, a proxy or a careless client might do to a service that answers programs only."""

import gzip
import json

from libs.chassis.security_headers import SecurityHeaders


async def test_a_page_from_elsewhere_is_allowed_nothing(things):
    """No answer grants another origin anything, so a browser sends no request that carries a token."""
    asking = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    for answer in (
        await things.client.options("/v1/things", headers=asking | {"Access-Control-Request-Headers": "authorization"}),
        await things.client.get("/v1/things", headers=things.headers() | asking),
        await things.client.get("/v1/nothing", headers=asking),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert "set-cookie" not in answer.headers
    assert (await things.client.options("/v1/things", headers=asking)).status_code == 405


async def test_a_cookie_lets_nobody_in(things):
    token = things.headers()["Authorization"].removeprefix("Bearer ")
    cookies = {"Cookie": f"Authorization=Bearer {token}; access_token={token}; token={token}"}
    assert (await things.client.get("/v1/things", headers=cookies)).status_code == 401
    assert (await things.client.get(f"/v1/things?access_token={token}")).status_code == 401


async def test_trace_is_no_method_here(things):
    answer = await things.client.request("TRACE", "/v1/things", headers=things.headers())
    assert answer.status_code == 405
    assert "bearer" not in answer.text.lower()


async def test_a_compressed_body_is_not_unpacked(things):
    """Otherwise ten kilobytes could become ten megabytes behind the limit on bodies."""
    packed = gzip.compress(json.dumps({"name": "a"}).encode())
    headers = things.headers(Idempotency_Key="k", Content_Type="application/json", Content_Encoding="gzip")
    answer = await things.client.post("/v1/things", content=packed, headers=headers)
    assert answer.status_code in (415, 422)
    assert await things.count() == 0


async def test_a_parameter_stands_in_for_no_field_and_no_header(things):
    """Each value is read from the place that declares it, and from no other."""
    headers = things.headers(Content_Type="application/json")
    answer = await things.client.post("/v1/things?name=a&Idempotency-Key=k", content=b"{}", headers=headers)
    named = {(error["pointer"], error["rule"]) for error in answer.json()["errors"]}
    assert answer.status_code == 400
    assert named == {("Idempotency-Key", "idempotency-key-missing")}
    answer = await things.client.post("/v1/things?name=a", content=b"{}", headers=headers | {"Idempotency-Key": "k"})
    assert answer.json()["errors"][0]["pointer"] == "/name"
    assert await things.count() == 0


async def test_no_route_is_given_a_cookie():
    """FastAPI reads them all for every route, and Python's parser takes quadratic time. Taken out: `_IGNORED`."""
    given = []

    async def route(scope, receive, send):
        given.extend(scope["headers"])

    headers = [(b"cookie", b"a=" + b'"' * 16_000), (b"accept", b"*/*"), (b"cookie", b"b=c")]
    await SecurityHeaders(route)({"type": "http", "headers": headers}, None, None)
    assert given == [(b"accept", b"*/*")]
