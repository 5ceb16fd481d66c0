"""Keeps what the directory publishes about certificates."""

from collections.abc import Sequence
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
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


async def keep_certificates(session: AsyncSession, published: Sequence[CertificatePublished]) -> None:
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
        await (await raw(session)).executemany(_KEEP, rows)


async def forget_certificates(session: AsyncSession) -> None:
    """Empty the copy. The topic then fills it again."""
    await (await raw(session)).execute("DELETE FROM certificate")
