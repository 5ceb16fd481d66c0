"""Queries of operations that were taken in, of the last changes of fields, and of conflicts."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import aliased
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageRequest, page_of
from services.registration.audit.rules import Actor
from services.registration.people.queries import visible_to
from services.registration.people.tables import FieldChange, Returnee
from services.registration.sync.rules import Change, ConflictKind, Held, ResolutionReason, Settled
from services.registration.sync.schemas import MissingSequences, SyncConflictView, SyncConflictWithValues
from services.registration.sync.tables import SyncConflict, SyncOperation
from services.registration.vault.sealing import DataKey

OPERATION_COLUMNS = (
    "owner", "device_id", "operation_id", "sequence", "kind", "fingerprint", "client_person_id", "returnee_id",
    "created_id", "outcome", "superseded", "conflict_ids", "done_at",
)  # fmt: skip
_TAKEN_IN = f"""
    SELECT {", ".join(OPERATION_COLUMNS)} FROM sync_operation
    WHERE owner = $1 AND device_id = $2 AND (operation_id = ANY($3::uuid[]) OR sequence = ANY($4::bigint[]))
"""  # noqa: S608 (constants)
_NAMED = """
    SELECT client_person_id AS name, returnee_id AS id FROM sync_operation
    WHERE owner = $1 AND client_person_id = ANY($3::uuid[])
    UNION ALL
    SELECT operation_id, created_id FROM sync_operation
    WHERE owner = $1 AND device_id = $2 AND operation_id = ANY($3::uuid[]) AND created_id IS NOT NULL
"""
_MISSING = """
    SELECT sequence + 1 AS first, following - 1 AS last FROM (
        SELECT sequence, lead(sequence) OVER (ORDER BY sequence) AS following
        FROM sync_operation WHERE owner = $1 AND device_id = $2
    ) AS taken WHERE following > sequence + 1 ORDER BY sequence LIMIT 20
"""


async def taken_in(
    session: AsyncSession,
    owner: UUID,
    device_id: UUID,
    operation_ids: Collection[UUID],
    sequences: Collection[int] = (),
) -> dict[UUID, SyncOperation]:
    """Which operations of a device with these ids, or these sequence numbers, were taken in before."""
    rows = await (await raw(session)).fetch(_TAKEN_IN, owner, device_id, list(operation_ids), list(sequences))
    return {row["operation_id"]: SyncOperation(**dict(row)) for row in rows}


async def named(session: AsyncSession, owner: UUID, device_id: UUID, names: Collection[UUID]) -> Mapping[UUID, UUID]:
    """The ids of people and things that are named by ids of devices. Ids that no device made are missing."""
    if not names:
        return {}
    rows = await (await raw(session)).fetch(_NAMED, owner, device_id, list(names))
    return {row["name"]: row["id"] for row in rows}


async def shown_people(session: AsyncSession, returnee_ids: Collection[UUID]) -> dict[UUID, tuple[str | None, bool]]:
    """The case code of each of these people whom the caller may see, and whether they are erased. Only row-level
    security decides here who is seen."""
    if not returnee_ids:
        return {}
    rows = await (await raw(session)).fetch(
        "SELECT id, case_code, erased_at FROM returnee WHERE id = ANY($1::uuid[])", list(returnee_ids)
    )
    return {row["id"]: (row["case_code"], row["erased_at"] is not None) for row in rows}


async def missing_sequences(session: AsyncSession, owner: UUID, device_id: UUID) -> list[MissingSequences]:
    """The numbers of a device between those that were taken in."""
    rows = await (await raw(session)).fetch(_MISSING, owner, device_id)
    return [MissingSequences(first=row["first"], last=row["last"]) for row in rows]


async def last_sequence(session: AsyncSession, owner: UUID, device_id: UUID) -> int:
    """The highest sequence number of a device that was taken in; 0 if there is none."""
    found = await (await raw(session)).fetchval(
        "SELECT last_sequence FROM sync_device WHERE owner = $1 AND device_id = $2", owner, device_id
    )
    return found or 0


async def is_person(session: AsyncSession, returnee_id: UUID) -> bool:
    """Whether a registered person has this id."""
    statement = "SELECT EXISTS (SELECT FROM returnee WHERE id = $1)"
    return bool(await (await raw(session)).fetchval(statement, returnee_id))


async def changes_of(session: AsyncSession, returnee_id: UUID) -> dict[str, Change]:
    """The last change of each field of a person, by its pointer."""
    rows = await (await raw(session)).fetch(
        "SELECT field, revision, changed_at, device_id FROM field_change WHERE returnee_id = $1", returnee_id
    )
    return {row["field"]: Change(row["revision"], row["changed_at"], row["device_id"]) for row in rows}


async def households_by_member(session: AsyncSession, returnee_ids: Collection[UUID]) -> dict[UUID, UUID | None]:
    """The households of these people, whose rows are locked from now on."""
    rows = await (await raw(session)).fetch(
        "SELECT id, household_id FROM returnee WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE",
        list(returnee_ids),
    )
    return {row["id"]: row["household_id"] for row in rows}


async def other_of_entry(session: AsyncSession, returnee_id: UUID) -> UUID | None:
    """Who was registered before for the same entry of the manifest. The batch's row is locked."""
    found: UUID | None = await (await raw(session)).fetchval(
        "SELECT o.id FROM returnee r JOIN returnee o USING (arrival_batch_id, manifest_key)"
        " WHERE r.id = $1 AND o.id <> r.id AND o.erased_at IS NULL ORDER BY o.registered_at, o.id LIMIT 1",
        returnee_id,
    )
    return found


async def people(
    session: AsyncSession, page: PageRequest, *, since: datetime, actor: Actor
) -> list[tuple[Returnee, int]]:
    """People whom the caller may see and who were registered since then, also erased ones, with their newest revision;
    in the order of their ids, one more than the page contains."""
    newest = (
        select(func.coalesce(func.max(FieldChange.revision), 0))
        .where(FieldChange.returnee_id == Returnee.id)
        .correlate(Returnee)
        .scalar_subquery()
    )
    query = select(Returnee, newest).where(visible_to(actor), col(Returnee.registered_at) >= since)
    if page.after is not None:
        query = query.where(col(Returnee.id) > UUID(page.after[0]))
    rows = (await session.exec(query.order_by(col(Returnee.id)).limit(page.limit + 1))).all()
    return [(row, revision) for row, revision in rows]


async def conflict(
    session: AsyncSession, conflict_id: UUID, *, actor: Actor, lock: bool = False
) -> tuple[SyncConflict, str | None, UUID | None]:
    """One conflict, the person's case code, and the other person if the caller may see them; NotFound for a person whom
    the caller may not see."""
    other = aliased(Returnee)
    query = (
        select(SyncConflict, Returnee.case_code, other.id)
        .join(Returnee, col(Returnee.id) == col(SyncConflict.returnee_id))
        .outerjoin(other, col(other.id) == col(SyncConflict.other_returnee_id))
        .where(SyncConflict.id == conflict_id, visible_to(actor))
    )
    if lock:
        query = query.with_for_update(of=SyncConflict).execution_options(populate_existing=True)
    found = (await session.exec(query)).first()
    if found is None:
        raise NotFound
    return found[0], found[1], found[2]


async def conflicts(
    session: AsyncSession, page: PageRequest, *, is_open: bool, returnee_id: UUID | None, actor: Actor
) -> Page[SyncConflictView]:
    """Conflicts that wait for a person, or those that do not any more; oldest first."""
    unresolved, other = col(SyncConflict.resolved_at).is_(None), aliased(Returnee)
    query = (
        select(SyncConflict, Returnee.case_code, other.id)
        .join(Returnee, col(Returnee.id) == col(SyncConflict.returnee_id))
        .outerjoin(other, col(other.id) == col(SyncConflict.other_returnee_id))
        .where(visible_to(actor), unresolved if is_open else ~unresolved)
    )
    if returnee_id is not None:
        query = query.where(SyncConflict.returnee_id == returnee_id)
    if page.after is not None:
        query = query.where(col(SyncConflict.id) > UUID(page.after[0]))
    rows = (await session.exec(query.order_by(col(SyncConflict.id)).limit(page.limit + 1))).all()
    return page_of(rows, request=page, cursor_of=lambda row: [str(row[0].id)], view=lambda row: view(*row))


async def open_count(session: AsyncSession) -> int:
    """The number of conflicts that wait for a person."""
    query = select(func.count()).select_from(SyncConflict).where(col(SyncConflict.resolved_at).is_(None))
    return (await session.exec(query)).one()


def view(row: SyncConflict, case_code: str | None, other_id: UUID | None) -> SyncConflictView:
    """A conflict without its values."""
    return SyncConflictView(
        id=row.id,
        returnee_id=row.returnee_id,
        case_code=case_code,
        kind=ConflictKind(row.kind),
        field=row.field,
        held=Held(row.held),
        other_returnee_id=other_id,
        device_id=row.device_id,
        operation_id=row.operation_id,
        made_at=row.made_at,
        found_at=row.found_at,
        version=row.version,
        resolution=None if row.resolution is None else Settled(row.resolution),
        reason=None if row.reason is None else ResolutionReason(row.reason),
        resolved_at=row.resolved_at,
    )


def values_of(row: SyncConflict, key: DataKey) -> tuple[object, object]:
    """What was stored and what the device told, decrypted."""
    sealed = {"stored": row.stored_sealed, "told": row.told_sealed}
    plain = {name: key.open_or_none(one, table="sync_conflict", column=name) for name, one in sealed.items()}
    stored, told = (None if one is None else json.loads(one) for one in plain.values())
    return stored, told


def view_with_values(
    row: SyncConflict, case_code: str | None, other_id: UUID | None, key: DataKey
) -> SyncConflictWithValues:
    """A conflict with both values."""
    stored, told = values_of(row, key)
    return SyncConflictWithValues(**view(row, case_code, other_id).model_dump(), stored=stored, told=told)
