"""Takes in consents and safe contacts that were told without a line. In doubt less is allowed until a person
decides."""

from datetime import UTC
from typing import Any, TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue.arrivals import SafeContactTold
from libs.events.codes import ContactChannel
from services.registration.consent import queries as consent_queries
from services.registration.consent.actions import consents, safe_contacts
from services.registration.consent.rules.consents import given_field, withdrawn_field
from services.registration.consent.rules.contacts import kept_address
from services.registration.consent.schemas import (
    AnyConsentTold,
    ConsentTold,
    ConsentView,
    NamedConsentTold,
    SafeContactView,
    recipient_of,
)
from services.registration.consent.tables import Consent
from services.registration.errors import ConsentAlreadyWithdrawn
from services.registration.people.actions.field_changes import note_changes
from services.registration.people.queries import returnee
from services.registration.people.tables import Returnee
from services.registration.sync import queries
from services.registration.sync.actions.conflicts import NewConflict, drop_untaken, keep_conflicts
from services.registration.sync.actions.given import Done, Given, Moments
from services.registration.sync.rules import SAFE_CONTACT, ConflictKind, Held, Outcome, Verdict, knew, moved, verdict
from services.registration.sync.schemas import GiveConsent, SetSafeContact, WithdrawConsent
from services.registration.vault.queries import data_key

_NOBODY = SafeContactTold(channel=ContactChannel.NONE)


async def give_consent(session: AsyncSession, op: GiveConsent, moments: Moments, given: Given) -> Done:
    """Record the consent. If somebody else has withdrawn such a consent meanwhile, a person decides."""
    row = await returnee(session, op.returnee_id, actor=given.actor, lock=True)
    body = moved_consent(op.data, moments)
    await consents.require_sound_consent(session, body, row, pack=given.pack)
    changes, recipient = await queries.changes_of(session, row.id), recipient_of(body).key
    if not knew(moments.made, changes.get(withdrawn_field(body.purpose, recipient))):
        pointer = f"/consents/{body.purpose}/{recipient}"
        conflict = NewConflict(pointer, Held.WITHDRAWN, told=body.model_dump(mode="json"))
        return await _in_conflict(session, row, [conflict], moments, given)
    consent_id = await consents.give_consent(
        session, row.id, body, actor=given.actor, vault=given.vault, pack=given.pack
    )
    await _note(session, row, given_field(body.purpose, recipient), moments)
    return Done(returnee_id=row.id, created_id=consent_id)


_Told = TypeVar("_Told", AnyConsentTold, ConsentTold, NamedConsentTold)


def moved_consent(body: _Told, moments: Moments) -> _Told:
    """The consent with the time at which it was given by our clock. Its end is a day that was agreed, not a reading of
    the clock."""
    return body.model_copy(update={"given_at": moved(body.given_at, by=moments.shift, at=moments.now)})


async def withdraw_consent(session: AsyncSession, op: WithdrawConsent, moments: Moments, given: Given) -> Done:
    """Withdraw the consent. If somebody else has recorded the same consent anew meanwhile, that is withdrawn too, and a
    person decides whether it was the later word."""
    row = await returnee(session, op.returnee_id, actor=given.actor, lock=True)
    if await drop_untaken(session, row.id, op.consent_id, device_id=given.device_id):
        return Done(Outcome.UNCHANGED, row.id)
    consent = await consent_queries.consent(session, op.consent_id, returnee_id=row.id)
    changes = await queries.changes_of(session, row.id)
    outcome = Outcome.DONE
    try:
        await _withdraw(session, row, consent, given)
    except ConsentAlreadyWithdrawn:
        outcome = Outcome.UNCHANGED
    else:
        await _note(session, row, withdrawn_field(consent.purpose, consents.key_of(consent)), moments)
    if knew(moments.made, changes.get(given_field(consent.purpose, consents.key_of(consent)))):
        return Done(outcome, row.id)
    anew = await _given_anew(session, row, consent, moments, given)
    return await _in_conflict(session, row, anew, moments, given) if anew else Done(outcome, row.id)


async def _given_anew(
    session: AsyncSession, row: Returnee, consent: Consent, moments: Moments, given: Given
) -> list[NewConflict]:
    """Withdraw every other consent for the same purpose and recipients, and keep what each of them says."""
    key, found = await data_key(given.vault, row.id), []
    for other, withdrawal in await consent_queries.consent_rows(session, row.id):
        same = (other.purpose, consents.key_of(other)) == (consent.purpose, consents.key_of(consent))
        if same and other.id != consent.id and withdrawal is None and other.expires_at > moments.now:
            view = consent_queries.consent_view(other, None, key, age_group=row.age_group, at=moments.now)
            pointer = f"/consents/{other.purpose}/{consents.key_of(other)}"
            found.append(NewConflict(pointer, Held.WITHDRAWN, stored=_as_told(view)))
            await _withdraw(session, row, other, given)
    return found


async def _withdraw(session: AsyncSession, row: Returnee, consent: Consent, given: Given) -> None:
    await consents.withdraw_consent(session, row.id, consent.id, pack=given.pack, actor=given.actor)


def _as_told(view: ConsentView) -> dict[str, Any]:
    return view.model_dump(mode="json", include=set(AnyConsentTold.model_fields))


async def set_safe_contact(session: AsyncSession, op: SetSafeContact, moments: Moments, given: Given) -> Done:
    """Set the safe contact. If somebody else has set another one meanwhile, nobody contacts the person until somebody
    has asked them."""
    row = await returnee(session, op.returnee_id, actor=given.actor, lock=True)
    country = given.pack.reception.country
    safe_contacts.require_sound_contact(op.data, at=moments.now, pack=given.pack)
    key = await data_key(given.vault, row.id)
    stored = _contact_of(await consent_queries.stored_contact(session, row.id, key=key))
    told = _told_contact(op.data, country=country)
    last = (await queries.changes_of(session, row.id)).get(SAFE_CONTACT)
    result = verdict(SAFE_CONTACT, told=told, stored=stored, last=last, made=moments.made)
    if result is Verdict.SUPERSEDED:
        lost = NewConflict(SAFE_CONTACT, Held.STORED, stored, told, ConflictKind.SUPERSEDED)
        await keep_conflicts(session, row.id, [lost], moments=moments, actor=given.actor, vault=given.vault)
        return Done(Outcome.SUPERSEDED, row.id, superseded=[SAFE_CONTACT])
    if result is Verdict.SAME:
        return Done(Outcome.UNCHANGED, row.id)
    body = op.data if result is Verdict.APPLY else _NOBODY
    await safe_contacts.set_safe_contact(session, row.id, body, actor=given.actor, vault=given.vault, pack=given.pack)
    if result is Verdict.APPLY:
        await _note(session, row, SAFE_CONTACT, moments)
        return Done(returnee_id=row.id)
    conflict = NewConflict(SAFE_CONTACT, Held.NOBODY, stored, _spare(told))
    return await _in_conflict(session, row, [conflict], moments, given)


def _contact_of(view: SafeContactView | None) -> dict[str, Any] | None:
    return None if view is None else _spare(view.model_dump(mode="json", exclude={"confirmed_at", "version"}))


def _told_contact(body: SafeContactTold, *, country: str) -> dict[str, Any]:
    """A told contact in the form of a stored one: the address in its one form, and what was not told left out."""
    end = None if body.expires_at is None else body.expires_at.astimezone(UTC)
    dump = body.model_copy(update={"expires_at": end}).model_dump(mode="json")
    told = {name: dump[name] for name in ("address_owner", "code_word", "may_name_organization", "expires_at")}
    told |= {name: body.told(name) for name in ("language", "hours_from", "hours_until")}
    address = None if body.address is None else kept_address(body.channel, body.address, country=country)
    whole = {"channel": body.channel.value, "address": address, "may_leave_message": body.may_leave_message, **told}
    return _spare(whole)


def _spare(contact: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in contact.items() if value is not None}


async def _note(session: AsyncSession, row: Returnee, pointer: str, moments: Moments) -> None:
    await note_changes(session, [row.id], [pointer], at=moments.made.at, device_id=moments.made.device_id)


async def _in_conflict(
    session: AsyncSession, row: Returnee, new: list[NewConflict], moments: Moments, given: Given
) -> Done:
    ids = await keep_conflicts(session, row.id, new, moments=moments, actor=given.actor, vault=given.vault)
    return Done(Outcome.CONFLICT, row.id, conflict_ids=ids)
