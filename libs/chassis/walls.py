"""Row-level security: PostgreSQL decides which rows a transaction can see, whatever a query selects (pure).

`Database` makes settings that say for whom a transaction works. The settings end with the transaction. The policies of
a table read these settings. A transaction without settings can read and write no rows.

| setting | value |
|---|---|
| `enlace.works_for` | `service`: the service's own work; `caller`: a request |
| `enlace.organization_id` | the organisation of the caller's token; empty for none |
| `enlace.staff` | `true` for the network itself |
| `enlace.restricted` | `true` if the caller can see rows of restricted categories |
| `enlace.reception_places` | codes of the caller's reception places, as the text of a `text[]` |

A service that needs more settings passes `told_of` to `build_app`; its settings are added, or replace these.

In a policy each setting is read in a subquery, so that it is read once per statement and does not depend on the row.
The comparison is also inside the subquery. The planner then estimates that the boolean is true for half of all rows. If
the comparison were outside, it would estimate one row in 200. It chooses its plan accordingly.

In a table with policies, a condition can use an index only if its operator is leakproof. `=`, `<` and similar operators
on ids, texts, numbers and times are leakproof. `&&`, `@>`, `@@` and `LIKE` are not, so the service itself cannot use an
index for them. If that matters, a function of the owner that only the service itself can use finds the ids
(`behind_walls`).
"""

from collections.abc import Mapping
from typing import Final

from libs.chassis.tenancy import Tenant

WORKS_FOR: Final = "enlace.works_for"
SHOWS_RESTRICTED: Final = "enlace.restricted"
SERVICE_ITSELF: Final[Mapping[str, str]] = {WORKS_FOR: "service"}
"""The settings of the service's own work: consumers, clocks, sweepers, commands. It can see every row."""


def is_true(setting: str) -> str:
    """The SQL condition that the setting with this name is `true`."""
    return f"(SELECT current_setting('{setting}', true) = 'true')"


SERVICE: Final = f"(SELECT current_setting('{WORKS_FOR}', true) = 'service')"
"""The SQL condition that the transaction is the service's own work."""
CALLER: Final = f"(SELECT current_setting('{WORKS_FOR}', true) = 'caller')"
"""The SQL condition that the transaction works for a request, whoever sent it."""
STAFF: Final = is_true("enlace.staff")
RESTRICTED: Final = is_true(SHOWS_RESTRICTED)
ORGANIZATION: Final = "(SELECT nullif(current_setting('enlace.organization_id', true), '')::uuid)"
"""SQL for the caller's organisation; null for none, which is never equal to a value."""
RECEPTION_PLACES: Final = "(SELECT nullif(current_setting('enlace.reception_places', true), '')::text[])"
"""SQL for the codes of the caller's reception places; null outside a request."""


def settings_of(tenant: Tenant | None, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The settings for a request of this caller; None: a route without a caller, which can see no rows."""
    if tenant is None:
        return {WORKS_FOR: "caller"}
    return {
        WORKS_FOR: "caller",
        "enlace.organization_id": "" if tenant.organization_id is None else str(tenant.organization_id),
        "enlace.staff": _text(tenant.staff),
        SHOWS_RESTRICTED: _text(tenant.restricted),
        "enlace.reception_places": array_text(tenant.reception_places),
        **(more or {}),
    }


def array_text(codes: tuple[str, ...]) -> str:
    """Texts in the form of a `text[]` of PostgreSQL, with any characters."""
    quoted = (code.replace("\\", "\\\\").replace('"', '\\"') for code in codes)
    return "{" + ",".join(f'"{code}"' for code in quoted) + "}"


def wall(table: str, seen: str, written: str | None = None) -> str:
    """SQL that lets callers read the rows for which `seen` is true, and write those for which `written` is true.

    The default of `written` is `seen`; it must not allow rows that `seen` hides. The service's own work can read and
    write all rows. The policies do not apply to the owner of the table: it migrates and makes dumps, and no service
    starts under it.
    """
    reading = f"{SERVICE} OR ({CALLER} AND ({seen}))"
    writing = f"{SERVICE} OR ({CALLER} AND ({seen if written is None else written}))"
    return f"""
    ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
    CREATE POLICY wall_select ON {table} FOR SELECT USING ({reading});
    CREATE POLICY wall_insert ON {table} FOR INSERT WITH CHECK ({writing});
    CREATE POLICY wall_update ON {table} FOR UPDATE USING ({writing});
    CREATE POLICY wall_delete ON {table} FOR DELETE USING ({writing});
    """


def behind_walls(signature: str, returns: str, query: str) -> str:
    """SQL of a function that reads tables with policies as their owner; `query` must check `SERVICE` itself.

    `migrate` allows the service's login to call it. Return only ids and their order, and read the rows with the
    policies.
    """
    if SERVICE not in query:
        raise ValueError("the query must check that the service itself works")
    return f"""
    CREATE FUNCTION {signature} RETURNS {returns} LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $body$ {query} $body$;
    REVOKE ALL ON FUNCTION {signature.partition("(")[0]} FROM PUBLIC;
    """


def closed_while(table: str, setting: str) -> str:
    """SQL that hides all rows of a table while a transaction has made `setting`, whatever other policies allow.

    The condition has no column, so the planner checks it once per statement and does not change its estimates.
    """
    name = f"closed_while_{setting.rpartition('.')[2]}"
    return f"""
    CREATE POLICY {name} ON {table} AS RESTRICTIVE USING (coalesce(current_setting('{setting}', true), '') = '');
    """


def no_wall(table: str) -> str:
    """SQL that removes the policies of a table."""
    drops = "".join(f"DROP POLICY wall_{verb} ON {table};" for verb in ("select", "insert", "update", "delete"))
    return f"{drops} ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;"


def _text(value: bool) -> str:
    return "true" if value else "false"
