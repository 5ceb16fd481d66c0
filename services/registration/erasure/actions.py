"""Erase a person, and synchronise both lists of erased people after a restore."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.events.catalogue.registration import ReturneeErased
from libs.events.codes import DeletionReason
from libs.events.outbox import append
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.doubts.actions import forget_doubts
from services.registration.erasure.rules import KEEP_ARRIVAL_KEY_DAYS, REACH
from services.registration.erasure.tables import Erasure
from services.registration.excluded_people.actions import forget_links
from services.registration.households.actions.households import leave_household
from services.registration.needs import restricted
from services.registration.pack import Pack
from services.registration.people.actions.merging import lock_people, records_of
from services.registration.people.queries import IDENTITY_FIELDS, returnee
from services.registration.people.tables import Returnee
from services.registration.retention.actions import count_gone
from services.registration.retention.rules import Gone
from services.registration.screening.actions import forget_screening
from services.registration.sharing.actions import Withdrawn, ask_for_deletion
from services.registration.vault.actions import destroy_keys, drop_restricted_keys, forget_arrival_keys
from services.registration.vault.queries import data_keys, erased_subjects
from services.registration.vault.rules import Erased, SubjectKind
from services.registration.vault.sealing import Vault

# An organisation may still have this case code in its own files, so no other person ever gets it.
_SPEND_CASE_CODE = """
    INSERT INTO spent_case_code (case_code) SELECT case_code FROM returnee WHERE id = $1 AND case_code IS NOT NULL
    ON CONFLICT DO NOTHING
"""
_AGE_OUT = "UPDATE erasure SET arrival_key = NULL WHERE arrival_key IS NOT NULL AND erased_at < $1"
_REPLAY = Actor(who="urn:enlace:registration", client_id="registration")


async def erase_returnee(session: AsyncSession, returnee_id: UUID, *, pack: Pack, actor: Actor, vault: Vault) -> UUID:
    """Delete the person's data, destroy their key, record the erasure, and inform the others (domain P20). If records
    of the person are merged, all of them are erased.

    The key is destroyed before this transaction commits. If it does not commit, the erasure is repeated here from the
    list in the database of keys, and the others are informed then.
    """
    await returnee(session, returnee_id, actor=actor)
    rows = await _lock_records(session, returnee_id)
    await returnee(session, returnee_id, actor=actor)  # somebody else may have erased the person meanwhile
    erased = {}
    for row in rows:
        access = Access(
            subject_id=row.id,
            kind=AccessKind.WRITE,
            action="returnee.erase",
            purpose=AccessPurpose.ERASURE,
            fields=[*IDENTITY_FIELDS, "safe_contact", "consents"],
        )
        await record(session, actor, [access])
        await _ask_for_deletion(session, row, pack=pack, actor=actor)
        one_id = row.id
        erased[one_id] = Erased(now(session), await _forget(session, row, erased_at=now(session), vault=vault))
    await destroy_keys(vault, erased, kind=SubjectKind.PERSON)
    await drop_restricted_keys(vault, erased)
    await count_gone(session, Gone.PEOPLE, len(erased))
    return returnee_id


async def _lock_records(session: AsyncSession, returnee_id: UUID) -> list[Returnee]:
    """All records of the person who are not erased, locked: a merge says that they are one person."""
    records = await records_of(session, [returnee_id])
    while True:
        rows = await lock_people(session, records)
        again = await records_of(session, [returnee_id])
        if again == records:
            return [row for row in rows.values() if row.erased_at is None]
        records = again


async def replay_erasures(session: AsyncSession, *, pack: Pack, vault: Vault) -> int:
    """Apply the erasures that only the other database has recorded; return how many were missing on either side.

    So an erased person does not come back when one of the two databases is restored from a backup.
    """
    by_keys = await erased_subjects(vault, kind=SubjectKind.PERSON)
    rows = (await session.exec(select(Erasure))).all()
    here = {row.returnee_id: Erased(row.erased_at, row.arrival_key) for row in rows}
    missing_here = {one: erased for one, erased in by_keys.items() if one not in here}
    missing_there = {one: erased for one, erased in here.items() if one not in by_keys}
    for returnee_id in sorted(missing_here):
        await _replay(session, returnee_id, missing_here[returnee_id], pack=pack, vault=vault)
    await _destroy(vault, missing_there)
    return len(missing_here) + len(missing_there)


async def _replay(session: AsyncSession, returnee_id: UUID, erased: Erased, *, pack: Pack, vault: Vault) -> None:
    row = await session.get(Returnee, returnee_id, with_for_update={"key_share": True})
    if row is not None and row.erased_at is None:
        await _ask_for_deletion(session, row, pack=pack, actor=_REPLAY)
        await _forget(session, row, erased_at=erased.at, vault=vault)
    else:
        session.add(Erasure(returnee_id=returnee_id, erased_at=erased.at, arrival_key=erased.arrival_key))
        await session.flush()


async def _destroy(vault: Vault, erased: Mapping[UUID, Erased]) -> None:
    await destroy_keys(vault, erased, kind=SubjectKind.PERSON)
    await drop_restricted_keys(vault, erased)
    assert not await data_keys(vault, erased), "a destroyed key is never returned"


async def _forget(session: AsyncSession, row: Returnee, *, erased_at: datetime, vault: Vault) -> bytes | None:
    """Delete all data that could be decrypted, searched or recognised; return the arrival key.

    Codes for statistics are kept. `rules.REACH` declares what is done to each column. Of restricted needs nothing is
    kept.
    """
    returnee_id, arrival_key, traceparent = row.id, row.arrival_key, row.traceparent
    row.erased_at = erased_at
    row.version += 1
    session.add_all([row, Erasure(returnee_id=returnee_id, erased_at=erased_at, arrival_key=arrival_key)])
    await session.flush()
    await forget_doubts(session, returnee_id)
    await forget_links(session, returnee_id)
    await restricted.forget(session, returnee_id, vault=vault)
    await forget_screening(session, returnee_id, vault=vault)
    await leave_household(session, row)
    connection = await raw(session)
    await connection.execute(_SPEND_CASE_CODE, returnee_id)
    for table, reach in REACH.items():
        statement = reach.statement(table)
        if statement is not None:
            await connection.execute(statement, returnee_id)
    await append(session, [ReturneeErased(returnee_id=returnee_id, erased_at=erased_at)], traceparents=[traceparent])
    session.expire(row)
    return arrival_key


async def _ask_for_deletion(session: AsyncSession, row: Returnee, *, pack: Pack, actor: Actor) -> None:
    withdrawn = Withdrawn(row.id, row.case_code, DeletionReason.ERASED, traceparent=row.traceparent)
    await ask_for_deletion(session, withdrawn, pack=pack, actor=actor)


async def let_arrival_keys_age_out(session: AsyncSession, vault: Vault, *, days: int = KEEP_ARRIVAL_KEY_DAYS) -> None:
    """Delete the keys that recognise a repeated arrival of an erased person from both lists, when it can no longer
    come."""
    before = now(session) - timedelta(days=days)
    status = await (await raw(session)).execute(_AGE_OUT, before)
    await forget_arrival_keys(vault, before=before)
    await count_gone(session, Gone.ARRIVAL_KEYS, int(status.rsplit(" ", 1)[-1]))
