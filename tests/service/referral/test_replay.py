"""Referral's read model of the directory is made again from the topics, while referral runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from typer.testing import CliRunner

from libs.chassis.clock import Clock
from libs.chassis.database import Database
from libs.events import outbox
from libs.events.__main__ import cli
from libs.events.audit import Hand
from libs.events.catalogue.directory import ProviderServicePublished
from libs.events.consumer import Consumer
from libs.events.operating.logs import reading
from libs.events.relay import Relay
from libs.events.replaying import Service, rebuild
from libs.events.topics import ensure_topics
from services.referral.app import subscriptions
from services.referral.providers.queries import Views, listed, unfit
from tests.service.referral import making
from tests.service.referral.conftest import write_pack
from tests.service.referral.world import Provider, World
from tests.signing import KEYRING, SIGNERS
from tests.unit.referral.making_facts import a_policy


@asynccontextmanager
async def going(*loops: Any) -> AsyncIterator[None]:
    """Run these until the block ends."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(loop.run(stop)) for loop in loops]
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 300)


async def published(world: World, bootstrap: str, theirs: str, providers: list[Provider]) -> None:
    """The directory tells of these providers, of each service in two versions."""
    await ensure_topics(bootstrap)
    database = Database(theirs, clock=Clock(), application_name="directory")
    async with database.transaction() as session:
        await outbox.append(session, [making.organization(one.organization_id) for one in providers])
        for version in (1, 2):
            views = [making.service(one.service_id, one.organization_id, version=version) for one in providers]
            await outbox.append(session, views)
    await database.close()


async def ours(world: World, providers: list[Provider]) -> list[dict[str, Any]]:
    """What the read model has of these providers; others of the same broker are another test's."""
    return await world.rows(
        "SELECT provider_service_id, s.organization_id, s.version, category, s.status, s.view::text,"
        " o.version AS organization_version, o.view::text AS organization_view"
        " FROM provider_service s JOIN provider_organization o ON o.organization_id = s.organization_id"
        " WHERE provider_service_id = ANY($1) ORDER BY provider_service_id",
        [one.service_id for one in providers],
    )


async def read(world: World, known: Views, providers: list[Provider]) -> dict[Any, ProviderServicePublished]:
    """What a round reads of these services."""
    async with world.database.transaction() as session:
        found = await listed(session, known, [one.service_id for one in providers])
    return {one.view.provider_service_id: one.view for one in found}


async def spoilt(world: World, providers: list[Provider]) -> UUID:
    """The read model gets a service that nobody published, and wrong rows of the others. Returns that service."""
    ghost = uuid4()
    await world.rows(
        "INSERT INTO provider_service"
        " (provider_service_id, organization_id, version, category, status, view, revision, reach)"
        " SELECT $1, organization_id, 9, category, status, view, 1, reach FROM provider_service"
        " WHERE provider_service_id = $2",
        ghost,
        providers[0].service_id,
    )
    await world.rows("UPDATE provider_service SET status = 'withdrawn', version = 9, view = '{}', revision = 1")
    return ghost


@pytest.mark.kafka
async def test_the_read_model_of_the_directory_is_emptied_and_made_again_equal(
    world: World, kafka_bootstrap: str, migrated: Any
) -> None:
    """With revisions that begin at 1 again, the router takes the rebuilt directory for the one that it knows."""
    providers = [Provider() for _ in range(5)]
    theirs = migrated("referral")  # any database with an outbox can stand for the directory's
    await published(world, kafka_bootstrap, theirs, providers)
    listening = subscriptions(world.policy, group=f"referral-{uuid4()}")
    consumer = Consumer(kafka_bootstrap, listening, transaction=world.database.transaction, keyring=KEYRING)
    async with going(
        Relay(theirs, kafka_bootstrap, source="urn:enlace:provider_directory", signer=SIGNERS["provider_directory"]),
        consumer,
    ):
        async with asyncio.timeout(300):
            while [row["version"] for row in await ours(world, providers)] != [2] * 5:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        before = await ours(world, providers)
        known = Views()
        first = await read(world, known, providers)
        ghost = await spoilt(world, providers)
        service = Service(listening, world.database.transaction, world.database.close, KEYRING)
        async with reading(kafka_bootstrap) as logs:
            done = await rebuild(service, logs, topic="enlace.organizations", by=Hand("ana", "a restored backup"))
        assert {one.topic for one in done} == {"enlace.directory", "enlace.organizations"}
        assert await ours(world, providers) == before
        assert not await world.rows("SELECT 1 FROM provider_service WHERE provider_service_id = $1", ghost)
        revisions = {key: revision for key, (revision, _) in known.services.items()}
        assert await read(world, known, providers) == first
        assert all(known.services[key][0] > revision for key, revision in revisions.items()), "read again"
        async with world.database.transaction() as session:
            assert not {one.service_id for one in providers} & {*await unfit(session, datetime.now(UTC))}
        assert consumer.why_unready() is None
    (note,) = await world.rows("SELECT operator, subject->>'model' AS model FROM operator_action")
    assert note == {"operator": "ana", "model": "directory"}


@pytest.mark.parametrize(
    ("topic", "code", "words"),
    [
        ("enlace.directory", 0, "directory"),
        ("enlace.capacity", 1, "does not declare a read model of enlace.capacity that can be rebuilt"),
        ("enlace.registration", 1, "its handlers have further effects, which would happen twice"),
        ("enlace.arrivals", 1, "referral does not subscribe to enlace.arrivals"),
    ],
)
async def test_the_command_finds_what_referral_declares_and_refuses_the_rest(
    topic: str, code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the declaration a replay would hold and offer places a second time."""
    write_pack(tmp_path, a_policy())
    settings = {
        "ENLACE_REFERRAL_DATABASE_URL": "postgresql://127.0.0.1:9/none",
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "ENLACE_PACK": str(tmp_path),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    where = ("--service", "services.referral.app:read_models", "--topic", topic)
    result = await asyncio.to_thread(CliRunner().invoke, cli, ["replay", *where, "--dry-run", "--json"])
    assert result.exit_code == code
    assert words in (json.loads(result.stdout)["model"] if code == 0 else result.stderr)


async def test_the_command_names_the_settings_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENLACE_PACK", raising=False)
    where = ("--service", "services.referral.app:read_models", "--topic", "enlace.directory")
    result = await asyncio.to_thread(
        CliRunner().invoke, cli, ["replay", *where, "--bootstrap-servers", "127.0.0.1:9", "--dry-run"]
    )
    assert result.exit_code == 2
    assert "ENLACE_PACK" in "".join(result.stderr.split())
