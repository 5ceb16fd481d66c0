"""Who took a consent, as its sender calls them: whatever stands there is sealed under the person's key."""

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from services.registration.vault.queries import data_keys
from services.registration.vault.sealing import DataKey, Vault

# The key of who is about to be erased is gone already: the erasure wipes what is passed over here.
_IN_CLEAR = """
    SELECT id, returnee_id, staff_reference FROM consent WHERE staff_reference <> '' ORDER BY id LIMIT $1
    FOR NO KEY UPDATE SKIP LOCKED
"""
_SEAL = """
    UPDATE consent SET staff_reference = '', staff_reference_sealed = s.sealed
    FROM unnest($1::uuid[], $2::bytea[]) AS s (id, sealed) WHERE consent.id = s.id
"""


def sealed_reference(told: str, key: DataKey) -> bytes:
    """The reference as the table keeps it."""
    return key.seal(told, table="consent", column="staff_reference")


def staff_reference(sealed: bytes | None, in_clear: str, key: DataKey) -> str:
    """The reference again, also where a process of before wrote it in clear; `VaultError` where it does not open."""
    return in_clear if sealed is None else key.open(sealed, table="consent", column="staff_reference")


async def seal_staff_references(session: AsyncSession, *, vault: Vault, limit: int) -> int:
    """Seal up to `limit` references of who took a consent that stand in clear; how many were sealed."""
    connection = await raw(session)
    rows = await connection.fetch(_IN_CLEAR, limit)
    keys = await data_keys(vault, {row["returnee_id"] for row in rows})
    sealed = {
        row["id"]: sealed_reference(row["staff_reference"], keys[row["returnee_id"]])
        for row in rows
        if row["returnee_id"] in keys
    }
    await connection.execute(_SEAL, list(sealed), list(sealed.values()))
    return len(sealed)
