"""The store of restricted needs. Code that reads the table `need` reads nothing of this store.

Two measures protect it. The ids of its rows are keyed hashes and their data are sealed, both with a separate key
(`Vault.restricted`). And the service's login can use the tables only in a role to which it switches for each of these
statements; each function here switches to the role and back.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import Connection, raw
from services.registration.needs.schemas import NewNeed, RestrictedNeed, RestrictedRepeat
from services.registration.vault.queries import data_keys
from services.registration.vault.sealing import DataKey, Vault

SEALED_BYTES = 1024
"""Sealed values are padded to a multiple of this length, so that their length does not show the category."""
_TABLE, _REPEATS = "restricted_need", "restricted_repeat"
_TAKE_ON = "SELECT set_config('role', session_user || '_restricted', true)"
_PUT_DOWN = "SELECT set_config('role', 'none', true)"
_FORGET = "DELETE FROM restricted_need WHERE owner = $1"
MAY_TAKE_ON_RESTRICTED = """
    SELECT EXISTS (
        SELECT FROM pg_roles WHERE rolname = session_user || '_restricted' AND pg_has_role(session_user, oid, 'SET')
    )
"""
_FIND = "SELECT id, owner, sealed FROM restricted_need WHERE "
_LOCK = " ORDER BY id FOR NO KEY UPDATE"
_OF_PERSON = "(owner = $1 OR household = $2)"
_BY_ID = "id = ANY($1::bytea[])"
_BY_TELLING = """id IN (
    SELECT id FROM restricted_need WHERE id = $1 OR told_key = $2
    UNION ALL SELECT need FROM restricted_repeat WHERE id = $1 OR told_key = $2)"""
_STANDING = "open_key = $1"
_INSERT = """
    INSERT INTO restricted_need (id, told_key, owner, household, batch, open_key, sealed)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING true
"""
_SAVE = """
    UPDATE restricted_need SET open_key = n.open_key, sealed = n.sealed
    FROM unnest($1::bytea[], $2::bytea[], $3::bytea[]) AS n (id, open_key, sealed) WHERE restricted_need.id = n.id
"""
_REPEAT = """
    INSERT INTO restricted_repeat (id, told_key, need, sealed) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""
_KNOWN = """
    SELECT told_key FROM restricted_need WHERE told_key = ANY($1::bytea[])
    UNION ALL SELECT told_key FROM restricted_repeat WHERE told_key = ANY($1::bytea[])
"""
_WHOSE = """
    SELECT owner, household FROM restricted_need WHERE owner = ANY($1::uuid[]) OR household = ANY($2::bytea[])
"""
_FIND_REPEAT = """
    SELECT r.id, n.owner, r.sealed FROM restricted_repeat r JOIN restricted_need n ON n.id = r.need
    WHERE r.id = $1 OR r.told_key = $2
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A restricted need from the store, with the key under which it is sealed."""

    need: RestrictedNeed
    key: DataKey


@asynccontextmanager
async def restricted_role(session: AsyncSession) -> AsyncIterator[Connection]:
    """The connection in the role of restricted needs, which can use no other table."""
    await session.flush()
    connection = await raw(session)
    await connection.execute(_TAKE_ON)
    try:
        yield connection
    except asyncpg.PostgresError:
        raise  # the rollback after a failed statement also restores the former role
    except BaseException:
        await connection.execute(_PUT_DOWN)
        raise
    await connection.execute(_PUT_DOWN)


async def of_person(
    session: AsyncSession, returnee_id: UUID, household_id: UUID | None, *, vault: Vault
) -> list[RestrictedNeed]:
    """The restricted needs of a person and of the household, in the order in which they were reported."""
    values = vault.owner_of(returnee_id), _household(vault, household_id)
    return [one.need for one in await _found(session, _OF_PERSON, values, vault=vault)]


async def who_has_any(session: AsyncSession, households: Mapping[UUID, UUID | None], *, vault: Vault) -> set[UUID]:
    """Those of these people, given with their households, of whom or of whose household a restricted need is stored."""
    owners = {vault.owner_of(one): one for one in households}
    shared = {one: _household(vault, household) for one, household in households.items()}
    named = sorted({one for one in shared.values() if one is not None})
    async with restricted_role(session) as connection:
        rows = await connection.fetch(_WHOSE, list(owners), named)
    found = {row["household"] for row in rows if row["household"] is not None}
    return {owners[row["owner"]] for row in rows if row["owner"] in owners} | {
        one for one, household in shared.items() if household is not None and household in found
    }


async def by_id(session: AsyncSession, need_ids: Collection[UUID], *, vault: Vault, lock: bool = False) -> list[Kept]:
    """The restricted ones among these needs."""
    values = [_name(vault, one) for one in need_ids]
    return await _found(session, _BY_ID, (values,), vault=vault, lock=lock)


async def every_one(session: AsyncSession, *, vault: Vault) -> list[RestrictedNeed]:
    """All restricted needs."""
    return [one.need for one in await _found(session, "true", (), vault=vault)]


async def told_before(
    session: AsyncSession, told_id: UUID, need_key: bytes | None, *, vault: Vault, lock: bool = False
) -> Kept | None:
    """The restricted need that was reported, or reported again, with this id or key."""
    values = _name(vault, told_id), _told_key(vault, need_key)
    return next(iter(await _found(session, _BY_TELLING, values, vault=vault, lock=lock)), None)


async def known_keys(session: AsyncSession, need_keys: Collection[bytes], *, vault: Vault) -> set[bytes]:
    """The keys among these with which restricted needs have been reported; one statement."""
    names = {vault.restricted.blind("told need", one.hex()): one for one in need_keys}
    async with restricted_role(session) as connection:
        rows = await connection.fetch(_KNOWN, list(names))
    return {names[row["told_key"]] for row in rows}


async def standing(session: AsyncSession, need: NewNeed, *, vault: Vault) -> Kept | None:
    """The open need of the same category and kind of the person or household, locked."""
    value = _open_key(vault, need)
    return next(iter(await _found(session, _STANDING, (value,), vault=vault, lock=True)), None)


async def repeat_of(
    session: AsyncSession, told_id: UUID, need_key: bytes | None, *, vault: Vault
) -> RestrictedRepeat | None:
    """The repeated report with this id or key, or None."""
    async with restricted_role(session) as connection:
        row = await connection.fetchrow(_FIND_REPEAT, _name(vault, told_id), _told_key(vault, need_key))
    keys = {} if row is None else await data_keys(vault, [row["owner"]])
    if row is None or row["owner"] not in keys:
        return None
    text = keys[row["owner"]].open(row["sealed"], table=_REPEATS, column=row["id"].hex())
    return RestrictedRepeat.model_validate_json(text)


async def count_of_batch(session: AsyncSession, arrival_batch_id: UUID, *, vault: Vault) -> int:
    """The number of restricted needs that the people of a batch have reported."""
    async with restricted_role(session) as connection:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM restricted_need WHERE batch = $1", _batch(vault, arrival_batch_id)
        )
    return count


async def insert(session: AsyncSession, one: Kept, need_key: bytes | None, *, vault: Vault) -> bool:
    """Store a new need. False if there is already one with its id or key, or an open one of its kind."""
    need = one.need
    name = _name(vault, need.id)
    batch = None if need.arrival_batch_id is None else _batch(vault, need.arrival_batch_id)
    values = (
        name,
        _told_key(vault, need_key),
        vault.owner_of(need.returnee_id),
        _household(vault, need.household_id),
        batch,
        _open_key_of(vault, need),
        _sealed(need, one.key, table=_TABLE, name=name),
    )
    async with restricted_role(session) as connection:
        return await connection.fetchval(_INSERT, *values) is True


async def save(session: AsyncSession, changed: Sequence[Kept], *, vault: Vault) -> None:
    """Store changes of needs that are locked."""
    names = [_name(vault, one.need.id) for one in changed]
    sealed = [_sealed(one.need, one.key, table=_TABLE, name=name) for one, name in zip(changed, names, strict=True)]
    async with restricted_role(session) as connection:
        await connection.execute(_SAVE, names, [_open_key_of(vault, one.need) for one in changed], sealed)


async def insert_repeat(
    session: AsyncSession, repeat: RestrictedRepeat, need_key: bytes | None, key: DataKey, *, vault: Vault
) -> None:
    """Store a repeated report of a need."""
    name = _name(vault, repeat.id)
    sealed = _sealed(repeat, key, table=_REPEATS, name=name)
    async with restricted_role(session) as connection:
        await connection.execute(_REPEAT, name, _told_key(vault, need_key), _name(vault, repeat.need_id), sealed)


async def forget(session: AsyncSession, returnee_id: UUID, *, vault: Vault) -> None:
    """Delete all restricted needs of an erased person."""
    async with restricted_role(session) as connection:
        await connection.execute(_FORGET, vault.owner_of(returnee_id))


async def _found(
    session: AsyncSession, condition: str, values: Sequence[object], *, vault: Vault, lock: bool = False
) -> list[Kept]:
    async with restricted_role(session) as connection:
        rows = await connection.fetch(f"{_FIND}{condition}{_LOCK if lock else ''}", *values)
    keys = await data_keys(vault, {row["owner"] for row in rows})
    # A person without a key is just being erased.
    kept = [Kept(_opened(row, keys[row["owner"]]), keys[row["owner"]]) for row in rows if row["owner"] in keys]
    return sorted(kept, key=lambda one: one.need.id)


def _opened(row: asyncpg.Record, key: DataKey) -> RestrictedNeed:
    return RestrictedNeed.model_validate_json(key.open(row["sealed"], table=_TABLE, column=row["id"].hex()))


def _sealed(told: RestrictedNeed | RestrictedRepeat, key: DataKey, *, table: str, name: bytes) -> bytes:
    """The sealed text. It is bound to its row, so it cannot be decrypted in another row."""
    text = told.model_dump_json()
    whole = -(-len(text.encode()) // SEALED_BYTES) * SEALED_BYTES
    return key.seal(text.ljust(whole), table=table, column=name.hex())


def _name(vault: Vault, need_id: UUID) -> bytes:
    return vault.restricted.blind("need", str(need_id))


def _told_key(vault: Vault, need_key: bytes | None) -> bytes | None:
    return None if need_key is None else vault.restricted.blind("told need", need_key.hex())


def _household(vault: Vault, household_id: UUID | None) -> bytes | None:
    return None if household_id is None else vault.restricted.blind("household", str(household_id))


def _batch(vault: Vault, arrival_batch_id: UUID) -> bytes:
    return vault.restricted.blind("batch", str(arrival_batch_id))


def _open_key(vault: Vault, need: NewNeed | RestrictedNeed) -> bytes:
    """The key of an open need. The need of one person is not the need of their household, so both can be open."""
    what = "open of person" if need.household_id is None else "open of household"
    parts = (need.category, *(() if need.kind is None else (need.kind,)))
    return vault.restricted.blind(what, str(need.household_id or need.returnee_id), *parts)


def _open_key_of(vault: Vault, need: RestrictedNeed) -> bytes | None:
    if not need.is_open or need.second_reason is not None:
        return None
    return _open_key(vault, need)
