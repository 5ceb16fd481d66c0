"""The second wall: which rows exist for a transaction, judged by PostgreSQL whatever a query asks for (pure).

A transaction says for whom it works, in settings that end with it (`Database` sets them). The policies of a table read
these settings. A transaction that says nothing sees no row and writes none.

| setting | holds |
|---|---|
| `enlace.works_for` | `service`: the service's own work; `caller`: a request |
| `enlace.organization_id` | the organisation of the caller's token; empty for none |
| `enlace.staff` | `true` for the network itself |
| `enlace.restricted` | `true` where rows of restricted categories exist for the caller |
| `enlace.reception_places` | codes of the caller's reception places, as the text of a `text[]` |

A service that needs more gives `build_app` a `told_of`, whose settings come on top.

In a policy a setting is read in a subquery of its own, so that it is read once a statement and is no function of the
row. What is asked of it is asked inside: of a boolean the planner expects that it holds for half of all rows, of an
equation outside for one in 200, and plans by it.

Behind a policy a condition may use its index only where its operator can't leak what it saw: `=`, `<` and their like on
ids, texts, numbers and times may; `&&`, `@>`, `@@` and `LIKE` may not, for the service itself neither. Where that
matters ids are found by a function of the owner that answers to the service's own work alone (`behind_walls`).
"""

from collections.abc import Mapping
from typing import Final

from libs.chassis.tenancy import Tenant

WORKS_FOR: Final = "enlace.works_for"
SERVICE_ITSELF: Final[Mapping[str, str]] = {WORKS_FOR: "service"}
"""What the service's own work says: consumers, clocks, sweepers, commands. Every row exists for it."""


def is_true(setting: str) -> str:
    """The SQL condition that a setting of this name says `true`."""
    return f"(SELECT current_setting('{setting}', true) = 'true')"


SERVICE: Final = f"(SELECT current_setting('{WORKS_FOR}', true) = 'service')"
"""The SQL condition that the service itself works."""
CALLER: Final = f"(SELECT current_setting('{WORKS_FOR}', true) = 'caller')"
"""The SQL condition that a request is worked on, whoever sent it."""
STAFF: Final = is_true("enlace.staff")
RESTRICTED: Final = is_true("enlace.restricted")
ORGANIZATION: Final = "(SELECT nullif(current_setting('enlace.organization_id', true), '')::uuid)"
"""SQL for the caller's organisation; null for none, which equals nothing."""
RECEPTION_PLACES: Final = "(SELECT nullif(current_setting('enlace.reception_places', true), '')::text[])"
"""SQL for the codes of the caller's reception places; null outside a request."""


def settings_of(tenant: Tenant | None, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a request of this caller says; None: a route that asks for no caller, for which no row exists."""
    if tenant is None:
        return {WORKS_FOR: "caller"}
    return {
        WORKS_FOR: "caller",
        "enlace.organization_id": "" if tenant.organization_id is None else str(tenant.organization_id),
        "enlace.staff": _text(tenant.staff),
        "enlace.restricted": _text(tenant.restricted),
        "enlace.reception_places": array_text(tenant.reception_places),
        **(more or {}),
    }


def array_text(codes: tuple[str, ...]) -> str:
    """Texts as PostgreSQL reads a `text[]`, whatever they hold."""
    quoted = (code.replace("\\", "\\\\").replace('"', '\\"') for code in codes)
    return "{" + ",".join(f'"{code}"' for code in quoted) + "}"


def wall(table: str, seen: str, written: str | None = None) -> str:
    """SQL that lets callers see the rows of which `seen` holds and write those of which `written` does.

    `written` is the same as `seen` unless it is given, and must not let anything through that `seen` hides. The
    service's own work sees and writes all. The owner of the table isn't bound: it migrates and dumps, and no service
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
    """SQL of a function that looks into walled tables as their owner; `query` must ask `SERVICE` itself.

    `migrate` lets the service's login call it. Return ids and what orders them, and read the rows through the wall.
    """
    if SERVICE not in query:
        raise ValueError("the function would answer to everybody")
    return f"""
    CREATE FUNCTION {signature} RETURNS {returns} LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $body$ {query} $body$;
    REVOKE ALL ON FUNCTION {signature.partition("(")[0]} FROM PUBLIC;
    """


def no_wall(table: str) -> str:
    """SQL that takes the wall of a table down again."""
    drops = "".join(f"DROP POLICY wall_{verb} ON {table};" for verb in ("select", "insert", "update", "delete"))
    return f"{drops} ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;"


def _text(value: bool) -> str:
    return "true" if value else "false"
