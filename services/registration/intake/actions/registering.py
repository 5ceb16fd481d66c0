"""Registers people with all their data.

It is the same for one person and for thousands: an arrival by REST is a batch of one, and each table gets one statement
per batch.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.chassis.errors import InvalidInput
from libs.chassis.logs import get_logger
from libs.chassis.telemetry import current_traceparent, root_span
from libs.events.catalogue.arrivals import ReturnFacts
from libs.events.doubt import NotOptionalError
from libs.wire.names import words
from services.registration.audit.actions import record
from services.registration.consent.queries import nameable
from services.registration.doubts.actions import set_aside
from services.registration.households.actions import households
from services.registration.households.actions.claims import hold_households, keep_claims
from services.registration.households.queries import doubts, excluded_newcomers
from services.registration.intake.actions.recording import (
    Pair,
    accesses_of,
    doubts_of,
    household_id_of,
    joining_of,
    needs_of,
    placed,
    record_told,
    with_own_needs,
)
from services.registration.intake.actions.repeats import take_up_more
from services.registration.intake.actions.tellings import remember, told
from services.registration.intake.rules import arrival_faults, sound_arrival
from services.registration.intake.schemas import Arrival, Registration
from services.registration.needs.actions.tellings import report_needs
from services.registration.organizations.rules import Nameable
from services.registration.pack import Pack, Reception
from services.registration.people.actions.merging import to_compare
from services.registration.people.actions.people import register_returnees
from services.registration.people.queries import known_arrivals
from services.registration.people.schemas import NewReturnee
from services.registration.vault.actions import create_keys
from services.registration.vault.queries import erased_among
from services.registration.vault.rules import SubjectKind
from services.registration.vault.sealing import Vault

log = get_logger(__name__)
_DAY_MILLISECONDS = 86_400_000


async def register_arrivals(
    session: AsyncSession, arrivals: Sequence[Arrival], *, vault: Vault, pack: Pack
) -> list[Registration]:
    """Register everybody who is not registered yet, with household, consents, safe contact and needs.

    Returns one `Registration` per arrival, in their order. For a repeated arrival it contains the person who was
    registered before, and additional data are recorded. A repeated event about an erased person gives none and stores
    nothing. Raises InvalidInput that names the fields if the data contradict themselves, and ArrivalReferenceReused if
    the reference belongs to another person; then nothing is stored.
    """
    keys_of = [vault.master.blind("arrival", one.source, one.body.sender_reference) for one in arrivals]
    ids = await known_arrivals(session, keys_of)
    first: dict[bytes, Arrival] = {}
    for key, arrival in zip(keys_of, arrivals, strict=True):
        if key not in ids:
            first.setdefault(key, arrival)
    made, erased = await _register_new(session, first, vault=vault, pack=pack)
    ids |= await known_arrivals(session, [key for key in first if key not in made])  # others registered these meanwhile
    ids |= made
    told_now = [(key, arrival) for key, arrival in zip(keys_of, arrivals, strict=True) if key not in erased]
    is_new = [key in made and first[key] is arrival for key, arrival in told_now]
    again = [(ids[key], arrival) for (key, arrival), new in zip(told_now, is_new, strict=True) if not new]
    await take_up_more(session, again, vault=vault, pack=pack)
    return [
        Registration(
            returnee_id=ids[key],
            is_new=new,
            arrival_batch_id=arrival.arrival_batch_id,
            reception_place=arrival.reception_place,
            manifest_key=arrival.manifest_key,
        )
        for (key, arrival), new in zip(told_now, is_new, strict=True)
    ]


async def _register_new(
    session: AsyncSession, first: Mapping[bytes, Arrival], *, vault: Vault, pack: Pack
) -> tuple[dict[bytes, UUID], set[bytes]]:
    """Register people by their arrival keys, except those whom another transaction has registered meanwhile.

    Also returns the keys of events that repeat the arrival of an erased person: of these nothing is kept, not even as a
    parked event.
    """
    at = now(session)
    named = [consent for arrival in first.values() for consent in arrival.body.named_consents]
    known_organizations = await nameable(session, named, pack=pack)
    pairs: list[Pair] = []
    for key, arrival in first.items():
        sound = _sound(arrival, known_organizations, pack=pack, at=at)
        pairs.append((_person(sound, key, vault=vault, pack=pack, at=at), sound))
    pairs, erased = await _without_the_erased(pairs, vault=vault)
    joinings = [joining for pair in pairs for joining in joining_of(*pair)]
    await hold_households(session, joinings)
    if joinings:  # the transaction that held the lock may have registered one of them
        known = await known_arrivals(session, list(first))
        pairs = [pair for pair in pairs if pair[0].arrival_key not in known]
    registered = await _store(session, pairs, vault=vault, reception=pack.reception)
    made = {person.arrival_key: person.id for person, _ in pairs if person.id in registered}
    await remember(session, {one: told(vault, one, first[key]) for key, one in made.items()})
    return made, erased


async def _without_the_erased(pairs: list[Pair], *, vault: Vault) -> tuple[list[Pair], set[bytes]]:
    """The arrivals without those of erased people. REST is not checked here: its caller gets the refusal when the key
    is created."""
    gone = await erased_among(vault, [person.id for person, arrival in pairs if arrival.set_aside is not None])
    if gone:
        log.warning("arrivals.of_the_erased", count=len(gone))
    kept = [pair for pair in pairs if pair[0].id not in gone]
    return kept, {person.arrival_key for person, _ in pairs if person.id in gone}


def _sound(arrival: Arrival, known_organizations: Nameable, *, pack: Pack, at: datetime) -> Arrival:
    """The arrival, if nothing in it is contradictory or missing. In events, wrong optional parts are set aside, so that
    urgent parts still take effect; otherwise InvalidInput names the fields."""
    judge = partial(
        arrival_faults,
        today=pack.reception.day_of(at),
        at=at,
        times=pack.reception.times,
        country=pack.reception.country,
        restricted=arrival.actor.sight.restricted_categories,
        taxonomy=pack.taxonomy,
        nameable=known_organizations,
    )
    arrival, misplaced = placed(arrival, reception=pack.reception)
    faults = judge(arrival.body)
    if arrival.set_aside is None and faults + misplaced:
        raise InvalidInput(errors=faults + misplaced)
    if arrival.set_aside is None or not faults:
        return arrival
    try:
        body, aside = sound_arrival(arrival.body, arrival.set_aside, judge=judge)
    except NotOptionalError:
        raise InvalidInput(errors=faults) from None
    return replace(arrival, body=body, set_aside=aside)


def _person(arrival: Arrival, arrival_key: bytes, *, vault: Vault, pack: Pack, at: datetime) -> NewReturnee:
    body, returnee_id = arrival.body, _returnee_id(arrival, arrival_key, vault=vault)
    return NewReturnee(
        id=returnee_id,
        arrival_key=arrival_key,
        manifest_key=arrival.manifest_key,
        source=arrival.source,
        sender_reference=body.sender_reference,
        organization_id=arrival.organization_id,
        arrival_batch_id=arrival.arrival_batch_id,
        reception_place=arrival.reception_place,
        household_id=household_id_of(vault.master, arrival, arrived_on=pack.reception.day_of(body.arrived_at)),
        arrived_at=body.arrived_at,
        today=pack.reception.day_of(at),
        identity=body.identity,
        profile=body.profile,
        return_facts=body.return_facts or ReturnFacts(),
        traceparent=_start_journey(returnee_id, arrival.context),
    )


def _returnee_id(arrival: Arrival, arrival_key: bytes, *, vault: Vault) -> UUID:
    """The id of the person, derived from the arrival.

    The same person from the same sender gets the same id, also if a restore has lost them here. It is also derived from
    the names, so that another person with a reference that was used before is not taken for the first one. The id
    contains the day of the arrival and not the moment, because it is kept when the person is erased.
    """
    identity = arrival.body.identity
    names = sorted(words(identity.given_names, identity.family_names))
    born = "" if identity.birth_date is None else identity.birth_date.isoformat()
    at = int(arrival.body.arrived_at.timestamp() * 1000)
    day = at - at % _DAY_MILLISECONDS
    return vault.master.derived_id("returnee", arrival_key.hex(), born, str(at), *names, milliseconds=day)


def _start_journey(returnee_id: UUID, context: str | None) -> str:
    """Start a new trace for this person, linked to the request or event; it is stored with all the person's data.

    If the request or event is not sampled, no span is created: the trace then has only an id.
    """
    unsampled = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
    if context is not None and context.endswith("-00"):
        return unsampled
    links = [] if context is None or context == current_traceparent() else [context]
    with root_span("registration.register", attributes={"enlace.journey_id": str(returnee_id)}, links=links):
        return current_traceparent() or unsampled


async def _store(session: AsyncSession, pairs: Sequence[Pair], *, vault: Vault, reception: Reception) -> set[UUID]:
    """Store all data of new people, whose households are locked; return the ids of those who are really new."""
    joinings = [joining for pair in pairs for joining in joining_of(*pair)]
    names = {one.id: (one.identity.given_names, one.identity.family_names) for one, _ in pairs}
    excluded = await excluded_newcomers(session, joinings, names, vault=vault)
    in_doubt = await doubts(session, joinings) | excluded
    people = [replace(one, household_id=None) if one.id in in_doubt else one for one, _ in pairs]
    keys = await create_keys(vault, [one.id for one in people], kind=SubjectKind.PERSON, at=now(session))
    registered = await register_returnees(session, people, keys, country=reception.country, vault=vault)
    named = [joining for pair in pairs if pair[0].id in registered for joining in joining_of(*pair)]
    await keep_claims(session, named, in_doubt)
    in_turn = zip(people, pairs, strict=True)
    own = reception.own_needs
    pairs = [(one, with_own_needs(one, arrival, own)) for one, (_, arrival) in in_turn if one.id in registered]
    states = await households.join_households(session, [one for pair in pairs for one in joining_of(*pair)])
    await record_told(session, pairs, keys, country=reception.country)
    await set_aside(session, [doubt for pair in pairs for doubt in doubts_of(*pair)], keys, vault=vault)
    needs = [need for pair in pairs for need in needs_of(*pair, states, vault)]
    await report_needs(session, needs, vault=vault)
    await to_compare(session, registered)
    for actor in dict.fromkeys(arrival.actor for _, arrival in pairs):
        await record(session, actor, [one for pair in pairs if pair[1].actor == actor for one in accesses_of(*pair)])
    return registered
