"""Every table of a service has a wall, or is named here with the reason why it holds nobody's rows.

What the walls of a service show and hide is tested beside that service.
"""

from __future__ import annotations

from contextlib import suppress
from uuid import uuid4

import asyncpg
import pytest

from libs.chassis import walls
from libs.chassis.clock import Clock
from libs.chassis.database import Database, on_behalf_of, own_work, raw
from libs.chassis.tenancy import Tenant
from libs.events.tables import is_event_table
from tests.infra import for_service

KEYS_OF_REQUESTS = "keys of requests by their owner, with a keyed digest and an id; looked up by both"
SUPPLY = "how many changes of supply each category had; nothing about a person, a need or an offer"
WITHOUT_WALL = {
    "notifications": {"idempotency_key": KEYS_OF_REQUESTS},
    "referral": {
        "idempotency_key": KEYS_OF_REQUESTS,
        "supply_change": SUPPLY,
        "supply_total": SUPPLY,
    },
    "provider_directory": {"idempotency_key": KEYS_OF_REQUESTS},
    "registration": {"idempotency_key": KEYS_OF_REQUESTS},
}
"""Tables that hold nobody's rows. A new table isn't among them: it needs a wall, or its reason here."""
VERBS = {"a", "d", "r", "w"}
# A restrictive policy only hides rows that another policy shows.
TABLES = """
SELECT c.relname AS name, c.relrowsecurity AS walled,
    array_remove(array_agg(p.polcmd::text), NULL) AS verbs,
    bool_and(coalesce(pg_get_expr(p.polqual, c.oid), pg_get_expr(p.polwithcheck, c.oid)) LIKE '%enlace.works_for%')
        AS asks
FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid AND p.polpermissive
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
GROUP BY c.oid ORDER BY c.relname
"""


@pytest.mark.parametrize("service", WITHOUT_WALL)
async def test_every_table_has_a_wall_or_a_reason(migrated, service):
    connection = await asyncpg.connect(migrated(service))
    try:
        tables = {row["name"]: row for row in await connection.fetch(TABLES)}
    finally:
        await connection.close()
    open_to_all = {
        name
        for name, row in tables.items()
        if not row["walled"] and not is_event_table(name) and not name.startswith("alembic_version")
    }
    assert open_to_all == WITHOUT_WALL[service].keys()
    for name, row in tables.items():
        if row["walled"]:
            assert (set(row["verbs"]), row["asks"]) == (VERBS, True), name


@pytest.mark.parametrize("service", WITHOUT_WALL)
async def test_who_says_nothing_sees_no_row_and_the_service_is_bound(migrated, service):
    connection = await asyncpg.connect(for_service(migrated(service)))
    try:
        strong = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
        assert await connection.fetchval(strong) is False
        for row in await connection.fetch(TABLES):
            if row["walled"]:
                assert await connection.fetchval("SELECT row_security_active($1)", row["name"]), row["name"]
                for statement in (f'SELECT FROM "{row["name"]}"', f'DELETE FROM "{row["name"]}"'):
                    with suppress(asyncpg.InsufficientPrivilegeError):  # what is only added to, or for a role alone
                        assert (await connection.execute(statement)).endswith(" 0"), row["name"]
    finally:
        await connection.close()


@pytest.fixture
async def said(migrated):
    """A pool of one connection, and what a transaction of it says."""
    database = Database(for_service(migrated("notifications")), clock=Clock(), application_name="walls", pool_size=1)
    yield database
    await database.close()


async def spoken(session) -> dict[str, str | None]:
    connection = await raw(session)
    names = ["works_for", "organization_id", "staff", "restricted", "reception_places"]
    return {name: await connection.fetchval("SELECT current_setting($1, true)", f"enlace.{name}") for name in names}


async def test_what_a_transaction_says_ends_with_it(said):
    organization = uuid4()
    tenant = Tenant("a", organization_id=organization, restricted=True, reception_places=('GT"01', "a,b\\"))
    async with said.transaction_of(tenant) as session:
        assert await spoken(session) == {
            "works_for": "caller", "organization_id": str(organization), "staff": "false", "restricted": "true",
            "reception_places": '{"GT\\"01","a,b\\\\"}',
        }  # fmt: skip
        places = await (await raw(session)).fetchval(f"SELECT {walls.RECEPTION_PLACES}")
        assert places == ['GT"01', "a,b\\"]
    async with said.engine.connect() as connection:  # the same connection, and nobody has said anything
        told = (await connection.exec_driver_sql(f"SELECT current_setting('{walls.WORKS_FOR}', true)")).scalar()
        assert told in (None, "")
    async with said.transaction() as session:
        assert (await spoken(session))["organization_id"] in (None, "")
    async with said.transaction_of(None) as session:
        now_said = await spoken(session)
        assert (now_said.pop("works_for"), {value or "" for value in now_said.values()}) == ("caller", {""})


async def test_own_work_ends_with_its_part_also_by_a_refusal_or_a_failed_statement(said):
    async with said.transaction_of(Tenant("a", staff=True)) as session:
        async with own_work(session):
            assert (await spoken(session))["works_for"] == "service"
            async with own_work(session):
                pass
            assert (await spoken(session))["works_for"] == "service"
        assert (await spoken(session))["works_for"] == "caller"
        with pytest.raises(ValueError, match="refused"):
            async with own_work(session):
                raise ValueError("refused")
        assert (await spoken(session))["works_for"] == "caller"
        with pytest.raises(asyncpg.UndefinedTableError):
            async with session.begin_nested(), own_work(session):
                await (await raw(session)).execute("SELECT * FROM nothing_of_this_name")
        assert (await spoken(session))["works_for"] == "caller"


async def test_plans_are_kept_in_the_part_that_asks_for_it_and_in_no_other(said):
    async def plans(session):
        return await (await raw(session)).fetchval("SHOW plan_cache_mode")

    tenant = Tenant("a", staff=True)
    async with said.transaction_of(tenant) as session:
        async with own_work(session):
            assert await plans(session) == "auto"
            async with own_work(session, few_rows=True):
                assert await plans(session) == "force_generic_plan"
                async with own_work(session), on_behalf_of(session, tenant), own_work(session):
                    assert (await spoken(session))["works_for"] == "service"
                assert await plans(session) == "force_generic_plan"
            assert (await plans(session), (await spoken(session))["works_for"]) == ("auto", "service")
        with pytest.raises(ValueError, match="refused"):
            async with own_work(session, few_rows=True):
                raise ValueError("refused")
        assert (await plans(session), (await spoken(session))["works_for"]) == ("auto", "caller")
    async with said.transaction() as session:
        assert await plans(session) == "auto"
