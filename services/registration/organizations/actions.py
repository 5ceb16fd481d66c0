"""Keeps the standing of organisations as the directory publishes it."""

from collections.abc import Sequence

from pydantic_core import to_json
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.events.catalogue.directory import OrganizationPublished
from services.registration.organizations.rules import last_days

_STANDING = """
    INSERT INTO provider_standing AS kept (organization_id, version, status, valid_until, acts_for)
    SELECT organization_id, version, status, valid_until::jsonb, acts_for
    FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[])
        AS s (organization_id, version, status, valid_until, acts_for)
    ORDER BY organization_id
    ON CONFLICT (organization_id) DO UPDATE
        SET version = excluded.version, status = excluded.status, valid_until = excluded.valid_until,
            acts_for = excluded.acts_for
        WHERE kept.version < excluded.version
"""


async def keep_standings(session: AsyncSession, published: Sequence[OrganizationPublished]) -> None:
    """Store the newest status of each organisation."""
    newest = {one.organization_id: one for one in sorted(published, key=lambda one: one.version)}
    rows = [
        (
            one.organization_id,
            one.version,
            one.status.value,
            to_json(last_days(one.accreditations, one.agreements)).decode(),
            one.acts_for,
        )
        for one in newest.values()
    ]
    await (await raw(session)).execute(_STANDING, *map(list, zip(*rows, strict=True)))


async def forget_standings(session: AsyncSession) -> None:
    """Empty the read model, for a rebuild in the same transaction."""
    await (await raw(session)).execute("DELETE FROM provider_standing")
