"""Keep two values of one field, show them, and record what a person decided."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from libs.chassis.etag import Condition
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.device_errors import SyncConflictResolved
from services.registration.pack import Pack
from services.registration.people.queries import returnee
from services.registration.sync import queries
from services.registration.sync.actions.deciding import take_value
from services.registration.sync.actions.given import Moments
from services.registration.sync.rules import ConflictKind, Held, Settled
from services.registration.sync.schemas import Resolving, SyncConflictView, SyncConflictWithValues
from services.registration.vault.queries import data_key
from services.registration.vault.sealing import DataKey, Vault

_KEEP = """
    INSERT INTO sync_conflict (id, returnee_id, kind, field, held, stored_sealed, told_sealed, other_returnee_id,
        device_id, operation_id, made_at, found_at, version, resolution, resolved_at, resolved_by)
    SELECT id, $2, kind, field, held, stored, told, other, $3, $4, $5, $6::timestamptz, 1, resolution,
        CASE WHEN resolution IS NOT NULL THEN $6::timestamptz END, CASE WHEN resolution IS NOT NULL THEN 'sync' END
    FROM unnest($1::uuid[], $7::text[], $8::text[], $9::text[], $10::bytea[], $11::bytea[], $12::uuid[], $13::text[])
        AS c (id, kind, field, held, stored, told, other, resolution)
"""


_DROP = """
    UPDATE sync_conflict SET resolution = $5, resolved_at = $4, resolved_by = 'sync', version = version + 1,
        stored_sealed = NULL, told_sealed = NULL
    WHERE returnee_id = $1 AND operation_id = $2 AND device_id = $3 AND field LIKE '/consents/%' AND resolved_at IS NULL
    RETURNING id
"""


@dataclass(frozen=True, slots=True)
class NewConflict:
    """Two values of one field of a person, whose row is locked."""

    field: str
    held: Held
    stored: Any = None
    told: Any = None
    kind: ConflictKind = ConflictKind.SAFETY
    other_returnee_id: UUID | None = None


async def keep_conflicts(
    session: AsyncSession,
    returnee_id: UUID,
    new: Sequence[NewConflict],
    *,
    moments: Moments,
    actor: Actor,
    vault: Vault,
) -> list[UUID]:
    """Store two values of each field, sealed; return the ids of those that wait for a person."""
    if not new:
        return []
    await session.flush()
    key = await data_key(vault, returnee_id)
    ids = [uuid7() for _ in new]
    columns = [
        [one.kind.value for one in new],
        [one.field for one in new],
        [one.held.value for one in new],
        [_sealed(one.stored, key, "stored") for one in new],
        [_sealed(one.told, key, "told") for one in new],
        [one.other_returnee_id for one in new],
        [Settled.LAST_WRITER.value if one.kind is ConflictKind.SUPERSEDED else None for one in new],
    ]
    made = moments.made
    head = ids, returnee_id, made.device_id, moments.operation_id, made.at, now(session)
    await (await raw(session)).execute(_KEEP, *head, *columns)
    fields = sorted({one.field.split("/")[1] for one in new})
    await record(session, actor, [_access(returnee_id, AccessKind.WRITE, "sync_conflict.keep", fields)])
    return [one_id for one_id, one in zip(ids, new, strict=True) if one.kind is not ConflictKind.SUPERSEDED]


def _sealed(value: Any, key: DataKey, column: str) -> bytes | None:
    return None if value is None else key.seal(json.dumps(value), table="sync_conflict", column=column)


async def drop_untaken(session: AsyncSession, returnee_id: UUID, operation_id: UUID, *, device_id: UUID) -> bool:
    """End the conflict about a consent that a device told and has now withdrawn itself: nobody may record it any more.
    False if there is none."""
    ended = await (await raw(session)).fetch(
        _DROP, returnee_id, operation_id, device_id, now(session), Settled.HELD.value
    )
    return bool(ended)


async def look_up_conflict(
    session: AsyncSession, conflict_id: UUID, *, actor: Actor, vault: Vault
) -> SyncConflictWithValues:
    """One conflict with both values. The access is recorded."""
    row, case_code, other_id = await queries.conflict(session, conflict_id, actor=actor)
    await record(session, actor, [_access(row.returnee_id, AccessKind.READ, "sync_conflict.read", ["sync_conflict"])])
    return queries.view_with_values(row, case_code, other_id, await data_key(vault, row.returnee_id))


async def resolve_conflict(
    session: AsyncSession,
    conflict_id: UUID,
    body: Resolving,
    *,
    condition: Condition,
    actor: Actor,
    vault: Vault,
    pack: Pack,
) -> UUID:
    """Record the decision of a person, and the value that was chosen; return the conflict's id. The values are deleted
    here: what was chosen is where such data belong."""
    found, _, _ = await queries.conflict(session, conflict_id, actor=actor)
    await returnee(session, found.returnee_id, actor=actor, lock=True)  # people are locked first, as everywhere
    row, _, _ = await queries.conflict(session, conflict_id, actor=actor, lock=True)
    if row.resolved_at is not None:
        raise SyncConflictResolved
    condition.check(row.version)
    if body.resolution in (Settled.STORED, Settled.TOLD):
        stored, told = queries.values_of(row, await data_key(vault, row.returnee_id))
        value = stored if body.resolution is Settled.STORED else told
        await take_value(session, row, value, told=body.resolution is Settled.TOLD, actor=actor, vault=vault, pack=pack)
    row.resolution, row.reason = body.resolution.value, body.reason.value
    row.resolved_at, row.resolved_by = now(session), actor.principal
    row.stored_sealed = row.told_sealed = None
    row.version += 1
    session.add(row)
    await session.flush()
    access = _access(row.returnee_id, AccessKind.WRITE, "sync_conflict.resolve", ["sync_conflict"])
    await record(session, actor, [access])
    return row.id


async def show_conflict(session: AsyncSession, conflict_id: UUID, *, actor: Actor) -> SyncConflictView:
    """One conflict, for the caller that has just resolved it."""
    return queries.view(*await queries.conflict(session, conflict_id, actor=actor))


def _access(returnee_id: UUID, kind: AccessKind, action: str, fields: Sequence[str]) -> Access:
    return Access(subject_id=returnee_id, kind=kind, action=action, purpose=AccessPurpose.CORRECTION, fields=fields)
