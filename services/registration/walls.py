"""What registration does beyond the rows of a caller, and what its transactions say of one beyond the usual.

Reading, a request sees the rows that the wall shows its caller. Writing touches more: all arrivals, to know a repeat;
every case code; the others of a household. So a write shows first, under the wall, that the row exists for the caller
from which it begins, and is then the service's own work.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import own_work, raw
from libs.chassis.errors import NotFound

T = TypeVar("T")
AREAS: Final = "enlace.areas"
"""Patterns of the places whose people the caller sees, as the text of a `text[]`: `GT01%`."""
EVERYWHERE: Final = "enlace.everywhere"
CHILDREN_ONLY: Final = "enlace.children_only"
SOURCE: Final = "enlace.source"
"""The source of what the caller registers itself."""
HIDDEN: Final = "enlace.hidden_categories"
"""Categories whose needs do not exist for the caller, as the text of a `text[]`."""
_IDS: Final = {"deletion_request": "offer_id"}


def own(session: AsyncSession, action: Callable[[], Awaitable[T]], **rows: UUID | None) -> Callable[[], Awaitable[T]]:
    """`action` as the service's own work; NotFound where one of these rows, by table, does not exist for the caller."""

    async def done() -> T:
        for table, row_id in rows.items():
            if row_id is not None:
                await _require(session, table, row_id)
        async with own_work(session):
            return await action()

    return done


async def _require(session: AsyncSession, table: str, row_id: UUID) -> None:
    """The wall alone decides here: no condition of the query says whose the row is."""
    statement = f"SELECT EXISTS (SELECT FROM {table} WHERE {_IDS.get(table, 'id')} = $1)"  # noqa: S608 (names of tables)
    if not await (await raw(session)).fetchval(statement, row_id):
        raise NotFound
