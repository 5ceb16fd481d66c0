"""The login that a service runs under owns nothing: it changes rows, never tables, and only where rows may change."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import pytest

from deploy import service_databases
from libs.chassis.app import _database_check
from libs.chassis.clock import Clock
from libs.chassis.database import Database
from libs.chassis.health import Unready
from libs.chassis.logins import StrongLoginError, grant, refuse_strong
from libs.chassis.migrations import upgrade_async
from libs.chassis.walls import SERVICE_ITSELF
from libs.events import retention
from tests.infra import SERVICE_LOGIN, for_service

HISTORIES = [
    ("registration", "migrations"), ("registration", "keys_migrations"), ("referral", "migrations"),
    ("provider_directory", "migrations"), ("notifications", "migrations"),
]  # fmt: skip
ONLY_ADDED_TO = {
    "registration": {"audit_entry", "audit_seal", "deletion_answer"},
    "referral": {"access_entry", "access_seal", "step"},
    "provider_directory": {"capacity_declaration"},
    "notifications": set(),
}
CHANGED_BY_ERASURE = {"consent", "consent_withdrawal"}
"""Whose trigger lets nothing but an erasure change a row."""
RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN")


@pytest.mark.parametrize(("service", "history"), HISTORIES)
async def test_it_has_rights_on_rows_and_none_on_tables(migrated, service, history):
    url = migrated(service, history)
    connection = await asyncpg.connect(for_service(url))
    try:
        tables = await connection.fetch(
            "SELECT c.relname AS name,"
            " array(SELECT r FROM unnest($1::text[]) r WHERE has_table_privilege(c.oid, r)) AS may"
            " FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')",
            RIGHTS,
        )
        may = {row["name"]: set(row["may"]) for row in tables}
        added = ONLY_ADDED_TO[service] & may.keys()
        assert len(added) == (len(ONLY_ADDED_TO[service]) if history == "migrations" else 0)
        for name, rights in may.items():
            if name in added or name == "operator_action":
                assert rights == {"SELECT", "INSERT"}, name
            elif name.startswith("restricted_"):
                assert rights == set(), name
            elif name in CHANGED_BY_ERASURE:
                assert rights == {"SELECT", "INSERT", "UPDATE"}, name
            elif name.startswith("alembic_version"):
                assert rights == {"SELECT"}, name
            else:
                assert rights == {"SELECT", "INSERT", "UPDATE", "DELETE"}, name
        name = sorted(may)[-1]
        for statement in (
            f'ALTER TABLE "{name}" ADD COLUMN more text', f'DROP TABLE "{name}"', f'TRUNCATE "{name}"',
            f'ALTER TABLE "{name}" DISABLE ROW LEVEL SECURITY', f'ALTER TABLE "{name}" DISABLE TRIGGER ALL',
            f'ALTER TABLE "{name}" OWNER TO {SERVICE_LOGIN}', f'CREATE POLICY p ON "{name}" USING (true)',
            "CREATE TABLE mine (a int)", "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            f"ALTER ROLE {SERVICE_LOGIN} BYPASSRLS", "SET ROLE pg_read_all_data",
        ):  # fmt: skip
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_rights_that_were_given_by_hand_are_taken_again(migrated):
    url = migrated("referral")
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"GRANT ALL ON step TO {SERVICE_LOGIN}")
        await grant(url, SERVICE_LOGIN)
        assert not await connection.fetchval("SELECT has_table_privilege($1, 'step', 'UPDATE')", SERVICE_LOGIN)
    finally:
        await connection.close()


async def test_days_of_the_event_tables_come_and_go_under_it(migrated):
    url = migrated("referral")
    owner, service = await asyncpg.connect(url), await asyncpg.connect(for_service(url))
    try:
        today = datetime.now(UTC).date()
        await owner.execute("SELECT make_event_day('inbox', $1)", today - timedelta(days=retention.KEEP_DAYS + 1))
        await retention.tidy(service)
        days = {row["name"] for row in await service.fetch(retention.PARTITIONS, "inbox")}
        ahead = [today + timedelta(days=n) for n in range(retention.AHEAD_DAYS + 1)]
        assert days == {"inbox_rest", *(retention.partition_of("inbox", day) for day in ahead)}
        # `republish` reads the archive day by day.
        for day in await service.fetch(retention.PARTITIONS, "outbox_sent"):
            await service.fetch(f"SELECT * FROM {day['name']}")
    finally:
        await owner.close()
        await service.close()


async def test_a_service_refuses_to_start_under_a_login_that_owns_its_tables(things_url, make_app, things, running):
    app = make_app(things.gate, database_url=things_url)
    with pytest.raises(StrongLoginError, match="is a superuser and may bypass row-level security and owns tables"):
        async with app.router.lifespan_context(app):
            pass
    database = Database(things_url, clock=Clock(), application_name="strong")
    with pytest.raises(Unready, match="owns tables"):
        await _database_check(database)()
    await database.close()


@pytest.mark.parametrize(
    ("strength", "why"),
    [
        ("BYPASSRLS", "may bypass row-level security"),
        ("OWNER", "owns tables"),
        ("CREATE", "may make tables"),
        ("MEMBER", "owns tables"),
    ],
)
async def test_each_strength_is_told(postgres_server, strength, why):
    url, name = postgres_server.new_database("strong"), f"strong_{os.getpid()}_{strength.lower()}"
    strengthen = {
        "BYPASSRLS": f"ALTER ROLE {name} BYPASSRLS",
        "OWNER": f"ALTER TABLE thing OWNER TO {name}",
        "CREATE": f"GRANT CREATE ON SCHEMA public TO {name}",
        "MEMBER": f"GRANT {name}_owner TO {name}; ALTER TABLE thing OWNER TO {name}_owner",
    }[strength]
    connection = await asyncpg.connect(url)
    database = Database(_as(url, name, "x"), clock=Clock(), application_name="strong")
    try:
        await connection.execute(
            f"CREATE ROLE {name} LOGIN PASSWORD 'x'; CREATE ROLE {name}_owner; CREATE TABLE thing (a int)"
        )
        await refuse_strong(database)
        await connection.execute(strengthen)
        with pytest.raises(StrongLoginError, match=why):
            await refuse_strong(database)
    finally:
        await database.close()
        await connection.execute(f"DROP OWNED BY {name}, {name}_owner; DROP ROLE {name}, {name}_owner")
        await connection.close()


async def test_a_database_whose_service_owned_everything_changes_hands_with_its_rows(postgres_server):
    """The way from an installation of before: `databases`, then `migrate`."""
    url, ending = postgres_server.new_database("before"), f"_{os.getpid()}_before"
    passwords = dict.fromkeys(service_databases.LOGINS, "x")
    login, owner = f"referral{ending}", f"referral_owner{ending}"
    admin = await asyncpg.connect(url)
    try:
        await admin.execute(f"CREATE ROLE \"{login}\" LOGIN PASSWORD 'x'")
        await admin.execute(f'CREATE DATABASE "{login}" OWNER "{login}" TEMPLATE template0')
        as_before = _as(_at(url, login), login, "x")
        await upgrade_async("referral", as_before, revision="0021")
        before = await asyncpg.connect(as_before)
        await before.execute("INSERT INTO arrival_batch (arrival_batch_id, first_seen_at) VALUES (uuidv7(), now())")
        await before.close()
        for _ in range(2):
            await service_databases.make_databases(url, passwords, ending=ending)
            owner_url = _as(_at(url, login), owner, "x")
            await upgrade_async("referral", owner_url)
            await grant(owner_url, login)
        database = Database(as_before, clock=Clock(), application_name="after")
        await refuse_strong(database)
        await database.close()
        after = await asyncpg.connect(as_before, server_settings=dict(SERVICE_ITSELF))
        assert await after.fetchval("SELECT count(*) FROM arrival_batch") == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await after.execute("ALTER TABLE arrival_batch ADD COLUMN more text")
        await after.close()
    finally:
        for name in service_databases.NAMES:
            await admin.execute(f'DROP DATABASE IF EXISTS "{name}{ending}" WITH (FORCE)')
        for name in service_databases.LOGINS:
            await admin.execute(f'DROP ROLE IF EXISTS "{name}{ending}"')
        for name in service_databases.RESTRICTED:
            await admin.execute(f'DROP ROLE IF EXISTS "{name}{ending}_restricted"')
        await admin.close()


def _as(url: str, login: str, password: str) -> str:
    place = urlsplit(url).netloc.rpartition("@")[2]
    return urlunsplit(urlsplit(url)._replace(netloc=f"{quote(login)}:{password}@{place}"))


def _at(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
