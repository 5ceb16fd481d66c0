"""Queries of the database of keys."""

from collections.abc import Collection
from uuid import UUID

from services.registration.vault.rules import Erased, SubjectKind
from services.registration.vault.sealing import DataKey, Vault, VaultError

_UNKNOWN = """
    SELECT DISTINCT master_key_id FROM data_key
    WHERE master_key_id <> ALL (CASE WHEN kind = 'restricted' THEN $2::text[] ELSE $1::text[] END)
"""


async def data_keys(vault: Vault, subject_ids: Collection[UUID]) -> dict[UUID, DataKey]:
    """The keys of these subjects, with one statement. Erased subjects are missing from the result."""
    if not subject_ids:
        return {}
    async with vault.keys.connection() as connection:
        rows = await connection.fetch(
            "SELECT subject_id, kind, wrapped FROM data_key WHERE subject_id = ANY($1)", list(set(subject_ids))
        )
    return {
        row["subject_id"]: vault.master_of(row["kind"]).unwrap(row["wrapped"], subject_id=row["subject_id"])
        for row in rows
    }


async def data_key(vault: Vault, subject_id: UUID) -> DataKey:
    """The key of one subject that must have one; raises VaultError if it has been destroyed."""
    keys = await data_keys(vault, [subject_id])
    if subject_id not in keys:
        raise VaultError("the key of the subject has been destroyed")
    return keys[subject_id]


async def erased_subjects(vault: Vault, *, kind: SubjectKind) -> dict[UUID, Erased]:
    """All subjects on the list of erased subjects."""
    async with vault.keys.connection() as connection:
        rows = await connection.fetch(
            "SELECT subject_id, erased_at, arrival_key FROM erased_subject WHERE kind = $1", kind.value
        )
    return {row["subject_id"]: Erased(row["erased_at"], row["arrival_key"]) for row in rows}


async def erased_among(vault: Vault, subject_ids: Collection[UUID]) -> set[UUID]:
    """The subjects among these that are on the list of erased subjects."""
    if not subject_ids:
        return set()
    async with vault.keys.connection() as connection:
        rows = await connection.fetch(
            "SELECT subject_id FROM erased_subject WHERE subject_id = ANY($1)", list(subject_ids)
        )
    return {row["subject_id"] for row in rows}


async def unknown_master_keys(vault: Vault) -> list[str]:
    """Names of master keys that encrypt a data key and that the vault does not have."""
    async with vault.keys.connection() as connection:
        rows = await connection.fetch(_UNKNOWN, vault.master.key_ids, vault.restricted.key_ids)
    return sorted(row["master_key_id"] for row in rows)
