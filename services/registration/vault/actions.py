"""Creates and destroys keys. Each change commits at once in the database of keys, before the data that depend on it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from services.registration.errors import ReturneeErased
from services.registration.vault.queries import data_keys
from services.registration.vault.rules import Erased, SubjectKind
from services.registration.vault.sealing import DataKey, Vault

# The update changes nothing. It makes the statement return an existing key like a new one.
_KEEP = """
    INSERT INTO data_key (subject_id, kind, wrapped, master_key_id, created_at)
    SELECT subject_id, $3, wrapped, master_key_id, $5
    FROM unnest($1::uuid[], $2::bytea[], $4::text[]) AS k (subject_id, wrapped, master_key_id)
    ORDER BY subject_id
    ON CONFLICT (subject_id) DO UPDATE SET kind = data_key.kind
    RETURNING subject_id, wrapped
"""
_DESTROY = """
    WITH erased AS (
        INSERT INTO erased_subject (subject_id, kind, erased_at, arrival_key)
        SELECT subject_id, $2, erased_at, arrival_key
        FROM unnest($1::uuid[], $3::timestamptz[], $4::bytea[]) AS e (subject_id, erased_at, arrival_key)
        ON CONFLICT (subject_id) DO NOTHING
    )
    DELETE FROM data_key WHERE subject_id = ANY($1) RETURNING wrapped
"""

_DROP = "DELETE FROM data_key WHERE subject_id = ANY($1::uuid[]) AND kind = 'restricted' RETURNING wrapped"
_TO_REWRAP = """
    SELECT subject_id, wrapped FROM data_key WHERE master_key_id <> $1 AND (kind = 'restricted') = $3
    ORDER BY subject_id LIMIT $2 FOR UPDATE SKIP LOCKED
"""
_REWRAP = """
    UPDATE data_key SET wrapped = anew.wrapped, master_key_id = anew.master_key_id
    FROM unnest($1::uuid[], $2::bytea[], $3::text[]) AS anew (subject_id, wrapped, master_key_id)
    WHERE data_key.subject_id = anew.subject_id
"""
_LEFT = "SELECT count(*) FROM data_key WHERE master_key_id <> $1 AND (kind = 'restricted') = $2"


async def create_keys(
    vault: Vault, subject_ids: Sequence[UUID], *, kind: SubjectKind, at: datetime
) -> dict[UUID, DataKey]:
    """Create keys for new subjects with one statement, and commit them. Raises ReturneeErased for an erased subject.

    If the transaction that needed the keys fails, they do not encrypt anything yet. A subject that already has a key,
    from such a transaction or from before a restore, keeps it.
    """
    if not subject_ids:
        return {}
    master = vault.master_of(kind)
    fresh = await master.fresh_keys(sorted(set(subject_ids)))
    wrapped, names = [one.wrapped for one in fresh.values()], [one.key_id for one in fresh.values()]
    try:
        async with vault.keys.connection() as connection:
            rows = await connection.fetch(_KEEP, list(fresh), wrapped, kind.value, names, at)
    except asyncpg.CheckViolationError:
        raise ReturneeErased from None
    kept = {row["subject_id"]: row["wrapped"] for row in rows}
    older = {subject_id: kept[subject_id] for subject_id, one in fresh.items() if kept[subject_id] != one.wrapped}
    return {subject_id: one.key for subject_id, one in fresh.items()} | await master.unwrap_all(older)


async def destroy_keys(vault: Vault, erased: Mapping[UUID, Erased], *, kind: SubjectKind) -> None:
    """Destroy the keys of these subjects and list the subjects as erased. Data that were sealed with these keys can
    never be read again."""
    if erased:
        moments, arrival_keys = [one.at for one in erased.values()], [one.arrival_key for one in erased.values()]
        async with vault.keys.connection() as connection:
            rows = await connection.fetch(_DESTROY, list(erased), kind.value, moments, arrival_keys)
        vault.master_of(kind).forget([row["wrapped"] for row in rows])


async def restricted_keys(vault: Vault, returnee_ids: Collection[UUID], *, at: datetime) -> dict[UUID, DataKey]:
    """The keys for these people's data about restricted needs, by person; created if there is none.

    A new key shows only the month of its creation, because the exact moment would show whose it is.
    """
    owners = {vault.owner_of(one): one for one in returnee_ids}
    found = await data_keys(vault, owners)
    month = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    missing = [one for one in owners if one not in found]
    found |= await create_keys(vault, missing, kind=SubjectKind.RESTRICTED, at=month)
    return {owners[owner]: key for owner, key in found.items()}


async def drop_restricted_keys(vault: Vault, returnee_ids: Collection[UUID]) -> None:
    """Destroy the keys for these people's data about restricted needs. The lists of erased subjects contain only the
    people."""
    async with vault.keys.connection() as connection:
        rows = await connection.fetch(_DROP, [vault.owner_of(one) for one in returnee_ids])
    vault.restricted.forget([row["wrapped"] for row in rows])


async def forget_arrival_keys(vault: Vault, *, before: datetime) -> None:
    """Delete the keys that recognise repeated arrivals of people who were erased before this moment."""
    async with vault.keys.connection() as connection:
        await connection.execute(
            "UPDATE erased_subject SET arrival_key = NULL WHERE arrival_key IS NOT NULL AND erased_at < $1", before
        )


async def obtain_key(vault: Vault, subject_id: UUID, *, kind: SubjectKind, at: datetime) -> DataKey:
    """The key of a subject, created if there is none. It may already exist because of a transaction that failed."""
    found = (await data_keys(vault, [subject_id])).get(subject_id)
    return found or (await create_keys(vault, [subject_id], kind=kind, at=at))[subject_id]


async def rewrap_keys(vault: Vault, *, limit: int, restricted: bool = False) -> tuple[int, int]:
    """Encrypt up to `limit` data keys with the newest master key; return how many, and how many are left.

    It handles either the keys of restricted needs, with their own master key, or all others with theirs. Each call is
    one transaction: if a process is killed, its work remains, and the next call continues. Keys that another process
    has locked are skipped. The service can read and create keys meanwhile.
    """
    master = vault.restricted if restricted else vault.master
    current = await master.current()
    async with vault.keys.connection() as connection, connection.transaction():
        rows = await connection.fetch(_TO_REWRAP, current, limit, restricted)
        anew = await master.rewrap_all({row["subject_id"]: row["wrapped"] for row in rows})
        wrapped, names = [one.content for one in anew.values()], [one.key_id for one in anew.values()]
        await connection.execute(_REWRAP, list(anew), wrapped, names)
        left = await connection.fetchval(_LEFT, current, restricted)
    return len(rows), left
