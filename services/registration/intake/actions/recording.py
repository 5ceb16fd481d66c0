"""Converts the data of an arrival into the rows of the other parts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.errors import FieldError
from libs.events.catalogue.arrivals import ReturneeArrived
from libs.events.catalogue.consents import ConsentElements
from libs.events.event import SetAside
from services.registration.audit.rules import RESTRICTED, Access, AccessKind, AccessPurpose
from services.registration.consent.actions.consents import give_consents, tell_that_nothing_is_granted
from services.registration.consent.actions.safe_contacts import set_safe_contacts
from services.registration.consent.schemas import NewConsent, NewSafeContact
from services.registration.doubts.schemas import NewDoubt
from services.registration.households.schemas import HouseholdState, Joining
from services.registration.intake.schemas import Arrival
from services.registration.needs.actions.own import with_own
from services.registration.needs.actions.told import Teller, told_needs
from services.registration.needs.rules import NOTHING_KNOWN, own_needs
from services.registration.needs.schemas import NewNeed
from services.registration.own_needs import OwnNeeds
from services.registration.pack import Reception
from services.registration.people.rules import (
    RECEPTION_PLACE,
    age_of,
    is_child_alone,
    place_faults,
    return_is_perhaps_unlawful,
)
from services.registration.people.schemas import NewReturnee
from services.registration.people.tables import Returnee
from services.registration.vault.sealing import DataKey, MasterKey, Vault

HOUSEHOLD_IN_DOUBT = "household-in-doubt"
"""The rule that a need of several people breaks while staff decide who belongs to their household."""
_TOLD_FIELDS = ("identity", "profile")
_PARTS_TOLD = ("return_facts", "consents", "safe_contact", "household_reference")
Pair = tuple[NewReturnee, Arrival]


def household_id_of(master: MasterKey, arrival: Arrival, *, arrived_on: date) -> UUID | None:
    """The id of a household that an arrival names, or None.

    The same reference within one batch gives the same id, also if the members arrive concurrently. Senders number the
    families of each flight from the start. A person who comes without a batch is compared with others who come without
    one from the same sender on the same day.
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


def placed(arrival: Arrival, *, reception: Reception) -> tuple[Arrival, list[FieldError]]:
    """The arrival with its reception place, and the fault of that place.

    An event without a place is registered, because the person must not be lost. The missing place is an urgent doubtful
    part: without it, hardly any service can be found.
    """
    told, place = arrival.body.reception_place, arrival.reception_place
    has_batch = arrival.arrival_batch_id is not None
    faults = place_faults(told, has_batch=has_batch, batch_place=place, places=reception.places)
    if not faults:
        return replace(arrival, reception_place=place or told), []
    aside = arrival.set_aside
    if aside is not None and RECEPTION_PLACE not in {part.pointer for part in aside}:
        aside = (*aside, *(SetAside(RECEPTION_PLACE, fault.rule, told, is_urgent=True) for fault in faults))
    body = arrival.body.model_copy(update={"reception_place": None})
    return replace(arrival, body=body, set_aside=aside), faults


def joining_of(person: NewReturnee, arrival: Arrival) -> list[Joining]:
    """A list with the person's entry into the household that the arrival names; empty if it names none."""
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


async def record_told(
    session: AsyncSession, pairs: Sequence[Pair], keys: Mapping[UUID, DataKey], *, country: str
) -> None:
    """Record consents and safe contacts."""
    consents = [
        NewConsent(person.id, consent, discloser=arrival.source, traceparent=person.traceparent)
        for person, arrival in pairs
        for consent in given_in(arrival.body)
    ]
    contacts = [
        NewSafeContact(person.id, arrival.body.safe_contact, traceparent=person.traceparent)
        for person, arrival in pairs
        if arrival.body.safe_contact is not None
    ]
    silent = {
        person.id: person.traceparent
        for person, arrival in pairs
        if person.household_id is not None and not given_in(arrival.body)
    }
    await give_consents(session, consents, keys)
    await tell_that_nothing_is_granted(session, silent)
    await set_safe_contacts(session, contacts, keys, country=country)


def given_in(body: ReturneeArrived) -> list[ConsentElements]:
    """The consents of an arrival, for recipient classes and for one organisation each."""
    return [*body.consents, *body.named_consents]


def doubts_of(person: NewReturnee, arrival: Arrival) -> list[NewDoubt]:
    """The doubtful parts of one arrival. If the household waits for a decision, they include the number of people of
    each need."""
    parts = list(arrival.set_aside or ())
    if person.household_id is None:
        parts += [
            SetAside(f"/needs/{place}/people_count", HOUSEHOLD_IN_DOUBT, need.people_count, is_urgent=True)
            for place, need in enumerate(arrival.body.needs)
            if need.people_count > 1
        ]
    return [NewDoubt(person.id, part) for part in parts]


def with_own_needs(person: NewReturnee, arrival: Arrival, categories: OwnNeeds) -> Arrival:
    """The arrival with the needs that a person has by what they are or tell."""
    age = age_of(person.identity.birth_date, person.profile.age, on=person.today)
    flags, has_household = person.profile.protection_flags, person.household_id is not None
    own = own_needs(
        categories,
        child_alone=is_child_alone(age.group, flags, has_household=has_household),
        perhaps_unlawful=return_is_perhaps_unlawful(flags, person.return_facts.signs),
    )
    return replace(arrival, body=arrival.body.model_copy(update={"needs": with_own(arrival.body.needs, own)}))


def needs_of(
    person: NewReturnee, arrival: Arrival, states: Mapping[UUID, HouseholdState], vault: Vault
) -> list[NewNeed]:
    """The needs that a new person reports. Needs of the household belong to its reference person."""
    household = None if person.household_id is None else states[person.household_id]
    teller = Teller(
        person.id,
        person.arrival_batch_id,
        household,
        arrival.source,
        person.traceparent,
        restricted=arrival.actor.sight.restricted_categories,
        is_new=True,
    )
    told = arrival.body.needs
    if household is None:
        # A person who waits for a decision on their household is helped meanwhile as a single person.
        told = [need.model_copy(update={"people_count": 1}) for need in told]
    return told_needs(told, teller, known=NOTHING_KNOWN, vault=vault)


def accesses_of(person: NewReturnee | Returnee, arrival: Arrival) -> list[Access]:
    """The record of the registration, and a separate record if restricted needs were reported, because not everybody
    may know that."""
    body, restricted = arrival.body, arrival.actor.sight.restricted_categories
    told = [name for name in _PARTS_TOLD if getattr(body, name)]
    if body.named_consents and "consents" not in told:
        told.append("consents")
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
