"""The services' databases: each has one login that owns it, and one with which the service runs."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import asyncpg

NAMES = ("registration", "registration_keys", "provider_directory", "referral", "notifications")
"""The names of the databases; the login of the service has the same name. The keys of sealed data have their own."""
_PLAIN = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


def owner_of(name: str) -> str:
    """The login that owns a database and migrates it. No service runs with this login."""
    return f"{name}_owner"


RESTRICTED = ("registration",)
"""Logins with a separate role for tables with restricted content; they switch to it only for single statements."""
LOGINS = (*NAMES, *(owner_of(name) for name in NAMES))
"""All logins."""


async def make_databases(url: str, passwords: Mapping[str, str], *, ending: str = "") -> None:
    """Create missing databases and logins, and set the password of each login. It can run again without harm.

    In a database of an older version, the service's login owns everything; this function makes the other login the
    owner, and `migrate` then gives the service's login the rights that it needs. `url` is that of a superuser;
    `passwords` contains one for each of LOGINS. `ending` is appended to every name, for tests on a shared server.
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
    """Create a role that cannot log in. The login gets the rights of this role only when it switches to the role."""
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
    """Make the owner login the owner of everything that the service's login owns in its database."""
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
