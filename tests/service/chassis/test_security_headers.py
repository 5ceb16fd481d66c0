"""Every answer, refusals and faults too, says what a browser may do with it (nothing), and that nobody keeps it."""

import pytest

from libs.chassis.security_headers import security_headers

WANTED = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
ASKED = ["/v1/things", "/v1/nothing", "/v1/fault", "/v1/conflict", "/v1/things?limit=9999", "/livez"]


@pytest.mark.parametrize("path", ASKED)
async def test_every_answer_carries_them(things, path):
    """With `SecurityHeaders` taken out of the application each path is named."""
    answer = await things.client.get(path, headers=things.headers())
    assert {name: answer.headers.get(name) for name in WANTED} == WANTED
    policy = set(answer.headers["content-security-policy"].split("; "))
    assert policy >= {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"}


async def test_who_is_not_let_in_and_who_sends_too_much_get_them_too(things):
    stranger = await things.client.get("/v1/things")
    large = await things.client.post("/v1/things", content=b"x" * 20_000, headers=things.headers(Idempotency_Key="k"))
    assert (stranger.status_code, large.status_code) == (401, 413)
    for answer in (stranger, large):
        assert {name: answer.headers.get(name) for name in WANTED} == WANTED


async def test_where_tls_is_spoken_it_must_be_from_now_on(start):
    """A proxy that ends TLS says so, and is believed where it is named; nobody else is."""
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
    async with start() as started:
        answer = await started.client.get("/v1/nothing", headers=said)
        assert "strict-transport-security" not in answer.headers
    async with start(ENLACE_TRUSTED_PROXIES="127.0.0.0/8") as started:
        answer = await started.client.get("/v1/nothing", headers=said)
        assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert security_headers("https")["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert "Strict-Transport-Security" not in security_headers("http")
