"""Whoever asks too often is told to wait, and whoever guesses sooner; others go on being served."""

from contextlib import asynccontextmanager
from ipaddress import ip_network

import httpx
import pytest

from libs.chassis.http_settings import UNLIMITED, HttpSettings
from libs.chassis.rates import Limit
from tests.service.chassis.things import Gate

FOREIGN = "0192d9b4-0000-7000-8000-000000000000"
OTHER = "127.0.0.2"


@pytest.fixture
def limited(make_app, running):
    @asynccontextmanager
    async def serve(**rates):
        async with running(
            make_app(Gate(), **{f"rate_{name}_per_minute": most for name, most in rates.items()})
        ) as client:
            yield client

    return serve


def too_many(answer, policy):
    assert answer.status_code == 429
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["code"] == "too-many-requests"
    assert answer.json()["violated_policies"] == [policy]
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.headers["ratelimit"] == f'"{policy}";r=0;t={answer.headers["retry-after"]}'


async def test_a_client_that_asks_too_often_waits_and_another_does_not(limited, issuer):
    """Taken out: `of_caller` in `Requirement.admit` (every request was served)."""
    one, other = (issuer.headers("things:read", client_id=name) for name in ("often", "seldom"))
    async with limited(client=5) as client:
        answers = [await client.get("/v1/things", headers=one) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        too_many(answers[-1], "client")
        assert answers[0].headers["ratelimit-policy"] == '"client";q=5;w=60'
        assert answers[0].headers["ratelimit"].startswith('"client";r=4;t=')
        assert (await client.get("/v1/things", headers=other)).status_code == 200


async def test_every_route_that_asks_for_a_caller_counts_without_being_named(limited, issuer):
    headers = issuer.headers("things:read things:write") | {"Idempotency-Key": "k"}
    async with limited(client=2) as client:
        for _ in range(2):
            await client.get("/v1/conflict", headers=headers)
        too_many(await client.post("/v1/things", headers=headers, json={"name": "a"}), "client")
        too_many(await client.get("/v1/echo?word=a", headers=headers), "client")


async def test_who_asks_for_what_is_not_there_is_stopped_long_before_others(limited, issuer):
    """Taken out: the look at `unknown` in `of_caller` (guessing went on, and a right guess was answered)."""
    guesser, other = (issuer.headers("things:read things:write", client_id=name) for name in ("guesser", "honest"))
    async with limited(unknown=2, client=1_000) as client:
        made = await client.post("/v1/things", headers=other | {"Idempotency-Key": "k"}, json={"name": "a"})
        there = made.headers["location"]
        told = [(await client.get(f"/v1/things/{FOREIGN}", headers=guesser)).status_code for _ in range(11)]
        assert told == [404] * 10 + [429]
        too_many(await client.get(there, headers=guesser), "unknown")
        assert (await client.get(there, headers=other)).status_code == 200


async def test_people_of_one_client_have_a_limit_each_for_requests_and_for_guesses(limited, issuer):
    """Taken out: the subject in `digest_of` (one person's guesses stopped everybody who had signed in)."""
    one, other = (
        issuer.headers("things:read", client_id="enlace-console", subject=subject) for subject in ("one", "other")
    )
    async with limited(unknown=1, client=1_000) as client:
        told = [(await client.get(f"/v1/things/{FOREIGN}", headers=one)).status_code for _ in range(6)]
        assert told == [404] * 5 + [429]
        assert (await client.get("/v1/things", headers=other)).status_code == 200
    async with limited(client=2) as client:
        assert [(await client.get("/v1/things", headers=one)).status_code for _ in range(3)] == [200, 200, 429]
        assert (await client.get("/v1/things", headers=other)).status_code == 200


async def test_failed_tokens_of_an_address_are_429_and_good_ones_from_there_go_on(limited, issuer):
    """Taken out: `after` in `_of_refusal` (401 for ever)."""
    bad = {"Authorization": "Bearer " + issuer.headers("things:read")["Authorization"][7:-4] + "AAAA"}
    async with limited(failed=3) as client:
        told = [(await client.get("/v1/things", headers=bad)).status_code for _ in range(4)]
        assert told == [401, 401, 401, 429]
        too_many(await client.get("/v1/things"), "failed")
        assert (await client.get("/v1/things", headers=issuer.headers("things:read"))).status_code == 200


async def test_an_address_has_a_limit_before_anything_is_known_of_it(limited):
    """Taken out: the middleware `RateLimits`."""
    async with limited(peer=4) as client:
        assert [(await client.get("/livez")).status_code for _ in range(4)] == [200] * 4
        too_many(await client.get("/v1/nothing"), "peer")
        transport = httpx.AsyncHTTPTransport(local_address=OTHER)
        async with httpx.AsyncClient(transport=transport, base_url=client.base_url) as neighbour:
            assert (await neighbour.get("/livez")).status_code == 200


async def test_a_trusted_proxy_is_no_peer_and_its_callers_are(make_app, running):
    changes = {"rate_peer_per_minute": 2, "trusted_proxies": (ip_network("127.0.0.0/8"),)}
    async with running(make_app(Gate(), **changes)) as client:
        assert [(await client.get("/livez")).status_code for _ in range(5)] == [200] * 5
        one, other = ({"X-Forwarded-For": address} for address in ("203.0.113.7", "203.0.113.8"))
        assert [(await client.get("/livez", headers=one)).status_code for _ in range(3)] == [200, 200, 429]
        assert (await client.get("/livez", headers=other)).status_code == 200


def test_the_memory_of_a_limit_is_bounded():
    """Taken out: MAX_SIZE (50,000 keys were kept)."""
    limit = Limit("peer", 5)
    for nth in range(50_000):
        limit.take(f"2001:db8::{nth:x}")
    assert len(limit._throttle.limiter._store._backend._client) <= 20_000
    assert limit.take("x" * 100_000).remaining == 4


def test_without_settings_there_are_limits_that_honest_use_does_not_meet(monkeypatch):
    for name in UNLIMITED:
        monkeypatch.delenv(name)
    limits = HttpSettings()
    assert limits.rate_client_per_minute >= 6_000
    assert limits.rate_peer_per_minute >= limits.rate_client_per_minute
    assert 0 < limits.rate_unknown_per_minute * 20 <= limits.rate_client_per_minute
    assert 0 < limits.rate_failed_per_minute <= 60
    assert 0 < limits.rate_secrets_per_minute <= 10
