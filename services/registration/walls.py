"""The work of registration beyond the rows of a caller, and the additional claims of a caller in its transactions.

A request that reads sees only the rows that row-level security shows its caller. A write needs more rows: all arrivals,
to recognise a repetition; every case code; the other members of a household. So a write first checks, under row-level
security, that the caller may see the row with which it begins. Then it continues as the service's own work.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, TypeVar
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import claiming, now, own_work, raw
from libs.chassis.errors import NotFound

T = TypeVar("T")
AREAS: Final = "enlace.areas"
"""Patterns of the places whose people the caller sees, as the text of a `text[]`, such as `GT01%`."""
EVERYWHERE: Final = "enlace.everywhere"
CHILDREN_ONLY: Final = "enlace.children_only"
SOURCE: Final = "enlace.source"
"""The source of the rows that the caller registers itself."""
HIDDEN: Final = "enlace.hidden_categories"
"""Categories whose packets and deletion requests the caller may not see, as the text of a `text[]`."""
RESTRICTED: Final = "enlace.restricted"
"""Here `true` only if the caller also holds a certificate that is valid now; in other services the scope is enough."""
PRINCIPAL: Final = "enlace.principal"
"""The caller itself: a program by its client, a person by the subject."""
EMERGENCIES: Final = "enlace.emergencies"
"""`true` for staff who approve or review access in an emergency: they see all such requests, and no person by that."""
EXPORTS: Final = "enlace.exports"
"""`true` for staff who approve identified exports: they see all requests for exports."""
EMERGENCY: Final = "enlace.emergency"
"""The id of the emergency under which the caller reads one person now, and only then. It hides all other tables."""
AT: Final = "enlace.at"
"""The time of the transaction on the installation's clock, with which the end of an emergency is compared."""
_IDS: Final = {"deletion_request": "offer_id"}


def own(session: AsyncSession, action: Callable[[], Awaitable[T]], **rows: UUID | None) -> Callable[[], Awaitable[T]]:
    """Wrap `action` as the service's own work; NotFound if the caller may not see one of these rows, given by table."""

    async def done() -> T:
        for table, row_id in rows.items():
            if row_id is not None:
                await _require(session, table, row_id)
        async with own_work(session, few_rows=True):
            return await action()

    return done


def under_emergency(session: AsyncSession, emergency_id: UUID) -> AbstractAsyncContextManager[None]:
    """A part of a request in which the database shows the person of this emergency, if it is the caller's and lasts."""
    return claiming(session, {EMERGENCY: str(emergency_id), AT: now(session).isoformat()})


async def _require(session: AsyncSession, table: str, row_id: UUID) -> None:
    """Raise NotFound if the caller may not see the row. Only row-level security decides here: the query has no
    condition for it."""
    statement = f"SELECT EXISTS (SELECT FROM {table} WHERE {_IDS.get(table, 'id')} = $1)"  # noqa: S608 (names of tables)
    if not await (await raw(session)).fetchval(statement, row_id):
        raise NotFound
