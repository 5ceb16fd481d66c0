"""The fixtures that other tests stand on."""

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from fastapi import FastAPI

from tests.infra import PostgresForTests
from tests.served import running


async def test_new_databases_are_apart(postgres_server: PostgresForTests) -> None:
    one, other = postgres_server.new_database("one"), postgres_server.new_database("other")
    first = await asyncpg.connect(one)
    await first.execute("create table seen ()")
    await first.close()
    second = await asyncpg.connect(other)
    assert await second.fetchval("select to_regclass('seen')") is None
    assert await second.fetchval("select current_setting('fsync')") == "on"
    await second.close()


async def test_kafka_answers(kafka_bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    assert len((await admin.describe_cluster())["brokers"]) == 1
    await admin.close()


async def test_an_app_runs_on_a_real_port() -> None:
    app = FastAPI()

    @app.get("/")
    async def root() -> str:
        return "here"

    async with running(app) as client:
        assert (await client.get("/")).json() == "here"
