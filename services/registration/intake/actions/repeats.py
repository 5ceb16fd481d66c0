"""Records the additional data of a repeated arrival of a registered person."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.chassis.errors import FieldError, InvalidInput
from libs.events.catalogue.registration import ReturneeChanged
from libs.events.doubt import NotOptionalError
from libs.events.outbox import append
from services.registration.audit.actions import record
from services.registration.consent.actions.consents import give_consents, tell_that_nothing_is_granted
from services.registration.consent.actions.safe_contacts import set_safe_contacts
from services.registration.consent.queries import nameable, never_heard
from services.registration.consent.schemas import NewConsent, NewSafeContact
from services.registration.doubts.actions import set_aside
from services.registration.doubts.schemas import NewDoubt
from services.registration.households.actions.claims import hold_households, keep_claims
from services.registration.households.actions.households import claim_reference, join_households
from services.registration.households.queries import doubts, excluded_joiner
from services.registration.households.schemas import Joining
from services.registration.intake.actions.recording import accesses_of, given_in, household_id_of, placed
from services.registration.intake.actions.tellings import Telling, remembered, telling, told
from services.registration.intake.rules import News, arrival_faults, sound_arrival
from services.registration.intake.schemas import Arrival
from services.registration.needs.actions.tellings import report_needs
from services.registration.needs.actions.told import Teller, told_needs
from services.registration.needs.queries import known_needs
from services.registration.pack import Pack
from services.registration.people.actions.merging import to_compare
from services.registration.people.queries import profile_fields
from services.registration.people.tables import Returnee
from services.registration.vault.queries import data_keys
from services.registration.vault.sealing import Vault


async def take_up_more(
    session: AsyncSession, again: Sequence[tuple[UUID, Arrival]], *, vault: Vault, pack: Pack
) -> None:
    """Process repeated arrivals of registered people, in their order. A repetition without new data changes nothing."""
    if not again:
        return
    before = await remembered(session, {returnee_id for returnee_id, _ in again}, vault=vault)
    news = [
        (returnee_id, arrival)
        for returnee_id, arrival in again
        if any(fact.text not in before.get(returnee_id, ()) for fact in told(vault, returnee_id, arrival))
    ]
    keys = await data_keys(vault, {returnee_id for returnee_id, _ in news})
    query = select(Returnee).where(col(Returnee.id).in_(list(keys)), col(Returnee.erased_at).is_(None))
    locking = query.order_by(col(Returnee.id)).with_for_update(key_share=True)
    rows = {row.id: row for row in (await session.exec(locking.execution_options(populate_existing=True))).all()}
    for returnee_id, arrival in news:
        if returnee_id in rows:
            row = rows[returnee_id]
            one = await telling(session, row, arrival, keys[returnee_id], vault=vault)
            if one is not None:
                await _take_up(session, one, vault=vault, pack=pack)


async def _take_up(session: AsyncSession, one: Telling, *, vault: Vault, pack: Pack) -> None:
    row, more = one.row, one.more
    arrival = await _sound(session, one, pack=pack)
    body, keys = arrival.body, {row.id: one.key}
    consents = [NewConsent(row.id, consent, arrival.source, row.traceparent) for consent in given_in(body)]
    await give_consents(session, consents, keys)
    if more.place and body.reception_place is not None:
        await _change(session, row, reception_place=body.reception_place)
    if more.household:
        await _join(session, row, arrival, vault=vault, pack=pack)
    if body.safe_contact is not None:
        contact = NewSafeContact(row.id, body.safe_contact, row.traceparent)
        await set_safe_contacts(session, [contact], keys, country=pack.reception.country)
        await to_compare(session, [row.id])
    await set_aside(session, [NewDoubt(row.id, part) for part in arrival.set_aside or ()], keys, vault=vault)
    needs = [body.needs[place] for place in more.needs]
    household = None
    if row.household_id is None:
        needs = [need.model_copy(update={"people_count": 1}) for need in needs]
    elif any(need.people_count > 1 for need in needs):
        household = await claim_reference(session, row.household_id, row.id)
    restricted = arrival.actor.sight.restricted_categories
    teller = Teller(row.id, row.arrival_batch_id, household, arrival.source, row.traceparent, restricted)
    known = await known_needs(session, row, actor=arrival.actor, vault=vault)
    await report_needs(session, told_needs(needs, teller, known=known, vault=vault), vault=vault)
    added = replace(arrival, body=body.model_copy(update={"needs": needs}))
    accesses = accesses_of(row, added)
    await record(session, arrival.actor, [replace(accesses[0], action="returnee.tell_more"), *accesses[1:]])


async def _sound(session: AsyncSession, one: Telling, *, pack: Pack) -> Arrival:
    """The arrival with only its new consents and contact, checked as if it were sent for the first time."""
    at, more, body = now(session), one.more, one.arrival.body
    named = [body.named_consents[place] for place in more.named_consents]
    changes = {
        "consents": [body.consents[place] for place in more.consents],
        "named_consents": named,
        "safe_contact": body.safe_contact if more.contact else None,
    }
    judge = partial(
        arrival_faults,
        today=pack.reception.day_of(at),
        at=at,
        times=pack.reception.times,
        country=pack.reception.country,
        restricted=one.arrival.actor.sight.restricted_categories,
        taxonomy=pack.taxonomy,
        nameable=await nameable(session, named, pack=pack),
    )
    arrival = replace(one.arrival, body=body.model_copy(update=changes))
    arrival, misplaced = placed(arrival, reception=pack.reception) if more.place else (arrival, [])
    faults = judge(arrival.body)
    if arrival.set_aside is None and faults + misplaced:
        raise InvalidInput(errors=[_as_told(fault, more) for fault in faults + misplaced])
    if arrival.set_aside is None or not faults:
        return arrival
    try:
        body, aside = sound_arrival(arrival.body, arrival.set_aside, judge=judge)
    except NotOptionalError:
        raise InvalidInput(errors=faults) from None
    return replace(arrival, body=body, set_aside=aside)


def _as_told(fault: FieldError, more: News) -> FieldError:
    """A fault with the position of its consent in the data as sent."""
    _, part, *rest = fault.pointer.split("/")
    places = {"consents": more.consents, "named_consents": more.named_consents}.get(part)
    if places is None or not rest:
        return fault
    return replace(fault, pointer="/".join(["", part, str(places[int(rest[0])]), *rest[1:]]))


async def _join(session: AsyncSession, row: Returnee, arrival: Arrival, *, vault: Vault, pack: Pack) -> None:
    """Make a person, whose row is locked, a member of the household that they name now, or record a claim."""
    household_id = household_id_of(vault.master, arrival, arrived_on=pack.reception.day_of(row.arrived_at))
    assert household_id is not None, "called only if the arrival names one"
    joining = Joining(
        household_id=household_id,
        returnee_id=row.id,
        told_size=arrival.body.household_size,
        stay_together=arrival.body.stay_together,
        tells_household_need=any(need.people_count > 1 for need in arrival.body.needs),
        organization_id=row.organization_id,
    )
    await hold_households(session, [joining])
    in_doubt = await doubts(session, [joining]) or await excluded_joiner(session, row, household_id, vault=vault)
    await keep_claims(session, [joining], in_doubt)
    if in_doubt:
        return
    await _change(session, row, household_id=household_id)
    await join_households(session, [joining])
    if await never_heard(session, [row.id]):
        await tell_that_nothing_is_granted(session, {row.id: row.traceparent})


async def _change(session: AsyncSession, row: Returnee, **values: object) -> None:
    """Set fields of a person, whose row is locked, and publish the profile."""
    for name, value in values.items():
        setattr(row, name, value)
    row.version += 1
    row.told_version = row.version
    session.add(row)
    await session.flush()
    await append(session, [ReturneeChanged.model_validate(profile_fields(row))], traceparents=[row.traceparent])
