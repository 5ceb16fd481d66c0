"""One person is registered twice, with open offers under both records: merged and taken apart, all services running."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4

import pytest
import pytest_asyncio

from deploy.demo.client import Caller, Connections
from deploy.demo.twice import registered_twice
from deploy.demo.world import World
from deploy.local.installation import Installation
from deploy.local.pack_loading import load_pack_once
from deploy.local.partners import INTAKE_DESK
from deploy.local.supervisor import System, running_system

pytestmark = [pytest.mark.journey, pytest.mark.timeout(1800), pytest.mark.asyncio(loop_scope="module")]
PATIENCE_SECONDS = 120.0
WAITING = {"pending", "acknowledged"}
T = TypeVar("T")


@dataclass
class Running:
    """The system, a desk of registration, and staff who read journeys."""

    system: System
    connections: Connections

    def caller(self, client_id: str) -> Caller:
        secret = self.system.installation.clients.get(client_id).secret
        return Caller(self.connections, client_id, secret, self.system.environment["ENLACE_TOKEN_URL"])

    def url(self, word: str, path: str) -> str:
        return f"{self.system.environment[f'ENLACE_{word}_URL']}/v1/{path}"

    async def register(self, body: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = await self.caller("reception-intake-desk").post(
            self.url("REGISTRATION", "returnees"), body
        )
        return found

    async def at_registration(self, path: str) -> Any:
        return await self.caller("reception-intake-desk").get(self.url("REGISTRATION", path))

    async def decide(self, path: str, body: dict[str, Any], version: int) -> Any:
        answer = await self.caller("reception-intake-desk").call(
            "POST", self.url("REGISTRATION", path), body=body, headers={"If-Match": f'"{version}"'}
        )
        return answer.json()

    async def journey(self, returnee_id: str) -> dict[str, Any] | None:
        url = self.url("REFERRAL", f"returnees/{returnee_id}/journey")
        answer = await self.caller("network-steward").call("GET", url, expect=frozenset({404}))
        return answer.json() if answer.is_success else None

    async def waiting(self, returnee_id: str) -> set[str]:
        """The categories of the needs for which an offer waits for an answer under this record."""
        found = await self.journey(returnee_id)
        offers = [] if found is None else found["offers"]
        return {one["category"] for one in offers if one["status"] in WAITING}

    async def end_reason(self, returnee_id: str) -> str | None:
        found = await self.journey(returnee_id)
        assert found is not None
        reason: str | None = found["journey_end_reason"]
        return reason

    async def open_needs(self, returnee_id: str) -> list[str]:
        found = await self.journey(returnee_id)
        return sorted(one["category"] for one in (found or {"needs": []})["needs"] if one["status"] == "open")


async def until(look: Callable[[], Awaitable[T | None]]) -> T:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (found := await look()):  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(0.2)
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    installation = Installation(state=tmp_path_factory.mktemp("twice") / "state")
    async with running_system(installation, say=lambda _: None) as system, Connections() as connections:
        await load_pack_once(installation, lambda _: None)
        yield Running(system, connections)


def arrival(*categories: str) -> dict[str, Any]:
    """The same person each time, with these needs."""
    now = datetime.now(UTC).isoformat()
    consent = {
        "purpose": "referral", "recipient_class": "providers", "data_described": "what is needed to help me",
        "given_by": "self", "revocation_explained": True, "method": "signature", "language": "spa",
        "staff_reference": "desk-1", "given_at": now, "expires_at": "2099-01-01T00:00:00Z",
    }  # fmt: skip
    return {
        "sender_reference": str(uuid4()),
        "arrived_at": now,
        "reception_place": "GT01",
        "identity": {
            "given_names": "Muestra Primera",
            "family_names": "Ejemplo Segunda",
            "birth_date": "1990-05-17",
            "document_number": "2987654320101",
        },
        "profile": {"nationality": "GT", "identity_document": "held", "languages": ["spa"]},
        "needs": [{"category": one, "urgency": "emergency"} for one in categories],
        "consents": [consent],
    }


async def test_open_offers_of_both_records_go_to_one_journey_and_back(running: Running) -> None:
    first = await running.register(arrival("food", "shelter"))
    second = await running.register(arrival("food", "family_contact"))
    kept, ends = first["id"], second["id"]
    await until(lambda: _are(running, {kept: {"food", "shelter"}, ends: {"food", "family_contact"}}))

    async def told() -> dict[str, Any] | None:
        found = await running.at_registration(f"returnees/{ends}/matches")
        return found["items"][0] if found["compared"] and found["items"] else None

    match = await until(told)
    assert (match["status"], match["can_be_decided"]) == ("open", True)
    merged = await running.decide(
        f"matches/{match['id']}/merge", {"into": kept, "reason": "document_seen"}, match["version"]
    )
    assert merged["status"] == "merged"

    # One person asks for food once; what only the second record had goes on under the first, and is offered again.
    await until(lambda: _are(running, {kept: {"food", "shelter", "family_contact"}, ends: set()}))
    assert await running.open_needs(kept) == ["family_contact", "food", "shelter"]
    assert await running.open_needs(ends) == []
    assert await running.end_reason(ends) == "merged"
    shown = await running.at_registration(f"returnees/{ends}")
    assert shown["merged"]
    listed = await running.at_registration(f"returnees/{kept}/arrivals")
    assert {one["returnee_id"] for one in listed["items"]} == {kept, ends}

    apart = await running.decide(f"returnees/{ends}/unmerge", {"reason": "mistake"}, shown["version"])
    assert not apart["merged"]
    await until(lambda: _are(running, {kept: {"food", "shelter"}, ends: {"food", "family_contact"}}))
    assert await running.open_needs(kept) == ["food", "shelter"]
    assert await running.open_needs(ends) == ["family_contact", "food"]
    assert await running.end_reason(ends) is None
    for person, was in ((kept, first), (ends, second)):
        now = await running.at_registration(f"returnees/{person}")
        assert {**was, "version": 0}.items() <= {**now, "version": 0}.items()
    await until(lambda: _promises(running))


async def _are(running: Running, expected: dict[str, set[str]]) -> bool:
    return {one: await running.waiting(one) for one in expected} == expected


async def _promises(running: Running) -> bool:
    found = await running.caller("network-steward").get(running.url("REFERRAL", "invariants"))
    return bool(found["holds"])


async def test_the_scene_of_the_demo_happens(running: Running) -> None:
    world = World.of(running.system)
    act = await registered_twice(world, running.caller(INTAKE_DESK), place="GT01", nationality="GT")
    assert act.happened
    assert "GT01" in act.lines[0]
    assert "as they were" in act.lines[-1]
