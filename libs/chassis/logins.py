"""Two logins for each database: one that owns the tables and migrates them, one that the service runs under.

The service's login owns nothing: it has the rights on rows that `grant` gives it, so whoever speaks through it can
neither change or drop a table, nor take a trigger or a policy away, nor rewrite what is only ever added to. `migrate`
runs `grant` behind every migration. A service refuses to start under a login that has more.

A table whose name begins with `restricted_` is beyond that login. It belongs to a role, `<login>_restricted`, which the
login may take on (`SET ROLE`) and does not inherit: a statement that forgets to, or was smuggled in, is refused.
"""

from typing import Any, Final

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis.database import Connection, Database

_ENDING: Final = "_DATABASE_URL"
_OWNER_ENDING: Final = "_OWNER_DATABASE_URL"

_TABLES = """
SELECT c.oid::regclass::text AS name, c.relname AS bare,
    (
        SELECT string_agg(quote_ident(a.attname), ', ') FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    ) AS columns,
    (
        SELECT max(p.proname) FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
        WHERE t.tgrelid = c.oid AND t.tgname LIKE '%append\\_only' AND p.proname LIKE 'refuse\\_change%'
    ) AS refuses
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY c.relname
"""
_OWN_FUNCTIONS = """
SELECT p.oid::regprocedure::text AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = 'public' AND p.prosecdef
"""
_WEAKNESSES = """
SELECT array_remove(ARRAY[
    CASE WHEN r.rolsuper THEN 'is a superuser' END,
    CASE WHEN r.rolbypassrls THEN 'may bypass row-level security' END,
    CASE WHEN EXISTS (
        SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND pg_has_role(c.relowner, 'USAGE')
    ) THEN 'owns tables' END,
    CASE WHEN EXISTS (
        SELECT FROM pg_database d WHERE d.datname = current_database() AND pg_has_role(d.datdba, 'USAGE')
    ) THEN 'owns the database' END,
    CASE WHEN has_schema_privilege('public', 'CREATE') THEN 'may make tables' END,
    CASE WHEN EXISTS (
        SELECT FROM pg_class c WHERE c.relname LIKE 'restricted\\_%' AND c.relkind IN ('r', 'p')
            AND c.relnamespace = 'public'::regnamespace AND has_any_column_privilege(c.oid, 'SELECT')
    ) THEN 'reads restricted tables without taking on their role' END
], NULL)
FROM pg_roles r WHERE r.rolname = current_user
"""


RESTRICTED_PREFIX: Final = "restricted_"


def restricted_role_of(login: str) -> str:
    """The role that a service's login takes on for tables of restricted content."""
    return f"{login}_restricted"


class RoleMissingError(Exception):
    """A role isn't there to which `grant` would give its rights."""


class StrongLoginError(Exception):
    """The service's login may do more than a service may."""


def owner_variable(variable: str) -> str:
    """The variable with the owner's address: `ENLACE_X_OWNER_DATABASE_URL` for `ENLACE_X_DATABASE_URL`."""
    return variable.removesuffix(_ENDING) + _OWNER_ENDING


async def grant(owner_url: str, login: str) -> None:
    """Give `login` the rights on rows that a service needs, and take every other one that it had. Safe to repeat.

    A table whose trigger refuses changes is only read and added to, and so is the record of changes by hand, but for
    the reason, which ages out.
    """
    connection = await asyncpg.connect(owner_url)
    try:
        async with connection.transaction():
            await _execute(connection, "GRANT USAGE ON SCHEMA public TO %I", login)
            for table in await connection.fetch(_TABLES):
                name = table["name"]
                await _execute(connection, f"REVOKE ALL ON {name} FROM PUBLIC, %I", login)
                if table["bare"].startswith(RESTRICTED_PREFIX):
                    await _grant_restricted(connection, table, restricted_role_of(login))
                else:
                    await _execute(connection, f"GRANT {_rights(table)} ON {name} TO %I", login)
            for function in await connection.fetch(_OWN_FUNCTIONS):
                await _execute(connection, f"REVOKE ALL ON FUNCTION {function['name']} FROM PUBLIC")
                await _execute(connection, f"GRANT EXECUTE ON FUNCTION {function['name']} TO %I", login)
    finally:
        await connection.close()


async def _grant_restricted(connection: Connection, table: asyncpg.Record, role: str) -> None:
    """All of its columns by name: what PostgreSQL keeps beside them (`xmin`) tells which rows were written together."""
    if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
        raise RoleMissingError(
            f"the role {role} is missing: make it, and let the service's login take it on (docs/operations.md)"
        )
    name = table["name"]
    await _execute(connection, "GRANT USAGE ON SCHEMA public TO %I", role)
    await _execute(connection, f"REVOKE ALL ON {name} FROM %I", role)
    rights = f"SELECT ({table['columns']}), INSERT, UPDATE, DELETE"
    await _execute(connection, f"GRANT {rights} ON {name} TO %I", role)


def _rights(table: asyncpg.Record) -> str:
    if table["bare"].startswith("alembic_version"):
        return "SELECT"
    if table["bare"] == "operator_action":
        return "SELECT, INSERT, UPDATE (reason)"
    if table["refuses"] is None:
        return "SELECT, INSERT, UPDATE, DELETE"
    # A trigger that lets an erasure through judges each change itself; it never lets a row go.
    return "SELECT, INSERT, UPDATE" if "_but_" in table["refuses"] else "SELECT, INSERT"


async def _execute(connection: Connection, statement: str, *names: str) -> None:
    """Run a statement that takes no parameters; PostgreSQL itself quotes the names."""
    quoted = await connection.fetchval("SELECT format($1, VARIADIC $2::text[])", statement, names)
    await connection.execute(quoted)


async def refuse_strong(database: Database) -> None:
    """Raise `StrongLoginError` where the login of this service owns what it uses, or policies don't bind it."""
    async with database.engine.connect() as connection:
        why = await _weaknesses(connection)
    if why:
        raise StrongLoginError(
            f"the login of the service {' and '.join(why)}: name the one without rights of an owner;"
            " `migrate` gives it what it needs (docs/operations.md)"
        )


async def _weaknesses(connection: AsyncConnection) -> list[Any]:
    found: list[Any] = (await connection.exec_driver_sql(_WEAKNESSES)).scalar_one()
    return found
