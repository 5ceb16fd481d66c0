"""A request sent twice has one effect, whatever happens between."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from libs.chassis import idempotency


async def add(things, name="chair", key="key-1", path="/v1/things", **more):
    headers = things.headers(Idempotency_Key=key, **more)
    return await things.client.post(path, json={"name": name}, headers=headers)


async def test_the_same_request_again_gives_the_same_answer_and_no_second_effect(things):
    first, second = await add(things), await add(things)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert first.headers["location"] == second.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert await things.count() == 1


async def test_organisations_places_and_people_under_one_client_never_meet_each_others_results(things, issuer):
    one, other = uuid4(), uuid4()
    whose = [
        {"organization_id": one},
        {"organization_id": other},
        {"staff": True},
        {"staff": True, "reception_places": ["GT01"]},
        {"staff": True, "reception_places": ["GT12"]},
    ]
    made = []
    for claims in (*whose, *whose):
        headers = issuer.headers("things:read things:write", client_id="shared-gateway", **claims)
        answer = await things.client.post("/v1/things", json={"name": "a"}, headers=headers | {"Idempotency-Key": "k"})
        made.append((answer.json()["id"], answer.headers.get("idempotency-replayed")))
    assert [replayed for _, replayed in made] == [None] * 5 + ["true"] * 5, "each meets its own, and no other's"
    assert len({thing for thing, _ in made[:5]}) == 5


async def test_the_quoted_form_of_the_draft_and_the_bare_form_are_one_key(things):
    await add(things, key="8e03978e-40d5")
    again = await add(things, key='"8e03978e-40d5"')
    assert again.headers["idempotency-replayed"] == "true"


async def test_the_same_key_with_another_request_is_refused(things):
    await add(things)
    for answer in (await add(things, name="table"), await add(things, path="/v1/things/loose")):
        assert answer.status_code == 422
        assert answer.json()["code"] == "idempotency-key-reused"
        assert answer.json()["errors"][0]["pointer"] == "Idempotency-Key"
    assert await things.count() == 1


async def test_keys_belong_to_their_client(things):
    await add(things)
    other = await add(things, client_id="another-client")
    assert other.status_code == 201
    assert await things.count() == 2


async def test_a_twin_in_flight_is_refused_and_can_come_again(things):
    things.gate.shut = True
    first = asyncio.create_task(add(things))
    await asyncio.wait_for(things.gate.entered.wait(), 10)
    twin = await add(things)
    assert twin.status_code == 409
    assert twin.json()["code"] == "idempotency-in-flight"
    assert twin.headers["retry-after"] == "1"
    things.gate.open.set()
    assert (await first).status_code == 201
    assert (await add(things)).headers["idempotency-replayed"] == "true"
    assert await things.count() == 1


async def test_a_refused_request_stores_nothing_and_is_judged_again(things):
    assert (await add(things, name="forbidden")).status_code == 422
    assert await things.count("idempotency_key") == 0
    assert (await add(things, name="chair")).status_code == 201


async def test_a_key_is_demanded_where_something_is_created(things):
    answer = await things.client.post("/v1/things", json={"name": "a"}, headers=things.headers())
    assert answer.status_code == 400
    assert answer.json()["code"] == "idempotency-key-missing"


async def test_a_key_may_be_left_out_where_it_is_optional(things):
    for _ in range(2):
        answer = await things.client.post("/v1/things/loose", json={"name": "a"}, headers=things.headers())
        assert answer.status_code == 201
    assert await things.count() == 2
    assert await things.count("idempotency_key") == 0


@pytest.mark.parametrize("key", ["", '""', "a b", '"open', "x" * 256, '"a\\b"', "ä"])
async def test_a_key_of_another_form_is_refused(things, key):
    answer = await things.client.post(
        "/v1/things", json={"name": "a"}, headers=list({**things.headers(), "Idempotency-Key": key.encode()}.items())
    )
    assert answer.status_code == 400
    assert answer.json()["code"] == "idempotency-key-invalid"


async def test_two_keys_are_refused(things):
    headers = [*things.headers().items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = await things.client.post("/v1/things", json={"name": "a"}, headers=headers)
    assert answer.json()["code"] == "idempotency-key-invalid"


async def test_a_key_is_forgotten_when_its_time_is_over(things):
    await add(things)
    connection = await asyncpg.connect(things.url)
    try:
        await connection.execute("UPDATE idempotency_key SET expires_at = now() - interval '1 second'")
    finally:
        await connection.close()
    assert "idempotency-replayed" not in (await add(things)).headers
    assert await things.count() == 2
    assert await idempotency.purge_expired(things.database) == 0
    connection = await asyncpg.connect(things.url)
    try:
        kept = await connection.fetchval("SELECT max(expires_at) - now() FROM idempotency_key")
        await connection.execute("UPDATE idempotency_key SET expires_at = now()")
    finally:
        await connection.close()
    assert timedelta(hours=23) < kept <= timedelta(hours=24)
    assert await idempotency.purge_expired(things.database) == 1


async def test_no_word_of_the_body_is_stored(things):
    await add(things, name="Marta Sample")
    connection = await asyncpg.connect(things.url)
    try:
        row = await connection.fetchrow("SELECT * FROM idempotency_key")
    finally:
        await connection.close()
    assert b"Marta" not in row["fingerprint"]
    assert len(row["fingerprint"]) == 32
