"""Record safe contacts, of many people at once with one statement per table; show them, and record who looked."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.chassis.errors import InvalidInput
from libs.events.catalogue.arrivals import SafeContactTold
from libs.events.catalogue.registration import SafeContactChanged
from libs.events.codes import ContactChannel
from libs.events.outbox import append
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.consent import queries
from services.registration.consent.rules.contacts import SAFE_CONTACT, kept_address, safe_contact_faults
from services.registration.consent.schemas import ContactStateView, NewSafeContact, SafeContactView
from services.registration.pack import Pack
from services.registration.people.actions.field_changes import note_changes
from services.registration.people.actions.merging import records_of, to_compare
from services.registration.people.queries import returnee
from services.registration.vault.queries import data_key, data_keys
from services.registration.vault.sealing import DataKey, Vault

_CONTACT = """
    INSERT INTO safe_contact (returnee_id, version, channel, address_sealed, language, hours_from, hours_until,
                              may_leave_message, address_owner, code_word_sealed, may_name_organization, expires_at,
                              confirmed_at)
    SELECT returnee_id, 1, channel, address, language, hours_from, hours_until, may_leave_message, address_owner,
           code_word, may_name_organization, expires_at, $12
    FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[], $5::int[], $6::int[], $7::bool[], $8::text[],
                $9::bytea[], $10::bool[], $11::timestamptz[])
        AS s (returnee_id, channel, address, language, hours_from, hours_until, may_leave_message, address_owner,
              code_word, may_name_organization, expires_at)
    ON CONFLICT (returnee_id) DO UPDATE SET
        version = safe_contact.version + 1, channel = excluded.channel, address_sealed = excluded.address_sealed,
        language = excluded.language, hours_from = excluded.hours_from, hours_until = excluded.hours_until,
        may_leave_message = excluded.may_leave_message, address_owner = excluded.address_owner,
        code_word_sealed = excluded.code_word_sealed, may_name_organization = excluded.may_name_organization,
        expires_at = excluded.expires_at, confirmed_at = excluded.confirmed_at
    RETURNING returnee_id, version
"""


async def set_safe_contacts(
    session: AsyncSession, contacts: Sequence[NewSafeContact], keys: Mapping[UUID, DataKey], *, country: str
) -> None:
    """Record safe contacts, one per person, and publish the kind of channel of each.

    Addresses must be valid. Numbers without a country code belong to `country`.
    """
    if not contacts:
        return
    rows = [_row(one, keys[one.returnee_id], country) for one in contacts]
    stored = await (await raw(session)).fetch(_CONTACT, *map(list, zip(*rows, strict=True)), now(session))
    versions = {row["returnee_id"]: row["version"] for row in stored}
    events = [
        SafeContactChanged(returnee_id=one.returnee_id, version=versions[one.returnee_id], channel=one.body.channel)
        for one in contacts
    ]
    await append(session, events, traceparents=[one.traceparent for one in contacts])


def _row(one: NewSafeContact, key: DataKey, country: str) -> tuple[object, ...]:
    body = one.body
    return (
        one.returnee_id,
        body.channel.value,
        key.seal_or_none(_kept(body, country), table="safe_contact", column="address"),
        body.told("language"),
        body.told("hours_from"),
        body.told("hours_until"),
        body.may_leave_message,
        body.address_owner,
        key.seal_or_none(body.code_word, table="safe_contact", column="code_word"),
        body.may_name_organization,
        body.expires_at,
    )


def _kept(body: SafeContactTold, country: str) -> str | None:
    return None if body.address is None else kept_address(body.channel, body.address, country=country)


async def set_safe_contact(
    session: AsyncSession, returnee_id: UUID, body: SafeContactTold, *, actor: Actor, vault: Vault, pack: Pack
) -> None:
    """Record the new safe contact of a registered person."""
    row = await returnee(session, returnee_id, actor=actor, lock=True)
    require_sound_contact(body, at=now(session), pack=pack)
    country = pack.reception.country
    key = await data_key(vault, returnee_id)
    await set_safe_contacts(
        session, [NewSafeContact(returnee_id, body, row.traceparent)], {returnee_id: key}, country=country
    )
    await to_compare(session, [returnee_id])
    await record(session, actor, [_access(returnee_id, AccessKind.WRITE, "safe_contact.set")])
    await note_changes(session, [returnee_id], [SAFE_CONTACT])


def require_sound_contact(body: SafeContactTold, *, at: datetime, pack: Pack) -> None:
    """Raise InvalidInput that names the fields if this safe contact cannot be used."""
    reception = pack.reception
    faults = safe_contact_faults(body, at=at, times=reception.times, country=reception.country, pointer="")
    if faults:
        raise InvalidInput(errors=faults)


async def show_safe_contact(
    session: AsyncSession, returnee_id: UUID, *, vault: Vault, lasts: timedelta
) -> SafeContactView:
    """The safe contact, for the caller that has just set it; also one that has ended already."""
    found = await queries.recorded_contact(session, returnee_id, key=await data_key(vault, returnee_id), lasts=lasts)
    assert found is not None, "the caller has set it in this request"
    return found


async def show_contact_state(session: AsyncSession, returnee_id: UUID, *, actor: Actor, pack: Pack) -> ContactStateView:
    """Whether a safe contact is known or must be asked again, without the contact itself."""
    await returnee(session, returnee_id, actor=actor)
    return await queries.contact_state(session, returnee_id, lasts=pack.reception.retention.safe_contact_lasts)


async def look_up_safe_contact(
    session: AsyncSession, returnee_id: UUID, *, purpose: AccessPurpose, actor: Actor, vault: Vault, pack: Pack
) -> SafeContactView:
    """The safe contact of a person, for a stated purpose. The access is recorded. One that has ended is missing."""
    await returnee(session, returnee_id, actor=actor)
    records = {returnee_id, *await records_of(session, [returnee_id])}
    keys = await data_keys(vault, records)
    lasts = pack.reception.retention.safe_contact_lasts
    view = await queries.safe_contact(session, returnee_id, key=keys[returnee_id], lasts=lasts)
    for other in sorted(records & keys.keys() - {returnee_id}):
        told = await queries.find_safe_contact(session, other, key=keys[other], lasts=lasts)
        if told is not None and told.channel is ContactChannel.NONE and told.confirmed_at > view.confirmed_at:
            view = told  # the same person has said later that nobody may contact them
    access = _access(returnee_id, AccessKind.READ, "safe_contact.read", purpose=purpose)
    await record(session, actor, [access])
    return view


def _access(
    returnee_id: UUID, kind: AccessKind, action: str, *, purpose: AccessPurpose = AccessPurpose.REGISTRATION
) -> Access:
    return Access(subject_id=returnee_id, kind=kind, action=action, purpose=purpose, fields=["safe_contact"])
