"""The record of access at referral says in which role and for which desk somebody read, and the seals cover it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from libs.chassis.sealed_log import seal_once
from libs.chassis.sealed_log_check import ChainReport, check
from services.referral.audit.queries import accesses
from services.referral.audit.tables import AUDIT
from tests.service.referral.world import PARTNER, STAFF, World

READER: dict[str, Any] = {"roles": ["lead_desk", "no code {"], "desks": ["conamigua"]}
OF_OLDER_VERSIONS = (
    "id", "transaction_id", "at", "kind", "action", "who", "client_id", "organization_id", "purpose", "fields",
    "restricted", "returnee_ids", "record_ids", "trace_id",
)  # fmt: skip
"""The columns that a seal covered before roles were recorded."""
RECORDED = ["desk:conamigua", "role:lead_desk"]


async def look(world: World, path: str, **claims: Any) -> None:
    await world.ask(path, headers=world.headers(STAFF, client_id="desk", **claims))


async def seal_all(world: World, count: int, **changes: Any) -> None:
    sealed = 0
    async with asyncio.timeout(300):
        while sealed < count:
            sealed += await seal_once(world.database, replace(AUDIT, **changes)) or 0


async def report(world: World) -> ChainReport:
    async with world.database.transaction() as session:
        return await check(session, AUDIT)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE access_entry SET acting_as = ARRAY['role:somebody'] WHERE id = 2",
        "UPDATE access_entry SET acting_as = NULL WHERE id = 2",
        "UPDATE access_entry SET acting_as = ARRAY['role:somebody'] WHERE id = 1",
    ],
    ids=["another role", "no role", "a role in an entry without one"],
)
async def test_whoever_changes_in_which_role_somebody_read_breaks_the_chain(world: World, change: str) -> None:
    path = f"returnees/{await world.person({})}/journey"
    await look(world, path)
    await look(world, path, **READER)
    await seal_all(world, 2)
    assert (await report(world)).broken_at is None
    connection = await asyncpg.connect(world.url)
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(change)
    await connection.close()
    assert (await report(world)).broken_at is not None


async def test_entries_that_were_sealed_before_roles_were_recorded_keep_their_hash(world: World) -> None:
    path = f"returnees/{await world.person({})}/journey"
    await look(world, path)
    await look(world, path)
    await seal_all(world, 2, covered=OF_OLDER_VERSIONS, covered_later=())
    await look(world, path, **READER)
    await seal_all(world, 1)
    found = await report(world)
    assert (found.broken_at, found.entries_count, found.unsealed_count) == (None, 3, 0)


async def test_the_list_of_a_person_says_in_which_role_and_for_which_desk_somebody_read_or_wrote(world: World) -> None:
    """Reads, steps, and answers to offers, which are recorded on a path of their own."""
    shelter = await world.provider()
    returnee = await world.person({})
    await world.round()
    await look(world, f"returnees/{returnee}/journey", **READER)
    await look(world, f"returnees/{returnee}/journey")
    offer = await world.offer_of(returnee)
    claims = {"organization_id": shelter.organization_id, "roles": ["provider"]}
    partner = world.issuer.headers(PARTNER, client_id="shelter", **claims)
    accepted = await world.step(f"offers/{offer['offer_id']}/accept", headers=partner)
    assert accepted.status_code == 200, accepted.text
    started = await world.step(f"referrals/{offer['referral_id']}/start", headers=partner)
    assert started.status_code == 200, started.text
    officer = world.headers("access-log:read", client_id="data-protection-officer", **READER)
    listed = (await world.ask(f"returnees/{returnee}/access-log", headers=officer))["items"]
    told = [(entry["action"], entry["acting_as"]) for entry in reversed(listed)]
    assert told == [
        ("read_journey", RECORDED),
        ("read_journey", []),
        ("accept_offer", ["role:provider"]),
        ("start_referral", ["role:provider"]),
    ]
    async with world.database.transaction() as session:
        of_person = await accesses(session, returnee, by=None, since=None)
    assert [row["acting_as"] for row in of_person] == [RECORDED, None, ["role:provider"], ["role:provider"], RECORDED]
