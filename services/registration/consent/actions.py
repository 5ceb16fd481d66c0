"""Give and withdraw consent, say how one may be reached. Giving takes many people at once: one statement per table."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from libs.chassis.errors import InvalidInput
from libs.events.catalogue.arrivals import ConsentGiven, SafeContactTold
from libs.events.catalogue.registration import ConsentChanged, ConsentGrant, DeletionReason, SafeContactChanged
from libs.events.outbox import append
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.consent import queries
from services.registration.consent.addresses import kept_address
from services.registration.consent.references import sealed_reference
from services.registration.consent.rules import child_consent_faults, consent_faults, safe_contact_faults
from services.registration.consent.schemas import ConsentView, NewConsent, NewSafeContact, SafeContactView
from services.registration.consent.tables import ConsentWithdrawal
from services.registration.errors import ConsentAlreadyWithdrawn
from services.registration.pack import Pack
from services.registration.people.queries import returnee
from services.registration.people.tables import Returnee
from services.registration.sharing.actions import Withdrawn, ask_for_deletion
from services.registration.told_times import ToldTimes
from services.registration.vault.queries import data_key
from services.registration.vault.sealing import DataKey, Vault

_GIVE = """
    INSERT INTO consent (id, returnee_id, discloser, purpose, recipient_class, data_described_sealed, given_by, method,
                         language, staff_reference, staff_reference_sealed, revocation_explained, given_at, expires_at,
                         recorded_at)
    SELECT id, returnee_id, discloser, purpose, recipient_class, data_described, given_by, method, language, '',
        staff_reference, revocation_explained, given_at, expires_at, recorded_at
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::text[],
                $9::text[], $10::bytea[], $11::bool[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[])
        AS c (id, returnee_id, discloser, purpose, recipient_class, data_described, given_by, method, language,
              staff_reference, revocation_explained, given_at, expires_at, recorded_at)
"""
_NEXT_VERSION = """
    INSERT INTO consent_state (returnee_id, version) SELECT returnee_id, 1 FROM unnest($1::uuid[]) AS s (returnee_id)
    ORDER BY returnee_id
    ON CONFLICT (returnee_id) DO UPDATE SET version = consent_state.version + 1
    RETURNING returnee_id, version
"""
_CONTACT = """
    INSERT INTO safe_contact (returnee_id, version, channel, address_sealed, language, hours_from, hours_until,
                              may_leave_message, confirmed_at)
    SELECT returnee_id, 1, channel, address, language, hours_from, hours_until, may_leave_message, $8
    FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[], $5::int[], $6::int[], $7::bool[])
        AS s (returnee_id, channel, address, language, hours_from, hours_until, may_leave_message)
    ON CONFLICT (returnee_id) DO UPDATE SET
        version = safe_contact.version + 1, channel = excluded.channel, address_sealed = excluded.address_sealed,
        language = excluded.language, hours_from = excluded.hours_from, hours_until = excluded.hours_until,
        may_leave_message = excluded.may_leave_message, confirmed_at = excluded.confirmed_at
    RETURNING returnee_id, version
"""


async def give_consents(
    session: AsyncSession, consents: Sequence[NewConsent], keys: Mapping[UUID, DataKey]
) -> list[UUID]:
    """Record consents and tell, per person, of all that is allowed now; their ids."""
    if not consents:
        return []
    rows = [_row(one, keys[one.returnee_id], recorded_at=now(session)) for one in consents]
    await (await raw(session)).execute(_GIVE, *map(list, zip(*rows, strict=True)))
    await _tell(session, {one.returnee_id: one.traceparent for one in consents})
    return [row[0] for row in rows]


def _row(one: NewConsent, key: DataKey, *, recorded_at: datetime) -> tuple[UUID, *tuple[object, ...]]:
    body = one.body
    return (
        uuid7(),
        one.returnee_id,
        one.discloser,
        body.purpose.value,
        body.recipient_class.value,
        key.seal(body.data_described, table="consent", column="data_described"),
        body.given_by,
        body.method,
        body.language,
        sealed_reference(body.staff_reference, key),
        body.revocation_explained,
        body.given_at,
        body.expires_at,
        recorded_at,
    )


async def tell_that_nothing_is_granted(session: AsyncSession, traceparents: Mapping[UUID, str | None]) -> None:
    """Say of people who allowed nothing at intake that they allowed nothing.

    Nobody needs to be told of a default, but for a household: its needs wait until each member has been heard.
    """
    if traceparents:
        await _tell(session, traceparents)


async def tell_again(session: AsyncSession, returnee_id: UUID, *, traceparent: str | None) -> None:
    """The age of somebody has changed, and with it perhaps which of their consents count: tell how they stand now."""
    if returnee_id not in await queries.never_heard(session, [returnee_id]):
        await _tell(session, {returnee_id: traceparent})


async def tell_states(session: AsyncSession, returnee_ids: Sequence[UUID]) -> None:
    """Tell of these people how their consents stand now: nobody has heard of it, or of something that is lost here."""
    if returnee_ids:
        people = select(Returnee.id, Returnee.traceparent).where(col(Returnee.id).in_(returnee_ids))
        await _tell(session, {row[0]: row[1] for row in (await session.exec(people)).all()})


async def _tell(session: AsyncSession, traceparents: Mapping[UUID, str | None]) -> None:
    """The whole present state of each person's consent, under its next version."""
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
            ],
        )
        for returnee_id in traceparents
    ]
    await append(session, events, traceparents=list(traceparents.values()))


async def set_safe_contacts(
    session: AsyncSession, contacts: Sequence[NewSafeContact], keys: Mapping[UUID, DataKey], *, country: str
) -> None:
    """Record how people may be reached, one contact per person, and tell which kind of channel it is.

    Addresses must be without fault; numbers without a country code are of `country`.
    """
    if not contacts:
        return
    rows = [
        (
            one.returnee_id,
            one.body.channel.value,
            keys[one.returnee_id].seal_or_none(_kept(one.body, country), table="safe_contact", column="address"),
            one.body.told("language"),
            one.body.told("hours_from"),
            one.body.told("hours_until"),
            one.body.may_leave_message,
        )
        for one in contacts
    ]
    stored = await (await raw(session)).fetch(_CONTACT, *map(list, zip(*rows, strict=True)), now(session))
    versions = {row["returnee_id"]: row["version"] for row in stored}
    events = [
        SafeContactChanged(returnee_id=one.returnee_id, version=versions[one.returnee_id], channel=one.body.channel)
        for one in contacts
    ]
    await append(session, events, traceparents=[one.traceparent for one in contacts])


def _kept(body: SafeContactTold, country: str) -> str | None:
    return None if body.address is None else kept_address(body.channel, body.address, country=country)


async def give_consent(
    session: AsyncSession, returnee_id: UUID, body: ConsentGiven, *, actor: Actor, vault: Vault, times: ToldTimes
) -> UUID:
    """Record one consent of a registered person; its id."""
    row = await returnee(session, returnee_id, actor=actor, lock=True)
    faults = consent_faults(
        given_at=body.given_at,
        expires_at=body.expires_at,
        revocation_explained=body.revocation_explained,
        at=now(session),
        times=times,
        pointer="",
    ) + child_consent_faults(age_band=row.age_band, given_by=body.given_by, pointer="")
    if faults:
        raise InvalidInput(errors=faults)
    key = await data_key(vault, returnee_id)
    new = NewConsent(returnee_id, body, discloser=actor.client_id, traceparent=row.traceparent)
    (consent_id,) = await give_consents(session, [new], {returnee_id: key})
    await record(session, actor, [_access(returnee_id, AccessKind.WRITE, "consent.give", ["consent"])])
    return consent_id


async def withdraw_consent(
    session: AsyncSession, returnee_id: UUID, consent_id: UUID, *, pack: Pack, actor: Actor
) -> UUID:
    """Take a consent back, without a reason: access ends with this commit, the others are told (domain P4).

    Organisations that may not know of the person any more are asked to delete what they fetched.
    """
    row = await returnee(session, returnee_id, actor=actor, lock=True)
    await queries.consent(session, consent_id, returnee_id=returnee_id)
    if await session.get(ConsentWithdrawal, consent_id) is not None:
        raise ConsentAlreadyWithdrawn
    before = await queries.opened_categories(session, returnee_id, pack.consents)
    session.add(ConsentWithdrawal(consent_id=consent_id, withdrawn_at=now(session), recorded_by=actor.client_id))
    await session.flush()
    await _tell(session, {returnee_id: row.traceparent})
    await record(session, actor, [_access(returnee_id, AccessKind.WRITE, "consent.withdraw", ["consent"])])
    withdrawn = Withdrawn(
        returnee_id,
        row.case_code,
        DeletionReason.CONSENT_WITHDRAWN,
        categories=before - await queries.opened_categories(session, returnee_id, pack.consents),
        traceparent=row.traceparent,
    )
    await ask_for_deletion(session, withdrawn, pack=pack, actor=actor)
    return consent_id


async def look_up_consents(
    session: AsyncSession, returnee_id: UUID, *, actor: Actor, vault: Vault
) -> list[ConsentView]:
    """All consents of a person, oldest first; recorded."""
    person = await returnee(session, returnee_id, actor=actor)
    rows = await queries.consent_rows(session, returnee_id)
    key = await data_key(vault, returnee_id)
    await record(session, actor, [_access(returnee_id, AccessKind.READ, "consent.read", ["consent"])])
    return [
        queries.consent_view(consent, withdrawal, key, age_band=person.age_band, at=now(session))
        for consent, withdrawal in rows
    ]


async def show_consent(session: AsyncSession, returnee_id: UUID, consent_id: UUID, *, vault: Vault) -> ConsentView:
    """One consent to who has just given or withdrawn it."""
    consent = await queries.consent(session, consent_id, returnee_id=returnee_id)
    withdrawal = await session.get(ConsentWithdrawal, consent_id)
    person = await session.get_one(Returnee, returnee_id)
    key = await data_key(vault, returnee_id)
    return queries.consent_view(consent, withdrawal, key, age_band=person.age_band, at=now(session))


async def set_safe_contact(
    session: AsyncSession, returnee_id: UUID, body: SafeContactTold, *, actor: Actor, vault: Vault, country: str
) -> None:
    """Record how a registered person may be reached from now on."""
    row = await returnee(session, returnee_id, actor=actor, lock=True)
    faults = safe_contact_faults(
        channel=body.channel,
        address=body.address,
        hours_from=body.told("hours_from"),
        hours_until=body.told("hours_until"),
        country=country,
        pointer="",
    )
    if faults:
        raise InvalidInput(errors=faults)
    key = await data_key(vault, returnee_id)
    await set_safe_contacts(
        session, [NewSafeContact(returnee_id, body, row.traceparent)], {returnee_id: key}, country=country
    )
    await record(session, actor, [_access(returnee_id, AccessKind.WRITE, "safe_contact.set", ["safe_contact"])])


async def show_safe_contact(session: AsyncSession, returnee_id: UUID, *, vault: Vault) -> SafeContactView:
    """The safe contact to who has just set it."""
    return await queries.safe_contact(session, returnee_id, key=await data_key(vault, returnee_id))


async def look_up_safe_contact(
    session: AsyncSession, returnee_id: UUID, *, purpose: AccessPurpose, actor: Actor, vault: Vault
) -> SafeContactView:
    """How a person may be reached, under a purpose; recorded."""
    await returnee(session, returnee_id, actor=actor)
    view = await queries.safe_contact(session, returnee_id, key=await data_key(vault, returnee_id))
    access = _access(returnee_id, AccessKind.READ, "safe_contact.read", ["safe_contact"], purpose=purpose)
    await record(session, actor, [access])
    return view


def _access(
    returnee_id: UUID,
    kind: AccessKind,
    action: str,
    fields: Sequence[str],
    *,
    purpose: AccessPurpose = AccessPurpose.REGISTRATION,
) -> Access:
    return Access(subject_id=returnee_id, kind=kind, action=action, purpose=purpose, fields=fields)
