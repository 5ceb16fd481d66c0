"""Erase a person, and bring both lists of the erased together after a restore."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.events.catalogue.registration import DeletionReason, ReturneeErased
from libs.events.outbox import append
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.doubts.actions import forget_doubts
from services.registration.erasure.tables import Erasure
from services.registration.households.actions import leave_household
from services.registration.intake.tellings import forget_told
from services.registration.pack import Pack
from services.registration.people.queries import IDENTITY_FIELDS, returnee
from services.registration.people.tables import Returnee
from services.registration.sharing.actions import Withdrawn, ask_for_deletion
from services.registration.vault.actions import destroy_keys
from services.registration.vault.queries import data_keys, erased_subjects
from services.registration.vault.rules import SubjectKind
from services.registration.vault.sealing import Vault

_REPLAY = Actor(who="urn:enlace:registration", client_id="registration")


async def erase_returnee(session: AsyncSession, returnee_id: UUID, *, pack: Pack, actor: Actor, vault: Vault) -> UUID:
    """Destroy the person's key, remember it, and tell the others; what stays tells nothing of a person (domain P20).

    The key is gone before this transaction commits. Should it not commit, the list in the database of keys is
    replayed against this database, which then tells the others.
    """
    row = await returnee(session, returnee_id, actor=actor, lock=True)
    access = Access(
        subject_id=row.id,
        kind=AccessKind.WRITE,
        action="returnee.erase",
        purpose=AccessPurpose.ERASURE,
        fields=[*IDENTITY_FIELDS, "safe_contact", "consents"],
    )
    await record(session, actor, [access])
    await _forget(session, row, erased_at=now(session))
    await _ask_for_deletion(session, row, pack=pack, actor=actor)
    await destroy_keys(vault, {row.id: now(session)}, kind=SubjectKind.PERSON)
    return row.id


async def replay_erasures(session: AsyncSession, *, pack: Pack, vault: Vault) -> int:
    """Do on each side what the other side's list says; how many were missing on either.

    Whichever database comes back from a backup, nobody who was erased comes back with it.
    """
    by_keys = await erased_subjects(vault, kind=SubjectKind.PERSON)
    rows = (await session.exec(select(Erasure))).all()
    here = {row.returnee_id: row.erased_at for row in rows}
    missing_here = {one: at for one, at in by_keys.items() if one not in here}
    missing_there = {one: at for one, at in here.items() if one not in by_keys}
    for returnee_id in sorted(missing_here):
        await _replay(session, returnee_id, erased_at=missing_here[returnee_id], pack=pack)
    await _destroy(vault, missing_there)
    return len(missing_here) + len(missing_there)


async def _replay(session: AsyncSession, returnee_id: UUID, *, erased_at: datetime, pack: Pack) -> None:
    row = await session.get(Returnee, returnee_id, with_for_update={"key_share": True})
    if row is not None and row.erased_at is None:
        await _forget(session, row, erased_at=erased_at)
        await _ask_for_deletion(session, row, pack=pack, actor=_REPLAY)
    else:
        session.add(Erasure(returnee_id=returnee_id, erased_at=erased_at))
        await session.flush()


async def _destroy(vault: Vault, erased: Mapping[UUID, datetime]) -> None:
    await destroy_keys(vault, erased, kind=SubjectKind.PERSON)
    assert not await data_keys(vault, erased), "a destroyed key opens nothing"


async def _forget(session: AsyncSession, row: Returnee, *, erased_at: datetime) -> None:
    """Blank what is sealed and what could be searched for; codes for statistics stay."""
    for name in (*IDENTITY_FIELDS, "sender_reference"):
        setattr(row, f"{name}_sealed", None)
    row.search_index = []
    row.manifest_key = None
    row.erased_at = erased_at
    row.version += 1
    session.add_all([row, Erasure(returnee_id=row.id, erased_at=erased_at)])
    await session.flush()
    await forget_doubts(session, row.id)
    await forget_told(session, row.id)
    await leave_household(session, row)
    erased = ReturneeErased(returnee_id=row.id, erased_at=erased_at)
    await append(session, [erased], traceparents=[row.traceparent])


async def _ask_for_deletion(session: AsyncSession, row: Returnee, *, pack: Pack, actor: Actor) -> None:
    withdrawn = Withdrawn(row.id, row.case_code, DeletionReason.ERASED, traceparent=row.traceparent)
    await ask_for_deletion(session, withdrawn, pack=pack, actor=actor)
