"""Keyset pages, entity tags and transactions, over HTTP."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import httpx
import pytest

from libs.chassis.clock import Clock
from libs.chassis.database import Database, now, raw


async def fill(things, count):
    for number in range(count):
        headers = things.headers(Idempotency_Key=f"fill-{number}")
        answer = await things.client.post("/v1/things", json={"name": f"thing {number}"}, headers=headers)
        assert answer.status_code == 201


async def pages(things, limit):
    found, after = [], None
    while True:
        parameters = {"limit": limit} | ({"after": after} if after else {})
        page = (await things.client.get("/v1/things", params=parameters, headers=things.headers())).json()
        found.append([item["name"] for item in page["items"]])
        after = page["next"]
        if after is None:
            return found


async def test_pages_give_every_row_once_in_order(things):
    await fill(things, 7)
    names = [f"thing {number}" for number in range(7)]
    assert await pages(things, 3) == [names[:3], names[3:6], names[6:]]
    assert await pages(things, 7) == [names]
    assert await pages(things, 50) == [names]


@pytest.mark.parametrize("cursor", ["x", "", "AAAA", "é", "A" * 900, "=", "%00"])
async def test_a_made_up_cursor_names_its_parameter(things, cursor):
    answer = await things.client.get("/v1/things", params={"after": cursor}, headers=things.headers())
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["after"]
    assert answer.json()["errors"][0]["rule"] == "bad-cursor"


async def test_a_changed_cursor_is_refused(things):
    await fill(things, 2)
    page = (await things.client.get("/v1/things?limit=1", headers=things.headers())).json()
    changed = page["next"][:-2] + ("AA" if not page["next"].endswith("AA") else "BB")
    answer = await things.client.get("/v1/things", params={"after": changed}, headers=things.headers())
    assert answer.status_code == 422


async def test_a_change_says_which_version_it_is_made_on(things):
    await fill(things, 1)
    listed = await things.client.get("/v1/things", headers=things.headers())
    path = f"/v1/things/{listed.json()['items'][0]['id']}"
    tag = (await things.client.get(path, headers=things.headers())).headers["etag"]

    async def rename(condition):
        headers = things.headers() | ({"If-Match": condition} if condition else {})
        return await things.client.patch(path, json={"name": "other"}, headers=headers)

    assert tag == '"1"'
    missing = await rename(None)
    assert (missing.status_code, missing.json()["code"]) == (428, "precondition-required")
    assert missing.json()["errors"][0]["pointer"] == "If-Match"
    for wrong in ('"2"', 'W/"2"', '"11"'):
        answer = await rename(wrong)
        assert (answer.status_code, answer.json()["code"]) == (412, "version-mismatch"), wrong
    for no_tag in ("1", "rubbish", '"1'):
        answer = await rename(no_tag)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input"), no_tag
        assert [(error["pointer"], error["rule"]) for error in answer.json()["errors"]] == [("If-Match", "etag")]
    assert (await rename(tag)).json()["version"] == 2
    assert (await rename(tag)).status_code == 412
    assert (await rename('"7", "2"')).json()["version"] == 3
    assert (await rename("*")).json()["version"] == 4
    assert (await rename('W/"4"')).json()["version"] == 5


async def test_a_put_creates_or_replaces_as_its_conditions_say(things):
    path = f"/v1/things/{uuid4()}"

    async def put(**conditions):
        headers = things.headers() | {name.replace("_", "-"): value for name, value in conditions.items()}
        return await things.client.put(path, json={"name": "x"}, headers=headers)

    assert (await put(If_Match='"1"')).status_code == 412
    assert (await put(If_None_Match="*")).json()["version"] == 1
    assert (await put(If_None_Match="*")).status_code == 412
    assert (await put()).status_code == 428
    assert (await put(If_Match='"1"')).json()["version"] == 2


async def test_a_transaction_has_one_time_and_it_never_goes_back(things_url):
    database = Database(things_url, clock=Clock(), application_name="t")
    try:
        async with database.transaction() as session:
            first = now(session)
            await (await raw(session)).fetchval("SELECT pg_sleep(0.01)")
            assert now(session) == first
            assert first.tzinfo is UTC
            assert abs(first - datetime.now(UTC)) < timedelta(seconds=5)
        async with database.transaction() as session:
            assert now(session) > first
        ahead = database._forward(first + timedelta(hours=1))
        async with database.transaction() as session:
            assert now(session) == ahead
    finally:
        await database.close()


async def test_an_accelerated_clock_runs_from_its_origin_at_its_rate(things_url):
    origin = datetime.now(UTC) - timedelta(seconds=10)
    database = Database(things_url, clock=Clock(rate=3600, origin=origin), application_name="t")
    try:
        async with database.transaction() as session:
            passed = now(session) - origin
        assert timedelta(hours=10) <= passed < timedelta(hours=30)
    finally:
        await database.close()


async def test_a_transaction_that_fails_leaves_nothing(things_url):
    database = Database(things_url, clock=Clock(), application_name="t")

    async def insert_and_fail():
        async with database.transaction() as session:
            await (await raw(session)).execute("INSERT INTO thing (name, size, made_at) VALUES ('x', 1, now())")
            raise ValueError

    try:
        with pytest.raises(ValueError):
            await insert_and_fail()
        async with database.transaction() as session:
            assert await (await raw(session)).fetchval("SELECT count(*) FROM thing") == 0
    finally:
        await database.close()


async def test_the_answer_leaves_after_the_commit(things):
    """A commit that fails is an error to the caller: with the framework's default scope it would be a 201."""
    connection = await asyncpg.connect(things.url)
    try:
        await connection.execute(
            "ALTER TABLE thing ADD CONSTRAINT late FOREIGN KEY (parent) REFERENCES thing (id)"
            " DEFERRABLE INITIALLY DEFERRED;"
            "ALTER TABLE thing DROP CONSTRAINT thing_parent_fkey;"
            "ALTER TABLE thing ALTER parent SET DEFAULT uuidv7()"
        )
    finally:
        await connection.close()
    headers = things.headers(Idempotency_Key="k")
    answer = await things.client.post("/v1/things", json={"name": "x"}, headers=headers)
    assert answer.status_code == 409
    assert answer.json()["code"] == "reference-broken"
    assert await things.count() == 0
    assert await things.count("idempotency_key") == 0


async def test_a_caller_who_hangs_up_leaves_no_open_transaction(things):
    things.gate.shut = True
    headers = things.headers(Idempotency_Key="k")
    with pytest.raises(httpx.ReadTimeout):
        await things.client.post("/v1/things", json={"name": "x"}, headers=headers, timeout=0.3)
    things.gate.open.set()
    connection = await asyncpg.connect(things.url)
    try:
        for _ in range(100):
            open_transactions = await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND state LIKE 'idle in transaction%'"
            )
            if open_transactions == 0:
                break
            await asyncio.sleep(0.05)
    finally:
        await connection.close()
    assert open_transactions == 0
