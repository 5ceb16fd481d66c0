"""The second wall: what a query without its condition would show, the database keeps back.

Each table is read whole, without any condition, inside a transaction of a caller. What may be seen is stated here once
more, apart from the policies, and looked up as superuser.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.chassis.database import on_behalf_of, own_work, raw
from libs.chassis.tenancy import Tenant
from services.referral.access import Rights
from services.referral.bulk_answers import queries as bulk_answers
from services.referral.offers import queries as offers
from services.referral.referrals import queries as referrals
from services.referral.stays import queries as stays
from services.referral.waitlists import queries as waitlists
from services.referral.work_lists import queries as work_lists
from services.referral.work_lists.schemas import Filters
from tests.service.referral.world import Provider, World

OFFERED = "SELECT offer_id FROM offer WHERE organization_id = $1 AND ($2 OR NOT restricted)"
OF_ORGANIZATION = {
    "offer": f"offer_id IN ({OFFERED})",
    "journey": f"returnee_id IN (SELECT returnee_id FROM offer WHERE offer_id IN ({OFFERED}))",
    "referral": f"offer_id IN ({OFFERED} AND status = 'accepted')",
    "step": f"offer_id IN ({OFFERED}) OR (offer_id IS NULL AND referral_id IN"
    f" (SELECT referral_id FROM offer WHERE offer_id IN ({OFFERED} AND status = 'accepted')))",
    "stay": "organization_id = $1 AND ($2 OR NOT restricted)",
    "place_hold": f"offer_id IN ({OFFERED})",
    "pool": "provider_service_id IN (SELECT provider_service_id FROM provider_service WHERE organization_id = $1"
    " AND ($2 OR NOT (view->>'restricted')::boolean))",
    "provider_service": "organization_id = $1 AND ($2 OR NOT (view->>'restricted')::boolean)",
    "provider_organization": "organization_id = $1",
    "capacity": "organization_id = $1",
    "waitlist_entry": "($2 OR NOT restricted) AND provider_service_ids &&"
    " ARRAY(SELECT provider_service_id FROM provider_service WHERE organization_id = $1)",
    "bulk_answer": "organization_id = $1",
}
"""What exists for an organisation ($1), with `restricted:read` or without ($2). Of every other table nothing does."""
NOT_RESTRICTED = "$1::uuid IS NULL AND ($2 OR NOT restricted)"
OF_STAFF = {
    **dict.fromkeys(("offer", "need", "referral", "stay", "review", "waitlist_entry", "access_entry"), NOT_RESTRICTED),
    **dict.fromkeys(
        ("journey", "household", "timer", "capacity", "provider_organization", "absence"),
        "$1::uuid IS NULL AND $2 IS NOT NULL",
    ),
    "step": "$1::uuid IS NULL AND need_id IN (SELECT need_id FROM need WHERE $2 OR NOT restricted)",
    "place_hold": "$1::uuid IS NULL AND offer_id IN (SELECT offer_id FROM offer WHERE $2 OR NOT restricted)",
    "provider_service": "$1::uuid IS NULL AND ($2 OR NOT (view->>'restricted')::boolean)",
    "pool": "$1::uuid IS NULL AND provider_service_id IN"
    " (SELECT provider_service_id FROM provider_service WHERE $2 OR NOT (view->>'restricted')::boolean)",
}
WALLED = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relrowsecurity ORDER BY relname"
FILLED = OF_ORGANIZATION.keys() | OF_STAFF.keys() - {"absence"}


def tenant(organization_id: UUID | None, *, restricted: bool = False) -> Tenant:
    """An organisation's, or staff's."""
    return Tenant("a", organization_id=organization_id, restricted=restricted, staff=organization_id is None)


async def walled(world: World) -> list[str]:
    return [row["relname"] for row in await world.rows(WALLED)]


async def every_row(world: World, of: Tenant | None) -> dict[str, list[str]]:
    """What each table shows, read without a condition for this caller."""
    tables = await walled(world)
    async with world.database.transaction_of(of) as session:
        connection = await raw(session)
        return {
            table: sorted(row["one"] for row in await connection.fetch(f"SELECT one::text FROM {table} AS one"))
            for table in tables
        }


async def expected(world: World, conditions: dict[str, str], *values: Any) -> dict[str, list[str]]:
    """The same by the conditions of this file, looked up by who is bound by no wall."""
    tables, connection = await walled(world), await asyncpg.connect(world.url)
    try:
        found = {}
        for table in tables:
            if table in conditions:
                statement = f"SELECT one::text FROM {table} AS one WHERE {conditions[table]}"
                types = "uuid, boolean"
                await connection.execute(f"PREPARE looked({types}) AS {statement}")
                given = ", ".join("NULL" if value is None else f"'{value}'" for value in values)
                rows = await connection.fetch(f"EXECUTE looked({given})")
                await connection.execute("DEALLOCATE looked")
                found[table] = sorted(row["one"] for row in rows)
            else:
                found[table] = []
        return found
    finally:
        await connection.close()


@pytest.fixture
async def two(world: World) -> tuple[World, Provider, Provider]:
    """Two shelters with guests of each kind: offered, accepted, staying, waiting; and each with a restricted guest."""
    both = [await world.provider(places=6, max_stay_hours=72) for _ in range(2)]
    for _ in range(4):
        await staying_anywhere(world, both)
    for one in both:
        restricted = await world.provider(
            category="gbv", restricted=True, organization_id=one.organization_id, kind="rooms"
        )
        assert restricted.organization_id == one.organization_id
        await world.person({"category": "gbv"})
    await world.family(3)
    for _ in range(12):
        await world.person({})
    await world.round()
    for row in await world.rows("SELECT offer_id, organization_id FROM offer WHERE status = 'pending' LIMIT 4"):
        headers = world.issuer.headers("offers:answer", organization_id=row["organization_id"], client_id="a")
        body = {"answers": [{"offer_id": str(row["offer_id"]), "answer": "accept"}]}
        answer = await world.client.post(
            "/v1/offers/answers", json=body, headers={**headers, "Idempotency-Key": str(uuid4())}
        )
        assert answer.status_code == 200, answer.text
    for review in await world.rows("SELECT review_id FROM review WHERE status = 'pending' LIMIT 1"):
        answer = await world.step(f"reviews/{review['review_id']}/approve", {}, headers=world.staff(restricted=True))
        assert answer.status_code == 200, answer.text
    await world.round()
    await world.ask("waitlists")
    return world, both[0], both[1]


async def staying_anywhere(world: World, both: list[Provider]) -> None:
    """Somebody stays at whichever shelter was asked."""
    returnee = await world.person({})
    await world.round()
    offer = await world.offer_of(returnee)
    shelter = next(one for one in both if one.organization_id == offer["organization_id"])
    for path in (f"offers/{offer['offer_id']}/accept", f"referrals/{offer['referral_id']}/start"):
        answer = await world.step(path, headers=world.partner(shelter))
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("restricted", [False, True])
async def test_an_organisation_sees_its_own_rows_of_every_table_and_no_other(two, restricted):
    world, *both = two
    everything = await expected(world, dict.fromkeys(await walled(world), "$1::uuid IS NULL AND $2"), None, True)
    for one in both:
        shown = await every_row(world, tenant(one.organization_id, restricted=restricted))
        assert shown == await expected(world, OF_ORGANIZATION, one.organization_id, restricted)
        for table in ("offer", "journey", "referral", "step", "stay", "place_hold", "pool", "bulk_answer"):
            assert 0 < len(shown[table]) < len(everything[table]), f"{table} proves nothing"
        assert len(shown["waitlist_entry"]) > 0


@pytest.mark.parametrize("restricted", [False, True])
async def test_staff_sees_what_is_restricted_with_its_scope_only(two, restricted):
    world, *_ = two
    everything = await expected(world, dict.fromkeys(await walled(world), "$1::uuid IS NULL AND $2"), None, True)
    shown = await every_row(world, tenant(None, restricted=restricted))
    conditions = {**OF_STAFF, "kept_pool": "false"}
    assert shown == await expected(world, conditions, None, restricted)
    for table in FILLED - {"bulk_answer", *([] if restricted else ["review"])}:
        assert shown[table], f"{table} proves nothing"
    for table in ("need", "referral", "review", "step", "provider_service", "pool"):
        assert (len(shown[table]) == len(everything[table])) is restricted, f"{table} proves nothing"


@pytest.mark.parametrize(
    "of",
    [None, Tenant("a"), Tenant("a", service="registration"), Tenant("a", reception_places=("GT",)), tenant(uuid4())],
    ids=["nobody", "no-tenant", "service", "reception", "stranger"],
)
async def test_who_is_neither_staff_nor_asked_sees_no_row(two, of):
    world, *_ = two
    shown = await every_row(world, of)
    assert {table for table, rows in shown.items() if rows} == set()


async def test_a_caller_writes_nothing_but_by_the_services_own_work(two):
    world, one, other = two
    async with world.database.transaction_of(tenant(one.organization_id, restricted=True)) as session:
        connection = await raw(session)
        for table in await walled(world):
            if table in ("step", "access_entry", "access_seal"):
                continue  # rights on the table refuse that already
            done = await connection.execute(f"DELETE FROM {table} WHERE $1::uuid IS NOT NULL", other.organization_id)
            assert done == "DELETE 0" or table == "bulk_answer", table
        assert await connection.execute("UPDATE offer SET status = 'accepted'") == "UPDATE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            async with session.begin_nested():
                await (await raw(session)).execute(
                    "INSERT INTO absence SELECT uuidv7(), 'a', 'b', now(), now(), 'other', 'c', now()"
                )
        async with own_work(session):
            assert await connection.fetchval("SELECT count(*) FROM need") > 0
        assert await connection.fetchval("SELECT count(*) FROM need") == 0


async def test_a_part_on_behalf_of_a_caller_sees_what_that_caller_sees(two):
    world, one, other = two
    async with world.database.transaction() as session:
        connection = await raw(session)
        for provider in (one, other):
            async with on_behalf_of(session, tenant(provider.organization_id)):
                found = await connection.fetch("SELECT DISTINCT organization_id FROM offer")
                assert [row["organization_id"] for row in found] == [provider.organization_id]
        assert await connection.fetchval("SELECT count(DISTINCT organization_id) FROM offer") == 2


async def test_routes_whose_condition_is_gone_still_show_nothing_foreign(two, monkeypatch):
    """The attack: the same requests against a service whose queries have lost the tenant's condition."""
    world, one, other = two
    everybodys = "($1::uuid IS NULL OR true) AND ($2::boolean OR true)"
    monkeypatch.setattr(offers, "_SEEN", everybodys)
    monkeypatch.setattr(stays, "_SEEN", everybodys)
    monkeypatch.setattr(referrals, "_VIEW", referrals._VIEW.replace("offer.organization_id = $1", "$1 IS NOT NULL"))
    monkeypatch.setattr(referrals, "_SEEN", referrals._SEEN.replace("offer.organization_id = $1", "$1 IS NOT NULL"))
    monkeypatch.setattr(bulk_answers, "_RESULTS", bulk_answers._RESULTS.replace("call_id = $1", "$1::uuid IS NOT NULL"))
    stranger = world.partner(other)
    offer, taken = [
        (await world.rows(statement, one.organization_id))[0]
        for statement in (
            "SELECT * FROM offer WHERE organization_id = $1 AND status = 'pending'",
            "SELECT offer.* FROM offer JOIN stay USING (offer_id) WHERE offer.organization_id = $1",
        )
    ]
    for path in (f"offers/{offer['offer_id']}", f"offers/{offer['offer_id']}/explanation",
                 f"offers/{offer['offer_id']}/timeline", f"referrals/{taken['referral_id']}",
                 f"referrals/{taken['referral_id']}/stay"):  # fmt: skip
        assert (await world.client.get(f"/v1/{path}", headers=stranger)).status_code == 404, path
    for verb in ("acknowledge", "accept", "decline"):
        body = {"reason": "full"} if verb == "decline" else None
        answer = await world.step(f"offers/{offer['offer_id']}/{verb}", body, headers=stranger)
        assert answer.status_code == 404, verb
    done = await world.step(f"referrals/{taken['referral_id']}/complete", {"outcome": "need_met"}, headers=stranger)
    assert done.status_code == 404
    bulk = await world.client.post(
        "/v1/offers/answers", json={"answers": [{"offer_id": str(offer["offer_id"]), "answer": "accept"}]},
        headers={**stranger, "Idempotency-Key": str(uuid4())},
    )  # fmt: skip
    assert {one_result["offer_id"] for one_result in bulk.json()["results"]} <= {
        str(row["offer_id"]) for row in await world.rows(
            "SELECT offer_id FROM bulk_answer WHERE organization_id = $1", other.organization_id)
    }  # fmt: skip
    after = await world.row("SELECT status FROM offer WHERE offer_id = $1", offer["offer_id"])
    assert after["status"] == "pending"
    assert (await world.client.get(f"/v1/offers/{offer['offer_id']}", headers=world.partner(one))).status_code == 200


async def test_lists_walk_their_index_behind_the_wall_and_read_settings_once(two):
    """No condition of a list is lost to an index, and no policy asks a setting for each row."""
    world, one, _ = two
    a_page = work_lists.page_statement
    rights, staff = Rights(one.organization_id, restricted=False), Rights(None, restricted=False)
    own = f"SELECT * FROM offer WHERE organization_id = '{one.organization_id}' AND NOT restricted"
    lists = [
        (rights, f"{own} AND offer_id > '{UUID(int=1)}' ORDER BY offer_id LIMIT 50", [], "ix_offer_organization"),
        (rights, f"SELECT * FROM offer WHERE offer_id = '{UUID(int=1)}'", [], "pk_offer"),
        (rights, f"SELECT * FROM stay WHERE ended_at IS NULL AND organization_id = '{one.organization_id}'"
                 " AND NOT restricted ORDER BY leaves_at, referral_id LIMIT 50", [], "ix_stay_"),
        (staff, *waitlists.page_statement(waitlists.Asked(), after=None, limit=50), "ix_waitlist_entry_ordinary"),
        (staff, *a_page(work_lists.overdue(), staff, Filters(), after=None, limit=50), "ix_need_own"),
        (staff, *a_page(work_lists.halted(), staff, Filters(), after=None, limit=50), "ix_referral_"),
    ]  # fmt: skip
    for seen, statement, values, index in lists:
        async with world.database.transaction_of(seen.tenant) as session:
            connection = await raw(session)
            await connection.execute("SET LOCAL enable_seqscan = off")
            rows = await connection.fetch(f"EXPLAIN (VERBOSE) {statement}", *values)
        plan = [row[0].strip() for row in rows]
        assert any(index in line for line in plan), "\n".join(plan)
        asked = [line for line in plan if "current_setting" in line]
        assert asked
        assert all(line.startswith("Output:") for line in asked), "\n".join(plan)
        assert any("InitPlan" in line for line in plan)
