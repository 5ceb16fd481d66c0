"""Store the announced people, sealed under one key per batch; claim entries; delete the names of unclaimed ones."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from libs.chassis.errors import InvalidInput
from libs.chassis.paging import Page, PageRequest, page_of
from libs.events.catalogue.arrivals import ManifestEntry as Announced
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.errors import EntryAlreadyRegistered
from services.registration.manifests import queries
from services.registration.manifests.rules import AbsenceReason, EntryStatus, manifest_faults
from services.registration.manifests.schemas import Claim, ManifestEntryView
from services.registration.retention.actions import count_gone
from services.registration.retention.rules import Gone
from services.registration.vault.actions import destroy_keys, obtain_key
from services.registration.vault.queries import data_keys
from services.registration.vault.rules import Erased, SubjectKind
from services.registration.vault.sealing import DataKey, MasterKey, Vault

_HOLD = """
    INSERT INTO manifest_entry (id, arrival_batch_id, entry_key, status, sex, nationality, sender_reference_sealed,
                                given_names_sealed, family_names_sealed, birth_date_sealed)
    SELECT id, $1, entry_key, 'expected', sex, nationality, sender_reference, given_names, family_names, birth_date
    FROM unnest($2::uuid[], $3::bytea[], $4::text[], $5::text[], $6::bytea[], $7::bytea[], $8::bytea[], $9::bytea[])
        AS e (id, entry_key, sex, nationality, sender_reference, given_names, family_names, birth_date)
    ON CONFLICT (arrival_batch_id, entry_key) DO UPDATE SET
        sex = excluded.sex, nationality = excluded.nationality,
        sender_reference_sealed = excluded.sender_reference_sealed,
        given_names_sealed = excluded.given_names_sealed, family_names_sealed = excluded.family_names_sealed,
        birth_date_sealed = excluded.birth_date_sealed
    WHERE manifest_entry.status <> 'registered'
"""
_REPLACE = """
    DELETE FROM manifest_entry WHERE arrival_batch_id = $1 AND status = 'expected' AND entry_key <> ALL ($2::bytea[])
"""
# The names of a claimed entry are deleted, because they are now sealed under the person's own key.
_BLANK = """sender_reference_sealed = NULL, given_names_sealed = NULL, family_names_sealed = NULL,
    birth_date_sealed = NULL"""
_CLAIM = f"""
    UPDATE manifest_entry e SET status = 'registered', returnee_id = c.returnee_id, {_BLANK}
    FROM unnest($1::uuid[], $2::bytea[], $3::uuid[]) AS c (arrival_batch_id, entry_key, returnee_id)
    WHERE e.arrival_batch_id = c.arrival_batch_id AND e.entry_key = c.entry_key AND e.status <> 'registered'
"""  # noqa: S608 (a constant)
_CLAIM_EARLIER = f"""
    UPDATE manifest_entry e SET status = 'registered', returnee_id = r.id, {_BLANK}
    FROM returnee r
    WHERE e.arrival_batch_id = $1 AND r.arrival_batch_id = $1 AND r.manifest_key = e.entry_key
        AND e.status <> 'registered'
"""  # noqa: S608 (a constant)

_AGE_OUT = f"UPDATE manifest_entry SET {_BLANK}, entry_key = NULL WHERE arrival_batch_id = ANY($1)"  # noqa: S608
_AGE_OUT_OF_PEOPLE = "UPDATE returnee SET manifest_key = NULL WHERE arrival_batch_id = ANY($1)"


def entry_key(master: MasterKey, *, arrival_batch_id: UUID, reference: str) -> bytes:
    """The keyed hash by which an entry and the announced person are matched, whichever comes first."""
    return master.blind("manifest_entry", str(arrival_batch_id), reference)


async def hold_manifest(
    session: AsyncSession,
    arrival_batch_id: UUID,
    entries: Sequence[Announced],
    *,
    vault: Vault,
    actor: Actor,
    today: date,
) -> None:
    """Store the manifest of a batch, whose row is locked. It replaces the earlier manifest.

    People who are no longer on it and have not been met are deleted. People who have been met or marked absent are
    kept. People who came before their announcement are matched at once.
    """
    faults = manifest_faults([(entry.sender_reference, entry.birth_date) for entry in entries], today=today)
    if faults:
        raise InvalidInput(errors=faults)
    connection = await raw(session)
    await connection.execute(_REPLACE, arrival_batch_id, [_key_of(entry, arrival_batch_id, vault) for entry in entries])
    if entries:
        key = await obtain_key(vault, arrival_batch_id, kind=SubjectKind.MANIFEST, at=now(session))
        rows = [_row(entry, arrival_batch_id, key, vault) for entry in entries]
        await connection.execute(_HOLD, arrival_batch_id, *map(list, zip(*rows, strict=True)))
        await connection.execute(_CLAIM_EARLIER, arrival_batch_id)
    await record(session, actor, [_access(arrival_batch_id, AccessKind.WRITE, "manifest.hold")])


def _key_of(entry: Announced, arrival_batch_id: UUID, vault: Vault) -> bytes:
    return entry_key(vault.master, arrival_batch_id=arrival_batch_id, reference=entry.sender_reference)


def _row(entry: Announced, arrival_batch_id: UUID, key: DataKey, vault: Vault) -> tuple[object, ...]:
    def sealed(column: str, value: str | date | None) -> bytes | None:
        plain = value.isoformat() if isinstance(value, date) else value
        return key.seal_or_none(plain, table="manifest_entry", column=column)

    return (
        uuid7(),
        _key_of(entry, arrival_batch_id, vault),
        entry.sex.value,
        entry.nationality,
        *(sealed(column, getattr(entry, column)) for column in queries.SEALED),
    )


async def claim_entries(session: AsyncSession, claims: Sequence[Claim]) -> None:
    """Mark the entries of announced people who have arrived, with one statement for all. The batches' rows are
    locked."""
    if claims:
        columns = zip(*((one.arrival_batch_id, one.entry_key, one.returnee_id) for one in claims), strict=True)
        await (await raw(session)).execute(_CLAIM, *map(list, columns))


async def mark_absent(
    session: AsyncSession, arrival_batch_id: UUID, entry_id: UUID, reason: AbsenceReason, *, actor: Actor
) -> None:
    """Mark an announced person as absent; the batch's row is locked. If the person still comes, they are registered."""
    row = await queries.entry(session, entry_id, batch_id=arrival_batch_id)
    if row.status == EntryStatus.REGISTERED:
        raise EntryAlreadyRegistered
    row.status, row.absent_because = EntryStatus.ABSENT.value, reason.value
    session.add(row)
    await session.flush()
    await record(session, actor, [_access(arrival_batch_id, AccessKind.WRITE, "manifest.mark_absent")])


async def look_up_manifest(
    session: AsyncSession, arrival_batch_id: UUID, page: PageRequest, *, vault: Vault, actor: Actor
) -> Page[ManifestEntryView]:
    """The people who are announced with a batch, in the order of the announcement. The access is recorded."""
    rows = await queries.entries(session, arrival_batch_id, page)
    key = (await data_keys(vault, [arrival_batch_id])).get(arrival_batch_id)
    await record(session, actor, [_access(arrival_batch_id, AccessKind.READ, "manifest.read")])
    return page_of(
        rows, request=page, cursor_of=lambda row: [str(row.id)], view=lambda row: queries.entry_view(row, key)
    )


async def let_age_out(session: AsyncSession, arrival_batch_ids: Sequence[UUID], *, vault: Vault, at: datetime) -> None:
    """Delete the data about people in these batches' manifests and destroy their keys (P17).

    The batches' rows are locked. The keyed hashes of the entries are deleted too, so nobody can be searched in an old
    manifest. The numbers of announced and of arrived people are kept.
    """
    connection = await raw(session)
    await connection.execute(_AGE_OUT, list(arrival_batch_ids))
    await connection.execute(_AGE_OUT_OF_PEOPLE, list(arrival_batch_ids))
    await destroy_keys(vault, dict.fromkeys(arrival_batch_ids, Erased(at)), kind=SubjectKind.MANIFEST)
    await count_gone(session, Gone.MANIFESTS, len(arrival_batch_ids))


def _access(arrival_batch_id: UUID, kind: AccessKind, action: str) -> Access:
    return Access(
        subject_id=arrival_batch_id,
        kind=kind,
        action=action,
        purpose=AccessPurpose.REGISTRATION,
        fields=queries.SEALED,
    )
