"""Give, withdraw and show consents. Consents of many people are recorded at once, with one statement per table."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from libs.chassis.errors import InvalidInput
from libs.consents.policy import Opened, lost_between
from libs.events.catalogue.consents import ConsentGrant, NamedConsentGrant
from libs.events.catalogue.registration import ConsentChanged
from libs.events.codes import DeletionReason
from libs.events.outbox import append
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.consent import queries
from services.registration.consent.rules.consents import (
    element_faults,
    given_field,
    one_recipient_faults,
    recipient_key,
    withdrawn_field,
)
from services.registration.consent.schemas import AnyConsentTold, ConsentView, NewConsent, recipient_of
from services.registration.consent.tables import Consent, ConsentWithdrawal, sealed_reference
from services.registration.errors import ConsentAlreadyWithdrawn
from services.registration.organizations.rules import organization_faults
from services.registration.pack import Pack
from services.registration.people.actions.field_changes import note_changes
from services.registration.people.queries import returnee
from services.registration.people.tables import Returnee
from services.registration.sharing.actions import Withdrawn, ask_for_deletion
from services.registration.vault.queries import data_key, data_keys
from services.registration.vault.sealing import DataKey, Vault

_GIVE = """
    INSERT INTO consent (id, returnee_id, discloser, purpose, recipient_class, data_described_sealed, given_by, method,
                         language, staff_reference, staff_reference_sealed, revocation_explained, given_at, expires_at,
                         recorded_at, witness_reference_sealed, recipient_organization_id, recipient_name_sealed)
    SELECT id, returnee_id, discloser, purpose, recipient_class, data_described, given_by, method, language, '',
        staff_reference, revocation_explained, given_at, expires_at, recorded_at, witness_reference,
        recipient_organization_id, recipient_name
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::text[],
                $9::text[], $10::bytea[], $11::bool[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[],
                $15::bytea[], $16::uuid[], $17::bytea[])
        AS c (id, returnee_id, discloser, purpose, recipient_class, data_described, given_by, method, language,
              staff_reference, revocation_explained, given_at, expires_at, recorded_at, witness_reference,
              recipient_organization_id, recipient_name)
"""
_NEXT_VERSION = """
    INSERT INTO consent_state (returnee_id, version) SELECT returnee_id, 1 FROM unnest($1::uuid[]) AS s (returnee_id)
    ORDER BY returnee_id
    ON CONFLICT (returnee_id) DO UPDATE SET version = consent_state.version + 1
    RETURNING returnee_id, version
"""


async def give_consents(
    session: AsyncSession, consents: Sequence[NewConsent], keys: Mapping[UUID, DataKey]
) -> list[UUID]:
    """Record consents, publish the present state of each person's consents, and return the ids of the new ones."""
    if not consents:
        return []
    rows = [_row(one, keys[one.returnee_id], recorded_at=now(session)) for one in consents]
    await (await raw(session)).execute(_GIVE, *map(list, zip(*rows, strict=True)))
    await _tell(session, {one.returnee_id: one.traceparent for one in consents})
    return [row[0] for row in rows]


def _row(one: NewConsent, key: DataKey, *, recorded_at: datetime) -> tuple[UUID, *tuple[object, ...]]:
    body, recipient = one.body, recipient_of(one.body)
    return (
        uuid7(),
        one.returnee_id,
        one.discloser,
        body.purpose.value,
        recipient.recipient_class,
        key.seal(body.data_described, table="consent", column="data_described"),
        body.given_by,
        body.method,
        body.language,
        sealed_reference(body.staff_reference, key),
        body.revocation_explained,
        body.given_at,
        body.expires_at,
        recorded_at,
        key.seal_or_none(body.witness_reference, table="consent", column="witness_reference"),
        recipient.organization_id,
        key.seal_or_none(recipient.name, table="consent", column="recipient_name"),
    )


async def tell_that_nothing_is_granted(session: AsyncSession, traceparents: Mapping[UUID, str | None]) -> None:
    """Publish that people who allowed nothing at intake allow nothing.

    This is the default, but the needs of a household wait until the state of each member is known.
    """
    if traceparents:
        await _tell(session, traceparents)


async def tell_again(session: AsyncSession, returnee_id: UUID, *, traceparent: str | None) -> None:
    """Publish the state of a person's consents after a change of age, because the age can change which of them are
    valid."""
    if returnee_id not in await queries.never_heard(session, [returnee_id]):
        await _tell(session, {returnee_id: traceparent})


async def tell_states(session: AsyncSession, returnee_ids: Sequence[UUID]) -> None:
    """Publish the present state of these people's consents, after a restore: referral has not received it, or has
    received one that is lost here."""
    if returnee_ids:
        people = select(Returnee.id, Returnee.traceparent).where(col(Returnee.id).in_(returnee_ids))
        await _tell(session, {row[0]: row[1] for row in (await session.exec(people)).all()})


async def _tell(session: AsyncSession, traceparents: Mapping[UUID, str | None]) -> None:
    """Publish the complete present state of each person's consents, with the next version."""
    rows = await (await raw(session)).fetch(_NEXT_VERSION, list(traceparents))
    versions = {row["returnee_id"]: row["version"] for row in rows}
    standing = await queries.grants(session, list(traceparents), at=now(session))
    events = [
        ConsentChanged(
            returnee_id=returnee_id,
            version=versions[returnee_id],
            grants=[
                ConsentGrant(purpose=one.purpose, recipient_class=one.recipient_class, expires_at=one.expires_at)
                for one in standing[returnee_id]
                if one.recipient_class is not None
            ],
            organizations=[
                NamedConsentGrant(purpose=one.purpose, organization_id=one.organization_id, expires_at=one.expires_at)
                for one in standing[returnee_id]
                if one.organization_id is not None
            ],
        )
        for returnee_id in traceparents
    ]
    await append(session, events, traceparents=list(traceparents.values()))


async def give_consent(
    session: AsyncSession, returnee_id: UUID, body: AnyConsentTold, *, actor: Actor, vault: Vault, pack: Pack
) -> UUID:
    """Record one consent of a registered person; return its id."""
    row = await returnee(session, returnee_id, actor=actor, lock=True)
    await require_sound_consent(session, body, row, pack=pack)
    key = await data_key(vault, returnee_id)
    new = NewConsent(returnee_id, body, discloser=actor.principal, traceparent=row.traceparent)
    (consent_id,) = await give_consents(session, [new], {returnee_id: key})
    await record(session, actor, [_access(returnee_id, AccessKind.WRITE, "consent.give")])
    await note_changes(session, [returnee_id], [given_field(body.purpose, recipient_of(body).key)])
    return consent_id


async def require_sound_consent(session: AsyncSession, body: AnyConsentTold, row: Returnee, *, pack: Pack) -> None:
    """Raise InvalidInput that names the fields if this consent of this person cannot be recorded."""
    recipient = recipient_of(body)
    faults = [
        *one_recipient_faults(
            recipient_class=recipient.recipient_class,
            organization_id=recipient.organization_id,
            name=recipient.name,
            pointer="",
        ),
        *organization_faults(
            purpose=body.purpose,
            organization_id=recipient.organization_id,
            nameable=await queries.nameable(session, [body], pack=pack),
            pointer="",
        ),
        *element_faults(body, age_group=row.age_group, at=now(session), times=pack.reception.times, pointer=""),
    ]
    if faults:
        raise InvalidInput(errors=faults)


async def withdraw_consent(
    session: AsyncSession, returnee_id: UUID, consent_id: UUID, *, pack: Pack, actor: Actor
) -> UUID:
    """Withdraw a consent, without a reason.

    Access ends with this commit, and the other services are informed (domain P4). Organisations that may not have the
    person's data any more are asked to delete what they fetched.
    """
    row = await returnee(session, returnee_id, actor=actor, lock=True)
    consent = await queries.consent(session, consent_id, returnee_id=returnee_id)
    if await session.get(ConsentWithdrawal, consent_id) is not None:
        raise ConsentAlreadyWithdrawn
    before = await queries.opened(session, returnee_id, pack.consents)
    session.add(ConsentWithdrawal(consent_id=consent_id, withdrawn_at=now(session), recorded_by=actor.principal))
    await session.flush()
    await _tell(session, {returnee_id: row.traceparent})
    await record(session, actor, [_access(returnee_id, AccessKind.WRITE, "consent.withdraw")])
    await note_changes(session, [returnee_id], [withdrawn_field(consent.purpose, key_of(consent))])
    await ask_for_what_is_lost(session, row, before, reason=DeletionReason.CONSENT_WITHDRAWN, pack=pack, actor=actor)
    return consent_id


def key_of(consent: Consent) -> str:
    """The recipients of a stored consent in pointers."""
    return recipient_key(consent.recipient_class, consent.recipient_organization_id)


async def ask_for_what_is_lost(
    session: AsyncSession, row: Returnee, before: Opened, *, reason: DeletionReason, pack: Pack, actor: Actor
) -> None:
    """Ask for the deletion of the packets that this person, whose row is locked, allowed before and does not allow
    now."""
    for lost in lost_between(before, await queries.opened(session, row.id, pack.consents)):
        withdrawn = Withdrawn(
            row.id,
            row.case_code,
            reason,
            categories=lost.categories,
            organizations=None if lost.organization_id is None else [lost.organization_id],
            kept=lost.kept,
            traceparent=row.traceparent,
        )
        await ask_for_deletion(session, withdrawn, pack=pack, actor=actor)


async def look_up_consents(
    session: AsyncSession, returnee_id: UUID, *, actor: Actor, vault: Vault
) -> list[ConsentView]:
    """All consents of a person, oldest first. The access is recorded."""
    person = await returnee(session, returnee_id, actor=actor)
    rows = await queries.consent_rows(session, returnee_id)
    key = await data_key(vault, returnee_id)
    await record(session, actor, [_access(returnee_id, AccessKind.READ, "consent.read")])
    return [
        queries.consent_view(consent, withdrawal, key, age_group=person.age_group, at=now(session))
        for consent, withdrawal in rows
    ]


async def show_consent(session: AsyncSession, returnee_id: UUID, consent_id: UUID, *, vault: Vault) -> ConsentView:
    """One consent, for the caller that has just given or withdrawn it."""
    consent = await queries.consent(session, consent_id, returnee_id=returnee_id)
    withdrawal = await session.get(ConsentWithdrawal, consent_id)
    person = await session.get_one(Returnee, returnee_id)
    key = await data_key(vault, returnee_id)
    return queries.consent_view(consent, withdrawal, key, age_group=person.age_group, at=now(session))


def _access(returnee_id: UUID, kind: AccessKind, action: str) -> Access:
    return Access(
        subject_id=returnee_id, kind=kind, action=action, purpose=AccessPurpose.REGISTRATION, fields=["consent"]
    )


# The key of a person who is about to be erased has already been destroyed. The erasure deletes the references that are
# skipped here.
_IN_CLEAR = """
    SELECT id, returnee_id, staff_reference FROM consent WHERE staff_reference <> '' ORDER BY id LIMIT $1
    FOR NO KEY UPDATE SKIP LOCKED
"""
_SEAL = """
    UPDATE consent SET staff_reference = '', staff_reference_sealed = s.sealed
    FROM unnest($1::uuid[], $2::bytea[]) AS s (id, sealed) WHERE consent.id = s.id
"""


async def seal_staff_references(session: AsyncSession, *, vault: Vault, limit: int) -> int:
    """Seal up to `limit` references of the staff who took a consent that are in clear; return how many were sealed."""
    connection = await raw(session)
    rows = await connection.fetch(_IN_CLEAR, limit)
    keys = await data_keys(vault, {row["returnee_id"] for row in rows})
    sealed = {
        row["id"]: sealed_reference(row["staff_reference"], keys[row["returnee_id"]])
        for row in rows
        if row["returnee_id"] in keys
    }
    await connection.execute(_SEAL, list(sealed), list(sealed.values()))
    return len(sealed)
