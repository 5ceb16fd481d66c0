"""Check a sealed record: against its chain, the key of its seals, and the seals that left the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.chassis.hash_chain import GENESIS, chain
from libs.chassis.sealed_log import Link, SealedLog, entries_between, links_of

TOLD_WITHIN = timedelta(hours=1)
"""An older seal that was not published is a fault: its publication was prevented, or it is forged."""


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a check of the whole chain found."""

    entries_count: int
    seals_count: int
    broken_at: int | None
    """The first seal that does not match the recorded entries; None if all match."""
    unsealed_count: int
    faults: list[str] = field(default_factory=list)
    """Further faults, one sentence each: of keyed hashes, and compared with the published seals."""
    told_count: int | None = None
    """The number of published seals; None if these were not compared."""

    @property
    def is_sound(self) -> bool:
        """Whether there is no fault."""
        return self.broken_at is None and not self.faults


async def check(
    session: AsyncSession, table: SealedLog, *, keys: Sequence[bytes] = (), told: Sequence[Link] | None = None
) -> ChainReport:
    """Check the whole chain and compare every link with the recorded entries.

    With the keys (newest first) it also checks that the service created each link. With `told` it checks that each link
    is the published one, and that no published link is missing.
    """
    connection = await raw(session)
    for name in (table.entries, table.seals):
        if await connection.fetchval("SELECT to_regclass($1)", name) is None:
            return ChainReport(0, 0, None, 0, [f"the table {name} is missing"], None if told is None else len(told))
    previous, start, counted = GENESIS, 0, 0
    broken_at: int | None = None
    links = [Link(*row) for row in await connection.fetch(f"{links_of(table)} ORDER BY id")]
    for place, link in enumerate(links, start=1):
        found = await entries_between(connection, table, start, link.up_to_transaction)
        is_whole = (link.id, link.from_transaction, link.entries_count) == (place, start, len(found))
        if not (is_whole and link.previous_hash == previous and link.hash == chain(previous, found)):
            broken_at = link.id if broken_at is None else broken_at
        previous, start, counted = link.hash, link.up_to_transaction, counted + len(found)
    total = await connection.fetchval(f"SELECT count(*) FROM {table.entries}")  # noqa: S608 (a declared name)
    faults = _faults_of_macs(links, keys) if keys else []
    if told is not None:
        faults += _faults_against(links, told, at=now(session))
    return ChainReport(total, len(links), broken_at, total - counted, faults, None if told is None else len(told))


def _faults_of_macs(links: Sequence[Link], keys: Sequence[bytes]) -> list[str]:
    """After the first keyed hash all links must have one (older versions had none), and keys must not get older."""
    first = next((link.id for link in links if link.mac is not None), None)
    faults, newest = [], len(keys) - 1
    for link in links:
        if first is None or link.id < first:
            continue
        maker = link.maker(keys)
        if maker is None:
            faults.append(f"seal {link.id} was not made with the key of this service")
        elif maker > newest:
            faults.append(f"seal {link.id} was made with a key that had been replaced before")
        else:
            newest = maker
    return faults


def _faults_against(links: Sequence[Link], told: Sequence[Link], *, at: datetime) -> list[str]:
    here, outside = {link.id: link for link in links}, _by_id(told)
    faults = [f"seal {number} was published in two forms" for number, forms in outside.items() if len(forms) > 1]
    for number, forms in sorted(outside.items()):
        if number not in here:
            faults.append(f"seal {number} was published and is missing here")
        elif here[number].identity not in forms:
            faults.append(f"seal {number} differs from the published one")
    first = min(outside, default=None)
    silent = [
        link.id
        for link in links
        if link.mac is not None and link.id not in outside and link.sealed_at < at - TOLD_WITHIN
        and (first is None or link.id > first)
    ]  # fmt: skip
    return faults + [f"seal {number} was never published" for number in silent]


def _by_id(told: Sequence[Link]) -> Mapping[int, set[tuple[bytes, bytes | None]]]:
    forms: dict[int, set[tuple[bytes, bytes | None]]] = {}
    for link in told:
        forms.setdefault(link.id, set()).add(link.identity)
    return forms


def link_of(told: Mapping[str, Any]) -> Link:
    """A link from its published form (`audit.sealed.v1`). Raises KeyError or ValueError if the form is wrong."""
    return Link(
        id=int(told["seal_id"]),
        from_transaction=int(told["from_transaction"]),
        up_to_transaction=int(told["up_to_transaction"]),
        entries_count=int(told["entries_count"]),
        last_entry_id=int(told["last_entry_id"]),
        previous_hash=bytes.fromhex(told["previous_hash"]),
        hash=bytes.fromhex(told["hash"]),
        sealed_at=datetime.fromisoformat(told["at"]),
        mac=bytes.fromhex(told["mac"]),
    )
