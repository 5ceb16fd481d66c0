"""Register people with all that they tell.

The same for one person and for thousands: an arrival by REST is a batch of one, each table gets one statement a batch.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now
from libs.chassis.errors import InvalidInput
from libs.chassis.telemetry import current_traceparent, root_span
from libs.events.doubt import NotOptionalError
from libs.events.event import SetAside
from services.registration.audit.actions import record
from services.registration.audit.rules import RESTRICTED, Access, AccessKind, AccessPurpose
from services.registration.consent.actions import (
    give_consents,
    set_safe_contacts,
    tell_that_nothing_is_granted,
)
from services.registration.consent.schemas import NewConsent, NewSafeContact
from services.registration.doubts.actions import set_aside
from services.registration.doubts.schemas import NewDoubt
from services.registration.households import actions as households
from services.registration.households.claims import doubts, hold_households, keep_claims
from services.registration.households.schemas import HouseholdState, Joining
from services.registration.intake.rules import arrival_faults, sound_arrival
from services.registration.intake.schemas import Arrival, Registration
from services.registration.needs.actions import Teller, report_needs, told_needs
from services.registration.needs.schemas import NewNeed
from services.registration.pack import Reception
from services.registration.people.actions import register_returnees
from services.registration.people.queries import known_arrivals
from services.registration.people.schemas import NewReturnee
from services.registration.vault.actions import create_keys
from services.registration.vault.rules import SubjectKind
from services.registration.vault.sealing import DataKey, MasterKey, Vault

HOUSEHOLD_IN_DOUBT = "household-in-doubt"
"""The rule that a need of several people breaks while a person decides who belongs to their household."""
_TOLD_FIELDS = ("identity", "profile")


async def register_arrivals(
    session: AsyncSession, arrivals: Sequence[Arrival], *, vault: Vault, reception: Reception
) -> list[Registration]:
    """Register everybody who is not registered yet, with household, consents, safe contact and needs.

    One `Registration` per arrival, in their order; a repeat of an arrival gives the person registered before. Raises
    InvalidInput that names the fields when what was told contradicts itself; then nothing is stored.
    """
    keys_of = [vault.master.blind("arrival", one.source, one.body.sender_reference) for one in arrivals]
    ids = await known_arrivals(session, keys_of)
    first: dict[bytes, Arrival] = {}
    for key, arrival in zip(keys_of, arrivals, strict=True):
        if key not in ids:
            first.setdefault(key, arrival)
    at = now(session)
    sound = [_sound(arrival, reception=reception, at=at) for arrival in first.values()]
    new = [
        _person(arrival, key, vault=vault, reception=reception, at=at)
        for key, arrival in zip(first, sound, strict=True)
    ]
    pairs = list(zip(new, sound, strict=True))
    joinings = [joining for pair in pairs for joining in _joining(*pair)]
    await hold_households(session, joinings)
    if joinings:  # whoever was waited for here may be a twin that has just registered one of them
        ids |= await known_arrivals(session, [person.arrival_key for person, _ in pairs])
        pairs = [pair for pair in pairs if pair[0].arrival_key not in ids]
    registered = await _store(session, pairs, vault=vault, country=reception.country)
    if len(registered) < len(pairs):  # another transaction has registered them meanwhile
        ids |= await known_arrivals(session, [one.arrival_key for one in new if one.id not in registered])
    ids |= {one.arrival_key: one.id for one in new if one.id in registered}
    return [
        Registration(
            returnee_id=ids[key],
            is_new=ids[key] in registered and first.get(key) is arrival,
            arrival_batch_id=arrival.arrival_batch_id,
            reception_place=arrival.reception_place,
            manifest_key=arrival.manifest_key,
        )
        for key, arrival in zip(keys_of, arrivals, strict=True)
    ]


def _sound(arrival: Arrival, *, reception: Reception, at: datetime) -> Arrival:
    """The arrival if nothing contradicts itself. By event its optional parts at fault are set aside, so that they do
    not keep what is urgent from having its effects; else InvalidInput names the fields."""
    judge = partial(
        arrival_faults,
        today=reception.day_of(at),
        at=at,
        times=reception.times,
        country=reception.country,
        restricted=arrival.actor.sight.restricted_categories,
    )
    faults = judge(arrival.body)
    if not faults:
        return arrival
    if arrival.set_aside is None:
        raise InvalidInput(errors=faults)
    try:
        body, aside = sound_arrival(arrival.body, arrival.set_aside, judge=judge)
    except NotOptionalError:
        raise InvalidInput(errors=faults) from None
    return replace(arrival, body=body, set_aside=aside)


def _person(arrival: Arrival, arrival_key: bytes, *, vault: Vault, reception: Reception, at: datetime) -> NewReturnee:
    body, returnee_id = arrival.body, uuid7()
    return NewReturnee(
        id=returnee_id,
        arrival_key=arrival_key,
        manifest_key=arrival.manifest_key,
        source=arrival.source,
        sender_reference=body.sender_reference,
        organization_id=arrival.organization_id,
        arrival_batch_id=arrival.arrival_batch_id,
        reception_place=arrival.reception_place,
        household_id=_household_id(vault.master, arrival, arrived_on=reception.day_of(body.arrived_at)),
        arrived_at=body.arrived_at,
        today=reception.day_of(at),
        identity=body.identity,
        profile=body.profile,
        traceparent=_start_journey(returnee_id, arrival.context),
    )


def _household_id(master: MasterKey, arrival: Arrival, *, arrived_on: date) -> UUID | None:
    """The same reference within one batch is the same household, also when its members come at the same time.

    Senders number the families of each flight anew. Who comes without a batch is compared with who comes without one
    from the same sender on the same day.
    """
    reference = arrival.body.household_reference
    if reference is None:
        return None
    if arrival.arrival_batch_id is not None:
        where: tuple[str, ...] = ("batch", str(arrival.arrival_batch_id))
    else:
        where = ("day", arrival.source, arrived_on.isoformat())
    # Version 5, a name-based id: Python below 3.14 makes no version 8.
    return UUID(bytes=master.blind("household", *where, reference), version=5)


def _start_journey(returnee_id: UUID, context: str | None) -> str:
    """A new trace for this person, linked to how they came; it goes with everything that is stored of them.

    When what they came with is not sampled, no span is made: the trace then has an id only.
    """
    unsampled = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
    if context is not None and context.endswith("-00"):
        return unsampled
    links = [] if context is None or context == current_traceparent() else [context]
    with root_span("registration.register", attributes={"enlace.journey_id": str(returnee_id)}, links=links):
        return current_traceparent() or unsampled


Pair = tuple[NewReturnee, Arrival]


async def _store(session: AsyncSession, pairs: Sequence[Pair], *, vault: Vault, country: str) -> set[UUID]:
    """Write everything of new people, whose households are held; who of them is new indeed."""
    in_doubt = await doubts(session, [joining for pair in pairs for joining in _joining(*pair)])
    people = [replace(one, household_id=None) if one.id in in_doubt else one for one, _ in pairs]
    keys = await create_keys(vault, [one.id for one in people], kind=SubjectKind.PERSON, at=now(session))
    registered = await register_returnees(session, people, keys, country=country, vault=vault)
    named = [joining for pair in pairs if pair[0].id in registered for joining in _joining(*pair)]
    await keep_claims(session, named, in_doubt)
    pairs = [(one, arrival) for one, (_, arrival) in zip(people, pairs, strict=True) if one.id in registered]
    states = await households.join_households(session, [one for pair in pairs for one in _joining(*pair)])
    await _record_told(session, pairs, keys, country=country)
    await set_aside(session, [doubt for pair in pairs for doubt in _doubts(*pair)], keys)
    needs = [need for pair in pairs for need in _needs(*pair, states, vault.master)]
    await report_needs(session, needs)
    for actor in dict.fromkeys(arrival.actor for _, arrival in pairs):
        await record(session, actor, [one for pair in pairs if pair[1].actor == actor for one in _accesses(*pair)])
    return registered


def _joining(person: NewReturnee, arrival: Arrival) -> list[Joining]:
    if person.household_id is None:
        return []
    return [
        Joining(
            household_id=person.household_id,
            returnee_id=person.id,
            told_size=arrival.body.household_size,
            stay_together=arrival.body.stay_together,
            tells_household_need=any(need.people_count > 1 for need in arrival.body.needs),
            organization_id=person.organization_id,
        )
    ]


async def _record_told(
    session: AsyncSession, pairs: Sequence[Pair], keys: Mapping[UUID, DataKey], *, country: str
) -> None:
    """Consents and safe contacts."""
    consents = [
        NewConsent(person.id, consent, discloser=arrival.source, traceparent=person.traceparent)
        for person, arrival in pairs
        for consent in arrival.body.consents
    ]
    contacts = [
        NewSafeContact(person.id, arrival.body.safe_contact, traceparent=person.traceparent)
        for person, arrival in pairs
        if arrival.body.safe_contact is not None
    ]
    silent = {
        person.id: person.traceparent
        for person, arrival in pairs
        if person.household_id is not None and not arrival.body.consents
    }
    await give_consents(session, consents, keys)
    await tell_that_nothing_is_granted(session, silent)
    await set_safe_contacts(session, contacts, keys, country=country)


def _doubts(person: NewReturnee, arrival: Arrival) -> list[NewDoubt]:
    """What is set aside of one arrival; of who waits for a decision on their household also for how many a need is."""
    parts = list(arrival.set_aside or ())
    if person.household_id is None:
        parts += [
            SetAside(f"/needs/{place}/people_count", HOUSEHOLD_IN_DOUBT, need.people_count, is_urgent=True)
            for place, need in enumerate(arrival.body.needs)
            if need.people_count > 1
        ]
    return [NewDoubt(person.id, part) for part in parts]


def _needs(
    person: NewReturnee, arrival: Arrival, states: Mapping[UUID, HouseholdState], master: MasterKey
) -> list[NewNeed]:
    household = None if person.household_id is None else states[person.household_id]
    teller = Teller(person.id, person.arrival_batch_id, household, arrival.source, person.traceparent)
    told = arrival.body.needs
    if household is None:
        # Who waits for a decision on their household is helped meanwhile, for themselves.
        told = [need.model_copy(update={"people_count": 1}) for need in told]
    return told_needs(told, teller, known={}, master=master)


def _accesses(person: NewReturnee, arrival: Arrival) -> list[Access]:
    """That somebody was registered, and apart from it that restricted needs were told: not everybody may know that."""
    body, restricted = arrival.body, arrival.actor.sight.restricted_categories
    told = [name for name in ("consents", "safe_contact", "household_reference") if getattr(body, name)]
    if any(need.category not in restricted for need in body.needs):
        told.insert(0, "needs")
    registering = Access(
        subject_id=person.id,
        kind=AccessKind.WRITE,
        action="returnee.register",
        purpose=AccessPurpose.REGISTRATION,
        fields=[*_TOLD_FIELDS, *told],
        trace_id=None if person.traceparent is None else person.traceparent[3:35],
    )
    if not any(need.category in restricted for need in body.needs):
        return [registering]
    return [registering, replace(registering, action=f"{RESTRICTED}need.report", fields=["needs"])]
