"""Keeps what the directory publishes about certificates."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.certificates import copies
from libs.chassis.database import raw
from libs.events.catalogue.directory import CertificatePublished


async def keep_certificates(session: AsyncSession, published: Sequence[CertificatePublished]) -> None:
    """Keep the newest version of each certificate."""
    await copies.keep(await raw(session), published)


async def forget_certificates(session: AsyncSession) -> None:
    """Empty the copy. The topic then fills it again."""
    await copies.forget(await raw(session))
