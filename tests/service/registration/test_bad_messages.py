"""A stranger's bad messages on `enlace.arrivals`: thousands on every partition, and intake and the API go on.

The whole service in one process, as it is run. Seen to fail with failures of foreign messages counted for the limit.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer

from libs.events.topics import TOPICS, ensure_topics
from services.registration import app as registration_app
from services.registration.settings import Settings
from tests.infra import for_service
from tests.service.registration.conftest import KEY, PACK, RESTRICTED_KEY, a_returnee
from tests.service.registration.test_events import ends_of
from tests.signing import key_files

pytestmark = [pytest.mark.kafka]
ARRIVALS = "enlace.arrivals"
BAD_PER_PARTITION = 5_000
GOOD_PER_PARTITION = 3


@pytest.fixture
async def service(
    postgres_server: Any, kafka_bootstrap: str, issuer: Any, running: Any, tmp_path: Path, monkeypatch: Any
) -> AsyncIterator[tuple[httpx.AsyncClient, str, str]]:
    """The API's client, the database's address and the group."""
    await ensure_topics(kafka_bootstrap, TOPICS.values())
    url, group = postgres_server.migrated("registration"), f"registration-{uuid4()}"
    connection = await asyncpg.connect(url)
    await connection.executemany(
        "INSERT INTO consumer_position (consumer_group, topic, partition, next_offset) VALUES ($1, $2, $3, $4)",
        [(group, name.topic, name.partition, end) for name, end in (await ends_of(kafka_bootstrap)).items()],
    )
    await connection.close()
    in_a_group_of_its_own = partial(registration_app.subscriptions_of, group=group)
    monkeypatch.setattr(registration_app, "subscriptions_of", in_a_group_of_its_own)
    files = key_files(tmp_path, "registration")
    settings = Settings(
        database_url=for_service(url),
        keys_database_url=for_service(postgres_server.migrated("registration", "keys_migrations")),
        vault_key=KEY,
        restricted_key=RESTRICTED_KEY,
        pack=PACK,
        kafka_bootstrap_servers=kafka_bootstrap,
        token_issuer=issuer.url,
        token_jwks_url=issuer.jwks_url,
        fingerprint_key="sample-fingerprint-key",
        event_signing_key_file=Path(files["ENLACE_EVENT_SIGNING_KEY_FILE"]),
        event_keys_file=Path(files["ENLACE_EVENT_KEYS_FILE"]),
    )
    async with running(registration_app.create_app(settings)) as client:
        yield client, url, group


def headers(id_: str, source: str, *, type_: str = "returnee.arrived.v1") -> list[tuple[str, bytes]]:
    attributes = {"specversion": "1.0", "id": id_, "source": source, "type": type_}
    return [
        ("content-type", b"application/json"),
        *((f"ce_{name}", value.encode()) for name, value in attributes.items()),
    ]


def bad_message(number: int, source: str) -> tuple[bytes | None, list[tuple[str, bytes]]]:
    """One of many kinds of wrong; every seventh from a source of its own."""
    id_ = f"bad-{uuid4()}"
    made_up = f"urn:made-up:{uuid4()}" if number % 7 == 0 else source
    body = a_returnee(sender_reference=f"p-{number}")
    kinds: list[tuple[bytes | None, list[tuple[str, bytes]]]] = [
        (b"{", headers(id_, made_up)),
        (b"\\xff\\xfe", headers(id_, made_up)),
        (json.dumps({"sender_reference": "p"}).encode(), headers(id_, made_up)),
        (None, headers(id_, made_up)),
        (json.dumps(body).encode(), headers("", made_up)),
        (json.dumps(body).encode(), headers(id_, "")),
        (b"[" * 500, [("content-type", b"application/cloudevents+json")]),
        (json.dumps(body | {"profile": {"nationality": 7}}).encode(), headers(id_, made_up)),
        (json.dumps(body).encode(), [("ce_type", b"returnee.arrived.v1")]),
        (b'{"sender_reference": "' + b"x" * 20_000 + b'"}', headers(id_, made_up)),
    ]
    if number % 250 == 0:
        # It can be read, and is refused by the rules of arrivals: a time that can't be.
        return json.dumps(body | {"arrived_at": "2096-03-02T19:40:00Z"}).encode(), headers(id_, made_up)
    return kinds[number % len(kinds)]


async def send_to(producer: AIOKafkaProducer, partition: int, rightful: str, attacker: str) -> None:
    """Bad and good ones in turn, of the same key."""
    key = f"p-{partition}".encode()
    for number in range(BAD_PER_PARTITION):
        value, given = bad_message(number, attacker)
        await producer.send(ARRIVALS, value, key=key, headers=given, partition=partition)
        if number % (BAD_PER_PARTITION // GOOD_PER_PARTITION) == 7:
            good = a_returnee(sender_reference=f"good-{partition}-{number}")
            given = headers(f"good-{uuid4()}", rightful)
            await producer.send(ARRIVALS, json.dumps(good).encode(), key=key, headers=given, partition=partition)


def is_fit_for_requests(ready: httpx.Response) -> bool:
    """Ready, or only so busy that a check ran out of its 2 seconds, as on a loaded machine."""
    reasons = [part["why"] or "" for part in ready.json()["parts"].values()]
    return ready.status_code == 200 or any(why.startswith("no answer within") for why in reasons)


async def test_thousands_of_bad_messages_on_every_partition_stop_neither_intake_nor_the_api(
    service: tuple[httpx.AsyncClient, str, str], kafka_bootstrap: str
) -> None:
    client, url, group = service
    rightful, attacker = f"urn:reception:{uuid4()}", f"urn:attacker:{uuid4()}"
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, linger_ms=20)
    await producer.start()
    await asyncio.gather(*(send_to(producer, partition, rightful, attacker) for partition in range(12)))
    await producer.stop()
    ends = {name.partition: end for name, end in (await ends_of(kafka_bootstrap)).items() if name.topic == ARRIVALS}
    async with asyncpg.create_pool(url, min_size=1, max_size=1) as connection:
        position = "SELECT partition, next_offset FROM consumer_position WHERE consumer_group = $1 AND topic = $2"
        async with asyncio.timeout(400):
            while any(
                row["next_offset"] < ends[row["partition"]] for row in await connection.fetch(position, group, ARRIVALS)
            ):
                assert is_fit_for_requests(await client.get("/readyz"))
                await asyncio.sleep(0.5)
        good = await connection.fetchval("SELECT count(*) FROM returnee WHERE source = $1", rightful)
        assert good == 12 * GOOD_PER_PARTITION
        assert (await client.get("/readyz")).status_code == 200
        work = await client.get("/workz")
        assert work.json()["parts"]["consumer"] == {"ready": True, "why": None}
        rows = await connection.fetch(
            "SELECT partition, count(*) AS rows, sum(octet_length(content)) AS bytes FROM parked"
            " WHERE consumer_group = $1 AND topic = $2 GROUP BY partition", group, ARRIVALS,
        )  # fmt: skip
        assert {row["partition"] for row in rows} == set(range(12))
        assert max(row["rows"] for row in rows) <= 501, "the quota and the row that counts"
        counted = await connection.fetch(
            "SELECT error FROM parked WHERE reason = 'over-quota' AND consumer_group = $1", group
        )
        assert len(counted) == 12
        assert all(int(row["error"].split()[0]) > BAD_PER_PARTITION * 0.8 for row in counted)
