"""The services' databases: one for each, with a login of its own that reaches no other."""

from __future__ import annotations

from collections.abc import Mapping

import asyncpg

NAMES = ("registration", "registration_keys", "provider_directory", "referral", "notifications")
"""Each of a database and of the login that owns it. The keys of registration's sealed data have one of their own."""


async def make_databases(url: str, passwords: Mapping[str, str], *, ending: str = "") -> None:
    """Make what is missing of the databases and logins, and give each login its password. Safe to repeat.

    `url` is of a superuser, `passwords` are by name. `ending` is put behind every name, for tests on a shared server.
    """
    connection = await asyncpg.connect(url)
    try:
        for name in NAMES:
            await _make(connection, f"{name}{ending}", passwords[name])
    finally:
        await connection.close()


async def _make(connection: asyncpg.Connection[asyncpg.Record], name: str, password: str) -> None:
    if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", name):
        await _execute(connection, "CREATE ROLE %I LOGIN", name)
    await _execute(connection, "ALTER ROLE %I LOGIN PASSWORD %L", name, password)
    if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
        await _execute(connection, "CREATE DATABASE %I OWNER %I ENCODING 'UTF8' TEMPLATE template0", name, name)
    await _execute(connection, "REVOKE ALL ON DATABASE %I FROM PUBLIC", name)


async def _execute(connection: asyncpg.Connection[asyncpg.Record], statement: str, *values: str) -> None:
    """Run a statement that takes no parameters; PostgreSQL itself quotes the values."""
    await connection.execute(await connection.fetchval("SELECT format($1, VARIADIC $2::text[])", statement, values))
