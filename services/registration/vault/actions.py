"""Make keys, destroy keys. Each commits at once in the database of keys, before what depends on it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.registration.vault.queries import data_keys
from services.registration.vault.rules import SubjectKind
from services.registration.vault.sealing import DataKey, Vault

_COLUMNS = ("subject_id", "kind", "wrapped", "master_key_id", "created_at")
_DESTROY = """
    WITH erased AS (
        INSERT INTO erased_subject (subject_id, kind, erased_at)
        SELECT subject_id, $2, erased_at FROM unnest($1::uuid[], $3::timestamptz[]) AS e (subject_id, erased_at)
        ON CONFLICT (subject_id) DO NOTHING
    )
    DELETE FROM data_key WHERE subject_id = ANY($1)
"""


async def create_keys(
    vault: Vault, subject_ids: Sequence[UUID], *, kind: SubjectKind, at: datetime
) -> dict[UUID, DataKey]:
    """New keys for new subjects, committed when this returns; one statement for all.

    If the transaction that needed them fails, the keys are orphans that open nothing. A subject that has a key
    already must not be among them.
    """
    if not subject_ids:
        return {}
    fresh = [vault.master.fresh_key(subject_id) for subject_id in subject_ids]
    rows = [(one.key.subject_id, kind.value, one.wrapped, vault.master.key_id, at) for one in fresh]
    async with vault.keys.connection() as connection:
        await connection.copy_records_to_table("data_key", records=rows, columns=_COLUMNS)
    return {one.key.subject_id: one.key for one in fresh}


async def destroy_keys(vault: Vault, erased_at: Mapping[UUID, datetime], *, kind: SubjectKind) -> None:
    """Destroy the keys of these subjects and remember them; what was sealed under them cannot be read again."""
    if erased_at:
        async with vault.keys.connection() as connection:
            await connection.execute(_DESTROY, list(erased_at), kind.value, list(erased_at.values()))


async def obtain_key(vault: Vault, subject_id: UUID, *, kind: SubjectKind, at: datetime) -> DataKey:
    """The key of a subject, made when there is none; its row may be left from a transaction that failed."""
    found = (await data_keys(vault, [subject_id])).get(subject_id)
    return found or (await create_keys(vault, [subject_id], kind=kind, at=at))[subject_id]
