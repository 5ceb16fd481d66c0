"""After a restore registration and referral are compared by their commands, mended, or handed to a desk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from libs.events.catalogue import CATALOGUE
from services.referral.cli import cli as referral
from services.registration.cli import cli as registration
from tests.infra import for_service
from tests.service.referral.world import World
from tests.service.registration.conftest import KEY, PACK, RESTRICTED_KEY
from tests.service.registration.test_restored import SENT, Serve, copy_of, databases_of, register, serve

__all__ = ["serve"]
FOOD = [{"category": "food"}]
CLIS = {"referral": referral, "registration": registration}


class Both:
    """Registration on these databases, and referral, which hears what registration tells; their commands."""

    def __init__(self, world: World, url: str, keys_url: str, folder: Path) -> None:
        self.world, self.url, self.keys_url, self.folder = world, url, keys_url, folder
        self.heard = 0

    async def hear(self) -> None:
        """Referral hears all that registration has told since the last time."""
        connection = await asyncpg.connect(self.url)
        told = "SELECT id, topic, type, payload FROM outbox WHERE id > $1 ORDER BY id"
        rows = await connection.fetch(told, self.heard)
        await connection.close()
        for row in rows:
            self.heard = row["id"]
            event = CATALOGUE[row["topic"], row["type"]].model_validate_json(row["payload"])
            if self.world.listening.find(event.topic, event.type) is not None:
                await self.world.hear(event)

    async def restored(self, dump: str) -> None:
        """Registration is back as it was at the dump."""
        connection = await asyncpg.connect(dump)
        self.url, self.heard = dump, await connection.fetchval("SELECT coalesce(max(id), 0) FROM outbox")
        await connection.close()

    async def invoke(self, service: str, *arguments: str) -> Result:
        environment = {
            "ENLACE_REGISTRATION_DATABASE_URL": for_service(self.url),
            "ENLACE_REGISTRATION_KEYS_DATABASE_URL": self.keys_url,
            "ENLACE_REFERRAL_DATABASE_URL": self.world.url,
            "ENLACE_VAULT_KEY": KEY,
            "ENLACE_RESTRICTED_KEY": RESTRICTED_KEY,
            "ENLACE_PACK": str(PACK),
            "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
            "ENLACE_TOKEN_ISSUER": "http://127.0.0.1:1",
            "ENLACE_TOKEN_JWKS_URL": "http://127.0.0.1:1/jwks",
            "ENLACE_FINGERPRINT_KEY": "sample-fingerprint-key",
        }
        return await asyncio.to_thread(CliRunner().invoke, CLIS[service], arguments, env=environment)

    async def run(self, service: str, *arguments: str, into: str = "out") -> str:
        done = await self.invoke(service, *arguments)
        assert done.exit_code == 0, done.output[-2000:]
        (self.folder / into).write_text(done.stdout, encoding="utf-8")
        return done.stdout

    async def refused(self, service: str, *arguments: str) -> str:
        done = await self.invoke(service, *arguments)
        assert done.exit_code == 2, done.output[-2000:]
        return done.output

    async def reconcile(self, *how: str) -> set[tuple[str, str, str]]:
        """What registration finds, as kind, whose, and in which way it differs; referral takes what is left."""
        await self.run("referral", "known", into="known")
        found = await self.run("registration", "reconcile", "--with", str(self.folder / "known"), *how, into="findings")
        await self.run("referral", "reconcile", "--with", str(self.folder / "findings"), *how)
        lines = [json.loads(line) for line in found.splitlines()]
        return {(one["kind"], one.get("of", one["id"]), one["state"]) for one in lines}

    async def owners(self) -> dict[str, str | None]:
        rows = await self.world.rows("SELECT returnee_id::text, owner_reason FROM need WHERE status = 'open'")
        return {row["returnee_id"]: row["owner_reason"] for row in rows}


@pytest.fixture
def both(world: World, postgres_server: Any, tmp_path: Path) -> Both:
    return Both(world, *databases_of(postgres_server), tmp_path)


async def told(client: Any, name: str, needs: Sequence[dict[str, Any]] = FOOD) -> dict[str, Any]:
    identity = {"given_names": name, "family_names": "Ejemplo", "birth_date": "1990-05-17"}
    answer = await register(client, **SENT | {"sender_reference": name, "identity": identity, "needs": needs})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


WHY = ("--reason", "the dump of the night was restored", "--operator", "ana")


async def test_whom_registration_has_lost_gets_a_desk_and_goes_on_when_told_again(
    both: Both, serve: Serve, postgres_server: Any
):
    """Seen to fail with `_known_there` left out, and with ids drawn at random."""
    dump = copy_of(postgres_server, both.url)
    async with serve(both.url, both.keys_url) as client:
        person = await told(client, "Perdida")
    await both.hear()
    await both.restored(dump)
    assert await both.reconcile("--dry-run") == {
        ("returnee", person["id"], "unknown"), ("need", person["id"], "unknown")
    }  # fmt: skip
    assert await both.owners() == {person["id"]: None}, "a dry run changes nothing"
    await both.reconcile(*WHY)
    assert await both.owners() == {person["id"]: "lost_at_registration"}
    async with serve(both.url, both.keys_url) as client:
        assert (await told(client, "Perdida"))["id"] == person["id"]
    await both.hear()
    assert await both.reconcile(*WHY) == set()
    assert await both.owners() == {person["id"]: None}
    assert len(await both.world.rows("SELECT * FROM need")) == 1
    noted = await both.world.rows("SELECT operator, reason FROM operator_action WHERE action = 'reconcile'")
    assert {tuple(row.values()) for row in noted} == {("ana", "the dump of the night was restored")}


async def test_a_lost_withdrawal_of_consent_lets_nothing_count_until_the_person_is_asked(
    both: Both, serve: Serve, postgres_server: Any
):
    """The restored consent says yes, the newer word is lost. Seen to fail with `_let_no_consent_count` left out."""
    async with serve(both.url, both.keys_url) as client:
        person = await told(client, "Conocida")
        await both.hear()
        path = f"/v1/returnees/{person['id']}"
    dump = copy_of(postgres_server, both.url)
    async with serve(both.url, both.keys_url) as client:
        (consent,) = (await client.get(f"{path}/consents")).json()
        headers = {"Idempotency-Key": "withdraw"}
        answer = await client.post(f"{path}/consents/{consent['id']}/withdraw", headers=headers)
        assert answer.status_code == 200, answer.text
    await both.hear()
    await both.restored(dump)
    assert ("consent", person["id"], "consent_older") in await both.reconcile(*WHY)
    async with serve(both.url, both.keys_url) as client:
        (restored,) = (await client.get(f"{path}/consents")).json()
    assert restored["standing"] is False
    await both.hear()
    (journey,) = await both.world.rows("SELECT consents, consent_version FROM journey")
    assert (journey["consents"], journey["consent_version"]) == ({}, 3)
    assert await both.owners() == {person["id"]: "lost_at_registration"}
    assert await both.reconcile(*WHY) == set()


async def test_facts_that_are_lost_stand_at_referral_and_the_next_correction_is_newer(
    both: Both, serve: Serve, postgres_server: Any
):
    """Seen to fail with `_lift` left out: the correction had a version that referral knew, and was ignored."""
    async with serve(both.url, both.keys_url) as client:
        person = await told(client, "Corregida")
    dump = copy_of(postgres_server, both.url)

    async def corrected(etag: str, places: list[str]) -> str:
        async with serve(both.url, both.keys_url) as client:
            body = {"profile": {"avoid_places": places}}
            answer = await client.patch(f"/v1/returnees/{person['id']}", json=body, headers={"If-Match": etag})
            assert answer.status_code == 200, answer.text
        await both.hear()
        (row,) = await both.world.rows("SELECT profile->'avoid_places' AS places FROM journey")
        return str(row["places"])

    assert "GT13" in await corrected('"1"', ["GT13"])
    await both.restored(dump)
    assert ("returnee", person["id"], "older") in await both.reconcile(*WHY)
    await both.hear()
    (row,) = await both.world.rows("SELECT profile->'avoid_places' AS places FROM journey")
    assert "GT13" in str(row["places"]), "what the person fears is not forgotten by a restore"
    assert "GT01" in await corrected('"2"', ["GT01"])


async def test_what_referral_lacks_is_told_again_and_the_erased_are_wiped(both: Both, serve: Serve):
    """As after a restore of referral whose events Kafka no longer has. Seen to fail with each `_tell_*` left out."""
    async with serve(both.url, both.keys_url) as client:
        person = await told(client, "Olvidada")
        erased = await told(client, "Borrada")
        await both.hear()
        await client.post(f"/v1/returnees/{erased['id']}/erasure")
        later = await told(client, "Nueva")
    connection = await asyncpg.connect(both.url)
    both.heard = await connection.fetchval("SELECT max(id) FROM outbox")
    await connection.close()
    found = await both.reconcile(*WHY)
    assert {("returnee", erased["id"], "erased_not_heard"), ("returnee", later["id"], "not_heard"),
            ("need", later["id"], "not_heard"), ("consent", later["id"], "not_heard")} == found  # fmt: skip
    await both.hear()
    journeys = {str(row["returnee_id"]): row for row in await both.world.rows("SELECT * FROM journey")}
    assert journeys.keys() == {person["id"], erased["id"], later["id"]}
    assert (journeys[erased["id"]]["profile"], journeys[erased["id"]]["erased_at"] is None) == (None, False)
    assert journeys[later["id"]]["consents"]
    assert {str(one) for one in await both.owners()} == {person["id"], later["id"]}
    assert await both.reconcile(*WHY) == set()
