"""Queries of the database of keys."""

from collections.abc import Callable, Collection
from typing import TypeVar
from uuid import UUID

from libs.chassis.logs import get_logger
from services.registration.vault.rules import Erased, SubjectKind
from services.registration.vault.sealing import DataKey, Vault, VaultError

T = TypeVar("T")
log = get_logger(__name__)
_IN_USE = "SELECT DISTINCT kind = 'restricted' AS is_restricted, master_key_id FROM data_key"


async def data_keys(vault: Vault, subject_ids: Collection[UUID]) -> dict[UUID, DataKey]:
    """The keys of these subjects, with one statement. Erased subjects are missing from the result."""
    if not subject_ids:
        return {}
    async with vault.keys.connection() as connection:
        rows = await connection.fetch(
            "SELECT subject_id, kind, wrapped FROM data_key WHERE subject_id = ANY($1)", list(set(subject_ids))
        )
    wrapped: dict[bool, dict[UUID, bytes]] = {False: {}, True: {}}
    for row in rows:
        wrapped[row["kind"] == SubjectKind.RESTRICTED][row["subject_id"]] = row["wrapped"]
    return await vault.master.unwrap_all(wrapped[False]) | await vault.restricted.unwrap_all(wrapped[True])


async def data_key(vault: Vault, subject_id: UUID) -> DataKey:
    """The key of one subject that must have one; raises VaultError if it has been destroyed."""
    keys = await data_keys(vault, [subject_id])
    if subject_id not in keys:
        raise VaultError("the key of the subject has been destroyed")
    return keys[subject_id]


def opened_or_none(read: Callable[[], T]) -> T | None:
    """What `read` returns. None, and an error in the log, if a value cannot be decrypted: one manipulated row must not
    stop a search or a list for everybody else."""
    try:
        return read()
    except VaultError:
        log.error("people.unreadable", count=1)
        return None


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
        rows = await connection.fetch(_IN_USE)
    # After the query: a key manager may have got a newer version since then, and nothing in the rows is newer than it.
    usable = {False: await vault.master.usable(), True: await vault.restricted.usable()}
    return sorted({row["master_key_id"] for row in rows if row["master_key_id"] not in usable[row["is_restricted"]]})
