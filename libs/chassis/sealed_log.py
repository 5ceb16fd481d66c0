"""An append-only table that is sealed by a hash chain, which detects every changed or removed entry.

A service declares its two tables as a `SealedLog`. Entries carry the id of the transaction that wrote them. The sealer
adds one link over all entries that are final: entries that commit later belong to a later link. Each link has a keyed
hash, whose key is not in the database, and is published in the transaction that creates it. `sealed_log_check` walks
the whole chain and compares every link with the recorded entries, and with the published links.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import Database, now, raw
from libs.chassis.hash_chain import GENESIS, chain, keyed
from libs.chassis.logs import get_logger
from libs.chassis.telemetry import meter
from libs.waiting.pauses import is_set_within

log = get_logger(__name__, fields=("head", "seal_id", "seconds"))

LIMIT = 20_000
"""The approximate maximum number of entries of one link."""
_INTERVAL_SECONDS = 5.0
"""Time between two links; older entries cannot be removed without a trace."""
STALLED_AFTER = timedelta(minutes=1)
_UNSEALED = meter().create_gauge(
    "enlace.audit.unsealed_seconds", unit="s", description="How long the oldest entry of the record waits for its seal"
)
_SEALER_LOCK = 0x656E6C616365
"""The advisory lock that allows only one sealer per database."""
_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


@dataclass(frozen=True, slots=True)
class SealedLog:
    """The two tables, and the columns that a seal covers."""

    entries: str
    """The table of entries: `id` and `transaction_id` among its columns."""
    seals: str
    """The table of links."""
    covered: tuple[str, ...]
    """The columns that a seal covers, in the order in which they are hashed; this order must never change."""
    covered_later: tuple[str, ...] = ()
    """Columns that were added to the table later, hashed after the others. An entry with NULL in all of them is hashed
    as before, so that older entries keep their hash."""


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain, as stored and as published."""

    id: int
    from_transaction: int
    up_to_transaction: int
    entries_count: int
    last_entry_id: int | None
    """The highest id that it covers. In a link of an older version this and `mac` may be None."""
    previous_hash: bytes
    hash: bytes
    sealed_at: datetime
    mac: bytes | None

    @property
    def identity(self) -> tuple[bytes, bytes | None]:
        """The fields that identify one form of a link; the keyed hash covers all of them."""
        return self.hash, self.mac

    def told(self) -> dict[str, Any]:
        """The published form, by name; the link must have its keyed hash. `link_of` reads this form."""
        assert self.mac is not None, "a published link must have its keyed hash"
        assert self.last_entry_id is not None, "a link must cover at least one entry"
        return {
            "seal_id": self.id,
            "from_transaction": self.from_transaction,
            "up_to_transaction": self.up_to_transaction,
            "entries_count": self.entries_count,
            "last_entry_id": self.last_entry_id,
            "previous_hash": self.previous_hash.hex(),
            "hash": self.hash.hex(),
            "mac": self.mac.hex(),
            "at": self.sealed_at,
        }

    def with_mac(self, key: bytes) -> "Link":
        """The same with its keyed hash."""
        return replace(self, mac=self._keyed(key))

    def is_made_with(self, key: bytes) -> bool:
        """Whether it was created with this key."""
        return self.mac is not None and hmac.compare_digest(self.mac, self._keyed(key))

    def maker(self, keys: Sequence[bytes]) -> int | None:
        """The index of the key with which it was created; None if it was none of these."""
        return next((place for place, key in enumerate(keys) if self.is_made_with(key)), None)

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__ if name != "mac")

    def _keyed(self, key: bytes) -> bytes:
        return keyed(key, self._values())


Tell = Callable[[AsyncSession, Link], Awaitable[None]]
"""Publishes a link, in the transaction that creates it."""


async def seal(
    session: AsyncSession,
    table: SealedLog,
    *,
    sealed_at: datetime,
    limit: int = LIMIT,
    keys: Sequence[bytes] = (),
    tell: Tell | None = None,
) -> int | None:
    """Add one link over all final entries, about `limit` at most, and return their number.

    The first of `keys` creates the link. None if another process seals, or if no key of `keys` created the last link.
    """
    connection = await raw(session)
    if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _SEALER_LOCK):
        return None
    if (last := await head(session, table)) and _is_of_another_key(last, keys):
        return None
    start = last.up_to_transaction if last else 0
    end = await _final_horizon(connection, table, start, limit)
    entries = await entries_between(connection, table, start, end)
    if not entries:
        return 0
    previous = last.hash if last else GENESIS
    link = Link(
        id=(last.id if last else 0) + 1,
        from_transaction=start,
        up_to_transaction=end,
        entries_count=len(entries),
        last_entry_id=max(int(str(entry[table.covered.index("id")])) for entry in entries),
        previous_hash=previous,
        hash=chain(previous, entries),
        sealed_at=sealed_at,
        mac=None,
    )
    link = link.with_mac(keys[0]) if keys else link
    await _keep(connection, table, link)
    if tell is not None:
        await tell(session, link)
    return len(entries)


def _is_of_another_key(link: Link, keys: Sequence[bytes]) -> bool:
    """Whether none of our keys created the link: another worker has a newer key, or the link is forged. Then this
    process must not add a link, because a link with an older key must not follow one with a newer key."""
    if not keys or link.mac is None or link.maker(keys) is not None:
        return False
    log.error("audit.key_unknown", seal_id=link.id)
    return True


async def _keep(connection: Any, table: SealedLog, link: Link) -> None:
    values = [getattr(link, name) for name in Link.__slots__]
    places = ", ".join(f"${n}" for n in range(1, len(values) + 1))
    columns = ", ".join(Link.__slots__)
    await connection.execute(f"INSERT INTO {table.seals} ({columns}) VALUES ({places})", *values)  # noqa: S608


async def seal_once(
    database: Database,
    table: SealedLog,
    *,
    sealed_at: datetime | None = None,
    keys: Sequence[bytes] = (),
    tell: Tell | None = None,
) -> int | None:
    """Add one link in its own transaction; its hash is also logged, as further evidence outside the database."""
    async with database.transaction() as session:
        count = await seal(session, table, sealed_at=sealed_at or now(session), keys=keys, tell=tell)
        last = await head(session, table)
        if last is not None and count:
            log.info("audit.sealed", seal_id=last.id, count=count, head=last.hash.hex())
        await _look_for_a_stall(session, table, last)
        return count


async def _look_for_a_stall(session: AsyncSession, table: SealedLog, last: Link | None) -> None:
    """Log an error if entries wait too long for their seal, because unsealed entries can be removed.

    They wait for the oldest transaction of the database or, in a cluster that was restored from a dump, until the
    transaction ids are higher than that of the last seal.
    """
    oldest: datetime | None = await (await raw(session)).fetchval(
        f"SELECT min(at) FROM {table.entries} WHERE id > $1",  # noqa: S608 (a declared name)
        (last.last_entry_id or 0) if last else 0,
    )
    waiting = now(session) - oldest if oldest is not None else timedelta()
    _UNSEALED.set(max(waiting.total_seconds(), 0.0), {"enlace.audit.table": table.entries})
    if waiting > STALLED_AFTER:
        log.error("audit.sealing_stalled", seconds=round(waiting.total_seconds()))


async def seal_forever(
    stop: asyncio.Event, *, database: Database, table: SealedLog, keys: Sequence[bytes] = (), tell: Tell | None = None
) -> None:
    """Seal final entries every few seconds until stopped."""
    while not stop.is_set():
        count = await seal_once(database, table, keys=keys, tell=tell)
        if count is not None and count >= LIMIT:
            continue
        await is_set_within(stop, _INTERVAL_SECONDS)


async def head(session: AsyncSession, table: SealedLog) -> Link | None:
    """The newest link of the chain."""
    row = await (await raw(session)).fetchrow(f"{links_of(table)} ORDER BY id DESC LIMIT 1")
    return None if row is None else Link(*row)


def links_of(table: SealedLog) -> str:
    """SQL that reads all links, without an order."""
    return f"SELECT {', '.join(Link.__slots__)} FROM {table.seals}"  # noqa: S608 (a declared name)


async def entries_between(connection: Any, table: SealedLog, start: int, end: int) -> list[tuple[object, ...]]:
    """The sealed columns of the entries of these transactions, in the order in which they are sealed."""
    rows = await connection.fetch(
        f"SELECT {', '.join(table.covered + table.covered_later)} FROM {table.entries}"  # noqa: S608 (declared names)
        " WHERE transaction_id >= $1 AND transaction_id < $2 ORDER BY transaction_id, id",
        start,
        end,
    )
    return [_hashed(tuple(row), len(table.covered)) for row in rows]


def _hashed(entry: tuple[object, ...], first: int) -> tuple[object, ...]:
    """The values that are hashed: the later columns only if one of them has a value. The number of values differs, so
    no two entries have the same form."""
    return entry if any(value is not None for value in entry[first:]) else entry[:first]


async def _final_horizon(connection: Any, table: SealedLog, start: int, limit: int) -> int:
    """The transaction below which all entries are final; lower if more than about `limit` entries wait.

    Only whole transactions are sealed, so a transaction that wrote more than `limit` entries is sealed as a whole.
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
