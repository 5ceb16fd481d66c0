"""The second wall: what a query without its condition would show, the database keeps back.

Each statement here is one of the service's with the tenant's condition taken out.
"""

from __future__ import annotations

from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.chassis.database import raw
from libs.chassis.tenancy import Tenant
from libs.chassis.walls import WORKS_FOR
from tests.infra import for_service
from tests.service.notifications.conftest import ALICE, Notifications

OTHER = UUID("0197a000-0000-7000-8000-00000000beef")
TENANTS = {"endpoint", "endpoint_secret", "delivery", "attempt", "notification", "inbox_counter"}


def tenant(organization_id: UUID | None, *, restricted: bool = False) -> Tenant:
    return Tenant(client_id="a-client", organization_id=organization_id, restricted=restricted)


@pytest.fixture
async def filled(service: Notifications) -> Notifications:
    """An endpoint, a secret, an inbox, and a plain and a restricted delivery with an attempt, of each organisation."""
    connection = await asyncpg.connect(service.url)
    try:
        for organization in (ALICE, OTHER):
            endpoint = uuid4()
            await connection.execute(
                "INSERT INTO endpoint (id, organization_id, url, status, version, created_at, changed_at)"
                " VALUES ($1, $2, 'https://receiver.example.org', 'enabled', 1, now(), now())",
                endpoint,
                organization,
            )
            await connection.execute("INSERT INTO endpoint_secret VALUES ($1, $1, '', NULL)", endpoint)
            await connection.execute("INSERT INTO inbox_counter VALUES ($1, 2)", organization)
            for nth, restricted in enumerate((False, True), start=1):
                message = uuid4()
                await connection.execute(
                    "INSERT INTO notification (message_id, organization_id, event_type, body, position, restricted,"
                    " created_at) VALUES ($1, $2, 'offer.made.v1', '{}', $3, $4, now())",
                    *(message, organization, nth, restricted),
                )
                await connection.execute(
                    "WITH made AS (INSERT INTO delivery (message_id, endpoint_id, organization_id, event_type, body,"
                    " status, attempt_count, created_at, finished_at, restricted) VALUES ($1, $2, $3, 'offer.made.v1',"
                    " '{}', 'succeeded', 1, now(), now(), $4) RETURNING id)"
                    " INSERT INTO attempt (delivery_id, number, at) SELECT id, 1, now() FROM made",
                    *(message, endpoint, organization, restricted),
                )
    finally:
        await connection.close()
    return service


async def counts(service: Notifications, of: Tenant | None) -> dict[str, int]:
    async with service.database.transaction_of(of) as session:
        connection = await raw(session)
        return {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in sorted(TENANTS)}


async def test_a_query_without_its_condition_shows_one_organisations_rows(filled):
    async with filled.database.transaction_of(tenant(ALICE, restricted=True)) as session:
        for table in ("endpoint", "delivery", "notification", "inbox_counter"):
            rows = await (await raw(session)).fetch(f"SELECT organization_id FROM {table}")
            assert {row["organization_id"] for row in rows} == {ALICE}, table
    assert await counts(filled, tenant(ALICE, restricted=True)) == {
        "attempt": 2, "delivery": 2, "endpoint": 1, "endpoint_secret": 1, "inbox_counter": 1, "notification": 2,
    }  # fmt: skip


async def test_rows_about_restricted_offers_do_not_exist_without_the_scope(filled):
    async with filled.database.transaction_of(tenant(ALICE)) as session:
        for table in ("delivery", "notification"):
            rows = await (await raw(session)).fetch(f"SELECT restricted FROM {table}")
            assert [row["restricted"] for row in rows] == [False], table
        assert await (await raw(session)).fetchval("SELECT count(*) FROM attempt") == 1


@pytest.mark.parametrize("of", [None, tenant(None), Tenant(client_id="x", staff=True)], ids=["nobody", "none", "staff"])
async def test_who_is_no_organisation_sees_no_row(filled, of):
    assert set((await counts(filled, of)).values()) == {0}


async def test_a_connection_that_says_nothing_sees_no_row_and_writes_none(filled):
    connection = await asyncpg.connect(for_service(filled.url))
    try:
        for table in TENANTS:
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0
            assert await connection.execute(f"DELETE FROM {table}") == "DELETE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await connection.execute("INSERT INTO inbox_counter VALUES ($1, 1)", uuid4())
    finally:
        await connection.close()


async def test_the_setting_ends_with_its_transaction(filled):
    async with filled.database.transaction():
        pass
    async with filled.database.engine.connect() as connection:
        assert (await connection.exec_driver_sql(f"SELECT current_setting('{WORKS_FOR}', true)")).scalar() in (None, "")
        assert (await connection.exec_driver_sql("SELECT count(*) FROM delivery")).scalar_one() == 0


async def test_a_foreign_row_can_be_neither_changed_nor_given_away(filled):
    async with filled.database.transaction_of(tenant(ALICE, restricted=True)) as session:
        connection = await raw(session)
        assert (
            await connection.execute("UPDATE endpoint SET version = 9 WHERE organization_id = $1", OTHER) == "UPDATE 0"
        )
        assert await connection.execute("DELETE FROM delivery WHERE organization_id = $1", OTHER) == "DELETE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await connection.execute("UPDATE endpoint SET organization_id = $1", OTHER)


async def test_lists_still_walk_their_index(filled):
    async with filled.database.transaction_of(tenant(ALICE)) as session:
        connection = await raw(session)
        await connection.execute("SET LOCAL enable_seqscan = off")
        for statement, index in (
            ("SELECT * FROM endpoint WHERE organization_id = $1 AND status <> 'deleted' ORDER BY id LIMIT 50",
             "endpoint_of_organization"),
            ("SELECT * FROM delivery WHERE organization_id = $1 ORDER BY created_at DESC, id DESC LIMIT 50",
             "delivery_of_organization"),
            ("SELECT * FROM notification WHERE organization_id = $1 AND position > 1 ORDER BY position LIMIT 50",
             "notification_position"),
        ):  # fmt: skip
            plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {statement}", ALICE))
            assert index in plan, plan
            assert "Seq Scan" not in plan, plan
