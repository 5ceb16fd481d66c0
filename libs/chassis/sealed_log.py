"""An append-only table that is sealed by a hash chain, so that no entry can change or go unnoticed.

A service declares its two tables as a `SealedLog`. Entries carry the id of the transaction that wrote them. The sealer
adds one link over all entries that are final: whatever commits later belongs to a later link. `check` walks the whole
chain and compares every link with what is recorded now.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import Database, now, raw
from libs.chassis.hash_chain import GENESIS, chain
from libs.chassis.logs import get_logger

log = get_logger(__name__, fields=("head", "seal_id"))

LIMIT = 20_000
"""So many entries, at about, are sealed by one link."""
_INTERVAL_SECONDS = 1.0
_SEALER_LOCK = 0x656E6C616365
"""Advisory lock of the one sealer of a database."""
_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


@dataclass(frozen=True, slots=True)
class SealedLog:
    """Which tables, and what a seal covers."""

    entries: str
    """The table of entries: `id` and `transaction_id` among its columns."""
    seals: str
    """The table of links."""
    covered: tuple[str, ...]
    """The columns that a seal covers, in the order in which they are hashed, for ever."""


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain."""

    id: int
    from_transaction: int
    up_to_transaction: int
    entries_count: int
    previous_hash: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a check of the whole chain found."""

    entries_count: int
    seals_count: int
    broken_at: int | None
    """The first seal that does not match what is recorded; None when all do."""
    unsealed_count: int


async def seal(session: AsyncSession, table: SealedLog, *, sealed_at: datetime, limit: int = LIMIT) -> int | None:
    """Add one link over all entries that are final, `limit` at about; how many it covers. None where another seals."""
    connection = await raw(session)
    if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _SEALER_LOCK):
        return None
    last = await head(session, table)
    start = last.up_to_transaction if last else 0
    end = await _final_horizon(connection, table, start, limit)
    entries = await _entries(connection, table, start, end)
    if not entries:
        return 0
    previous = last.hash if last else GENESIS
    await connection.execute(
        f"INSERT INTO {table.seals} (id, from_transaction, up_to_transaction, entries_count, previous_hash, hash,"  # noqa: S608
        " sealed_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        (last.id if last else 0) + 1,
        start,
        end,
        len(entries),
        previous,
        chain(previous, entries),
        sealed_at,
    )
    return len(entries)


async def seal_once(database: Database, table: SealedLog, *, sealed_at: datetime | None = None) -> int | None:
    """One link, in a transaction of its own; its head goes to the log as a witness outside of the database."""
    async with database.transaction() as session:
        count = await seal(session, table, sealed_at=sealed_at or now(session))
        last = await head(session, table) if count else None
        if last is not None:
            log.info("audit.sealed", seal_id=last.id, count=count, head=last.hash.hex())
        return count


async def seal_forever(stop: asyncio.Event, *, database: Database, table: SealedLog) -> None:
    """Seal what is final every second until told to stop."""
    while not stop.is_set():
        count = await seal_once(database, table)
        if count is not None and count >= LIMIT:
            continue
        try:
            await asyncio.wait_for(stop.wait(), _INTERVAL_SECONDS)
        except TimeoutError:
            continue


async def head(session: AsyncSession, table: SealedLog) -> Link | None:
    """The newest link of the chain."""
    row = await (await raw(session)).fetchrow(f"{_links(table)} ORDER BY id DESC LIMIT 1")
    return None if row is None else Link(*row)


async def check(session: AsyncSession, table: SealedLog) -> ChainReport:
    """Walk the whole chain and compare every link with what is recorded now."""
    connection = await raw(session)
    previous, start, counted, seals = GENESIS, 0, 0, 0
    broken_at: int | None = None
    for row in await connection.fetch(f"{_links(table)} ORDER BY id"):
        link = Link(*row)
        found = await _entries(connection, table, start, link.up_to_transaction)
        expected = Link(seals + 1, start, link.up_to_transaction, len(found), previous, chain(previous, found))
        if link != expected and broken_at is None:
            broken_at = link.id
        previous, start = link.hash, link.up_to_transaction
        counted, seals = counted + len(found), seals + 1
    total = await connection.fetchval(f"SELECT count(*) FROM {table.entries}")  # noqa: S608 (a declared name)
    return ChainReport(entries_count=total, seals_count=seals, broken_at=broken_at, unsealed_count=total - counted)


def _links(table: SealedLog) -> str:
    columns = "id, from_transaction, up_to_transaction, entries_count, previous_hash, hash"
    return f"SELECT {columns} FROM {table.seals}"  # noqa: S608 (a declared name)


async def _entries(connection: Any, table: SealedLog, start: int, end: int) -> list[tuple[object, ...]]:
    """What a seal covers of the entries of these transactions, in the order in which they are sealed."""
    rows = await connection.fetch(
        f"SELECT {', '.join(table.covered)} FROM {table.entries}"  # noqa: S608 (declared names)
        " WHERE transaction_id >= $1 AND transaction_id < $2 ORDER BY transaction_id, id",
        start,
        end,
    )
    return [tuple(row) for row in rows]


async def _final_horizon(connection: Any, table: SealedLog, start: int, limit: int) -> int:
    """Below which transaction all entries are final; lower when more than about `limit` entries wait.

    Whole transactions only, so one that wrote more than `limit` entries is taken whole.
    """
    cut_statement = (
        f"SELECT transaction_id FROM {table.entries} WHERE transaction_id >= $1 AND transaction_id < $2"  # noqa: S608
        " ORDER BY transaction_id, id OFFSET $3 LIMIT 1"
    )
    horizon: int = await connection.fetchval(_HORIZON)
    cut: int | None = await connection.fetchval(cut_statement, start, horizon, limit)
    if cut is None:
        return horizon
    first: int = await connection.fetchval(cut_statement, start, horizon, 0)
    return max(cut, first + 1)
