"""Two logins for each database: one owns the tables and migrates them, the service runs under the other.

The service's login owns nothing: it has only the rights on rows that `grant` gives it. With this login nobody can
change or drop a table, remove a trigger or a policy, or change rows of append-only tables. `migrate` runs `grant` after
every migration. A service refuses to start under a login with more rights.

That login has no rights on tables whose names begin with `restricted_`. Only the role `<login>_restricted` has them;
the login can switch to it (`SET ROLE`) and does not inherit its rights. A statement without the switch is refused.
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
    """The role that a service's login uses for tables with restricted content."""
    return f"{login}_restricted"


class RoleMissingError(Exception):
    """The role to which `grant` gives rights does not exist."""


class StrongLoginError(Exception):
    """The service's login has more rights than a service may have."""


def owner_variable(variable: str) -> str:
    """The variable with the owner's address: `ENLACE_X_OWNER_DATABASE_URL` for `ENLACE_X_DATABASE_URL`."""
    return variable.removesuffix(_ENDING) + _OWNER_ENDING


async def grant(owner_url: str, login: str) -> None:
    """Give `login` the rights on rows that a service needs, and revoke all others. Safe to repeat.

    A table whose trigger refuses changes gets only SELECT and INSERT. So does the record of changes by operators,
    except its reason, which is deleted later.
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
    """Give the right to read each column by its name. A right to read the whole table would include the system column
    `xmin`, which shows which rows were written together."""
    if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
        raise RoleMissingError(
            f"the role {role} is missing: create it and grant it to the service's login (docs/operations.md)"
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
    # A trigger that allows erasure checks each change itself; it never allows deleting a row.
    return "SELECT, INSERT, UPDATE" if "_but_" in table["refuses"] else "SELECT, INSERT"


async def _execute(connection: Connection, statement: str, *names: str) -> None:
    """Run a statement without parameters; PostgreSQL itself quotes the names."""
    quoted = await connection.fetchval("SELECT format($1, VARIADIC $2::text[])", statement, names)
    await connection.execute(quoted)


async def refuse_strong(database: Database) -> None:
    """Raise `StrongLoginError` if the login of this service owns its tables, or bypasses their policies."""
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
