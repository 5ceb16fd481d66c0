"""The services' databases: for each a login that owns it, and one that the service runs under."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import asyncpg

NAMES = ("registration", "registration_keys", "provider_directory", "referral", "notifications")
"""Each of a database and of the login that its service runs under. The keys of sealed data have one of their own."""
_PLAIN = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


def owner_of(name: str) -> str:
    """The login that owns a database and migrates it; no service runs under it."""
    return f"{name}_owner"


RESTRICTED = ("registration",)
"""Logins with a role of their own for tables of restricted content, which they take on statement by statement."""
LOGINS = (*NAMES, *(owner_of(name) for name in NAMES))
"""Every login."""


async def make_databases(url: str, passwords: Mapping[str, str], *, ending: str = "") -> None:
    """Make what is missing of the databases and logins, and give each login its password. Safe to repeat.

    A database of an older version, whose service's login owns everything, changes hands here: `migrate` then gives the
    service's login the rights that it needs. `url` is of a superuser, `passwords` are by LOGINS. `ending` is put behind
    every name, for tests on a shared server.
    """
    connection = await asyncpg.connect(url)
    try:
        for name in NAMES:
            login, owner = f"{name}{ending}", f"{owner_of(name)}{ending}"
            await _make_login(connection, login, passwords[name])
            await _make_login(connection, owner, passwords[owner_of(name)])
            await _make_database(connection, login, owner)
            await _give_to_owner(_at(url, login), login, owner)
            if name in RESTRICTED:
                await _make_restricted_role(connection, login)
    finally:
        await connection.close()


async def _make_login(connection: asyncpg.Connection[asyncpg.Record], name: str, password: str) -> None:
    if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", name):
        await _execute(connection, "CREATE ROLE %I LOGIN", name)
    await _execute(connection, f"ALTER ROLE %I {_PLAIN} PASSWORD %L", name, password)


async def _make_restricted_role(connection: asyncpg.Connection[asyncpg.Record], login: str) -> None:
    """A role that nobody logs in under; the login has its rights only once it has taken it on."""
    role = f"{login}_restricted"
    if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
        await _execute(connection, "CREATE ROLE %I NOLOGIN", role)
    await _execute(connection, "GRANT %I TO %I WITH INHERIT FALSE, SET TRUE", role, login)


async def _make_database(connection: asyncpg.Connection[asyncpg.Record], name: str, owner: str) -> None:
    if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
        await _execute(connection, "CREATE DATABASE %I OWNER %I ENCODING 'UTF8' TEMPLATE template0", name, owner)
    await _execute(connection, "ALTER DATABASE %I OWNER TO %I", name, owner)
    await _execute(connection, "REVOKE ALL ON DATABASE %I FROM PUBLIC", name)
    await _execute(connection, "GRANT CONNECT ON DATABASE %I TO %I", name, name)


async def _give_to_owner(url: str, login: str, owner: str) -> None:
    """What the service's login owns in its database becomes the owner's."""
    connection = await asyncpg.connect(url)
    try:
        await _execute(connection, "REASSIGN OWNED BY %I TO %I", login, owner)
    finally:
        await connection.close()


def _at(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


async def _execute(connection: asyncpg.Connection[asyncpg.Record], statement: str, *values: str) -> None:
    """Run a statement that takes no parameters; PostgreSQL itself quotes the values."""
    await connection.execute(await connection.fetchval("SELECT format($1, VARIADIC $2::text[])", statement, values))
