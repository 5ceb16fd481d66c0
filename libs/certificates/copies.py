"""A service's copy of the certificates that the directory publishes, in its table `certificate`."""

import hmac
from collections.abc import Collection, Iterable
from datetime import date
from typing import Final
from uuid import UUID

from asyncpg import Connection

from libs.certificates.holders import holder_digest
from libs.events.catalogue.directory import CertificatePublished

_KEEP: Final = """
    INSERT INTO certificate AS kept (certificate_id, version, kind, holder_digest, organization_id, valid_from,
                                     valid_until, revoked_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (certificate_id) DO UPDATE
        SET version = excluded.version, kind = excluded.kind, holder_digest = excluded.holder_digest,
            organization_id = excluded.organization_id, valid_from = excluded.valid_from,
            valid_until = excluded.valid_until, revoked_at = excluded.revoked_at
        WHERE kept.version < excluded.version
"""
_VALID: Final = "revoked_at IS NULL AND valid_from <= $2 AND valid_until >= $2"
_FIND: Final = f"""
    SELECT certificate_id, holder_digest FROM certificate
    WHERE kind = ANY($1) AND organization_id IS NOT DISTINCT FROM $3 AND {_VALID}
"""  # noqa: S608 (constants)
# A revocation that is being written waits until this transaction ends: the act was allowed when it was done.
_HOLD: Final = f"""
    SELECT kind FROM certificate WHERE certificate_id = ANY($1) AND {_VALID} ORDER BY certificate_id FOR SHARE
"""  # noqa: S608 (constants)


async def keep(connection: Connection, published: Iterable[CertificatePublished]) -> None:
    """Keep the newest version of each certificate."""
    rows = [
        (
            one.certificate_id,
            one.version,
            one.kind,
            one.holder_digest,
            one.organization_id,
            one.valid_from,
            one.valid_until,
            one.revoked_at,
        )
        for one in sorted(published, key=lambda one: (one.certificate_id, one.version))
    ]
    if rows:
        await connection.executemany(_KEEP, rows)


async def forget(connection: Connection) -> None:
    """Empty the copy. The topic then fills it again."""
    await connection.execute("DELETE FROM certificate")


async def valid_kinds(
    connection: Connection, kinds: Collection[str], *, holder: str, organization_id: UUID | None, on: date
) -> set[str]:
    """Those of these kinds of which the holder has a certificate that is valid on this day, for this organisation.

    The rows of the certificates are locked until the transaction ends.
    """
    rows = await connection.fetch(_FIND, list(kinds), on, organization_id)
    own = [
        row["certificate_id"]
        for row in rows
        if hmac.compare_digest(holder_digest(row["certificate_id"], holder), row["holder_digest"])
    ]
    held = await connection.fetch(_HOLD, own, on) if own else []
    return {row["kind"] for row in held}
