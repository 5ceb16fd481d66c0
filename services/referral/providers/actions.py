"""Stores the read model of the directory, and what providers have said about needs and people.

The newest version of each view is stored, regardless of the order in which the versions arrive.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar
from uuid import UUID

from sqlmodel import delete
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.events.catalogue.directory import OrganizationPublished, ProviderServicePublished
from services.referral.candidates.reasons import Exclusion
from services.referral.database import as_array, insert_rows
from services.referral.providers.rules import reach_of
from services.referral.providers.tables import (
    ConflictOfInterestRow,
    ExclusionRow,
    ProviderOrganizationRow,
    ProviderServiceRow,
)

_NEWER = """ON CONFLICT ({key}) DO UPDATE SET ({columns}) = ROW({excluded}), revision = kept.revision + 1
WHERE kept.version < excluded.version"""
_REVISIONS = """
SELECT ((SELECT coalesce(sum(revision), 0) FROM provider_service)
    + (SELECT coalesce(sum(revision), 0) FROM provider_organization))::bigint
"""
_STOP_OFFERING = """
INSERT INTO no_longer_offered (provider_service_id, version, since)
SELECT provider_service_id, version, $2 FROM provider_service
WHERE provider_service_id = ANY($1::uuid[]) ORDER BY provider_service_id
ON CONFLICT (provider_service_id) DO UPDATE SET version = excluded.version, since = excluded.since
"""
_MARK = """
INSERT INTO republished (provider_service_id)
SELECT provider_service_id FROM provider_service WHERE provider_service_id = ANY($1::uuid[]) AND revision > 1
ORDER BY provider_service_id
ON CONFLICT (provider_service_id) DO UPDATE SET looked_at = NULL
"""
_TAKE = """
SELECT provider_service_id, looked_at FROM republished WHERE looked_at IS NULL OR looked_at <= $1
ORDER BY provider_service_id LIMIT $2 FOR UPDATE SKIP LOCKED
"""
_CARRY: Final = """
INSERT INTO exclusion (need_id, provider_service_id, code, since)
SELECT DISTINCT ON (moved.after, provider_service_id) moved.after, provider_service_id, code, since
FROM exclusion JOIN unnest($1::uuid[], $2::uuid[]) AS moved(before, after) ON moved.before = exclusion.need_id
ON CONFLICT DO NOTHING
"""
_FORGIVE: Final = "DELETE FROM exclusion WHERE need_id = ANY($1::uuid[]) AND code = $2"
_NEWEST: Final = "ON CONFLICT (need_id, provider_service_id) DO UPDATE SET code = excluded.code, since = excluded.since"
_FIRST_REVISION = "services.referral.providers.first_revision"


class _Versioned(Protocol):
    @property
    def version(self) -> int: ...


_V = TypeVar("_V", bound=_Versioned)


async def keep_services(session: AsyncSession, views: Sequence[ProviderServicePublished]) -> None:
    """Store the views that are newer than the stored ones."""
    newest = newest_of((view.provider_service_id, view) for view in views)
    rows = [
        {
            "provider_service_id": view.provider_service_id,
            "organization_id": view.organization_id,
            "version": view.version,
            "category": view.category,
            "status": view.status.value,
            "view": view.model_dump_json(),
            "revision": session.info.get(_FIRST_REVISION, 1),
            "reach": as_array(sorted(reach_of(view))),
            "place": view.place,
        }
        for view in newest
    ]
    columns = ("organization_id", "version", "category", "status", "view", "reach", "place")
    await insert_rows(session, ProviderServiceRow, rows, on_conflict=_newer("provider_service_id", columns))
    # The handlers of directory events lock no journeys. Therefore the leading router evaluates the offers concerned.
    await (await raw(session)).execute(_MARK, [row["provider_service_id"] for row in rows])


async def keep_organizations(session: AsyncSession, views: Sequence[OrganizationPublished]) -> None:
    """Store the views of organisations that are newer than the stored ones."""
    newest = newest_of((view.organization_id, view) for view in views)
    rows = [
        {
            "organization_id": view.organization_id,
            "version": view.version,
            "status": view.status.value,
            "view": view.model_dump_json(),
            "revision": session.info.get(_FIRST_REVISION, 1),
        }
        for view in newest
    ]
    await insert_rows(
        session, ProviderOrganizationRow, rows, on_conflict=_newer("organization_id", ("version", "status", "view"))
    )


async def take_republished(session: AsyncSession, *, again_after: timedelta, limit: int = 50) -> list[UUID]:
    """Services that were published again and whose offers must be evaluated. Each service is returned twice, with this
    time between.

    The second time is needed because a round that began before the first may have made an offer with the old view.
    """
    connection, at = await raw(session), now(session)
    rows = await connection.fetch(_TAKE, at - again_after, limit)
    if rows:
        first = [row["provider_service_id"] for row in rows if row["looked_at"] is None]
        second = [row["provider_service_id"] for row in rows if row["looked_at"] is not None]
        await connection.execute(
            "UPDATE republished SET looked_at = $2 WHERE provider_service_id = ANY($1::uuid[])", first, at
        )
        await connection.execute("DELETE FROM republished WHERE provider_service_id = ANY($1::uuid[])", second)
    return [row["provider_service_id"] for row in rows]


async def stop_offering(session: AsyncSession, provider_service_ids: Iterable[UUID], *, at: datetime) -> None:
    """Record that providers no longer offer these services in their present version."""
    ids = sorted(set(provider_service_ids))
    if ids:
        await (await raw(session)).execute(_STOP_OFFERING, ids, at)


async def carry(session: AsyncSession, moved: Sequence[tuple[UUID, UUID]]) -> None:
    """Copy the exclusions of the first need of each pair to the second, which continues in its place."""
    if moved:
        before, after = zip(*moved, strict=True)
        await (await raw(session)).execute(_CARRY, list(before), list(after))


async def forgive_silence(session: AsyncSession, need_ids: Collection[UUID]) -> None:
    """Services that only let an offer for one of these needs expire may be asked again."""
    if need_ids:
        await (await raw(session)).execute(_FORGIVE, sorted(need_ids), Exclusion.EXPIRED_BEFORE.value)


async def exclude(session: AsyncSession, codes: Mapping[tuple[UUID, UUID], str], *, at: datetime) -> None:
    """Record, by need and service, why the service is not asked again. The newest reason replaces an older one."""
    rows = [
        {"need_id": need_id, "provider_service_id": service_id, "code": code, "since": at}
        for (need_id, service_id), code in codes.items()
    ]
    await insert_rows(session, ExclusionRow, rows, on_conflict=_NEWEST)


async def keep_conflicts(session: AsyncSession, conflicts: Collection[tuple[UUID, UUID]], *, at: datetime) -> None:
    """Record, by returnee and organisation, that the organisation declared a conflict of interest."""
    rows = [
        {"returnee_id": returnee_id, "organization_id": organization_id, "since": at}
        for returnee_id, organization_id in sorted(conflicts)
    ]
    await insert_rows(session, ConflictOfInterestRow, rows, on_conflict="ON CONFLICT DO NOTHING")


async def forget_directory(session: AsyncSession) -> None:
    """Empty the read model, for a rebuild in the same transaction.

    New rows begin with a revision above the sum of all old revisions, so that the change is noticed.
    """
    session.info[_FIRST_REVISION] = 1 + await (await raw(session)).fetchval(_REVISIONS)
    await session.exec(delete(ProviderServiceRow))
    await session.exec(delete(ProviderOrganizationRow))


def newest_of(keyed: Iterable[tuple[UUID, _V]]) -> list[_V]:
    """The newest version for each key, sorted by key so that two batches lock rows in the same order."""
    newest: dict[UUID, _V] = {}
    for key, view in keyed:
        if key not in newest or newest[key].version < view.version:
            newest[key] = view
    return [newest[key] for key in sorted(newest)]


def _newer(key: str, columns: Sequence[str]) -> str:
    excluded = ", ".join(f"excluded.{column}" for column in columns)
    return _NEWER.format(key=key, columns=", ".join(columns), excluded=excluded)
