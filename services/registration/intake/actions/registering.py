"""Register people with all that they tell.

The same for one person and for thousands: an arrival by REST is a batch of one, each table gets one statement a batch.
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
from libs.events.doubt import NotOptionalError
from libs.wire.names import words
from services.registration.audit.actions import record
from services.registration.doubts.actions import set_aside
from services.registration.households import actions as households
from services.registration.households.actions import hold_households, keep_claims
from services.registration.households.queries import doubts
from services.registration.intake.actions.recording import (
    Pair,
    accesses_of,
    doubts_of,
    household_id_of,
    joining_of,
    needs_of,
    record_told,
)
from services.registration.intake.actions.repeats import take_up_more
from services.registration.intake.actions.tellings import remember, told
from services.registration.intake.rules import arrival_faults, sound_arrival
from services.registration.intake.schemas import Arrival, Registration
from services.registration.needs.actions.tellings import report_needs
from services.registration.pack import Reception
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
    session: AsyncSession, arrivals: Sequence[Arrival], *, vault: Vault, reception: Reception
) -> list[Registration]:
    """Register everybody who is not registered yet, with household, consents, safe contact and needs.

    One `Registration` per arrival, in their order; a repeat of an arrival gives the person registered before, and
    what it tells more is taken up. An event that tells again of somebody who was erased gives none and leaves nothing.
    Raises InvalidInput that names the fields when what was told contradicts itself, and ArrivalReferenceReused when it
    is another person's; then nothing is stored.
    """
    keys_of = [vault.master.blind("arrival", one.source, one.body.sender_reference) for one in arrivals]
    ids = await known_arrivals(session, keys_of)
    first: dict[bytes, Arrival] = {}
    for key, arrival in zip(keys_of, arrivals, strict=True):
        if key not in ids:
            first.setdefault(key, arrival)
    made, erased = await _register_new(session, first, vault=vault, reception=reception)
    ids |= await known_arrivals(session, [key for key in first if key not in made])  # a twin has made these meanwhile
    ids |= made
    told_now = [(key, arrival) for key, arrival in zip(keys_of, arrivals, strict=True) if key not in erased]
    is_new = [key in made and first[key] is arrival for key, arrival in told_now]
    again = [(ids[key], arrival) for (key, arrival), new in zip(told_now, is_new, strict=True) if not new]
    await take_up_more(session, again, vault=vault, reception=reception)
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
    session: AsyncSession, first: Mapping[bytes, Arrival], *, vault: Vault, reception: Reception
) -> tuple[dict[bytes, UUID], set[bytes]]:
    """Register people by their arrival keys; without those whom another transaction has registered meanwhile.

    Besides, the keys of events that tell again of somebody who was erased: of them nothing is kept, not even parked.
    """
    at = now(session)
    pairs: list[Pair] = []
    for key, arrival in first.items():
        sound = _sound(arrival, reception=reception, at=at)
        pairs.append((_person(sound, key, vault=vault, reception=reception, at=at), sound))
    pairs, erased = await _without_the_erased(pairs, vault=vault)
    joinings = [joining for pair in pairs for joining in joining_of(*pair)]
    await hold_households(session, joinings)
    if joinings:  # whoever was waited for here may be a twin that has just registered one of them
        known = await known_arrivals(session, list(first))
        pairs = [pair for pair in pairs if pair[0].arrival_key not in known]
    registered = await _store(session, pairs, vault=vault, country=reception.country)
    made = {person.arrival_key: person.id for person, _ in pairs if person.id in registered}
    await remember(session, {one: told(vault, one, first[key]) for key, one in made.items()})
    return made, erased


async def _without_the_erased(pairs: list[Pair], *, vault: Vault) -> tuple[list[Pair], set[bytes]]:
    """Who told by REST of somebody who was erased is answered so when the key is made."""
    gone = await erased_among(vault, [person.id for person, arrival in pairs if arrival.set_aside is not None])
    if gone:
        log.warning("arrivals.of_the_erased", count=len(gone))
    kept = [pair for pair in pairs if pair[0].id not in gone]
    return kept, {person.arrival_key for person, _ in pairs if person.id in gone}


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
        household_id=household_id_of(vault.master, arrival, arrived_on=reception.day_of(body.arrived_at)),
        arrived_at=body.arrived_at,
        today=reception.day_of(at),
        identity=body.identity,
        profile=body.profile,
        traceparent=_start_journey(returnee_id, arrival.context),
    )


def _returnee_id(arrival: Arrival, arrival_key: bytes, *, vault: Vault) -> UUID:
    """The same person, told again by the same sender, has the same id, also where a restore has lost them here.

    The names count too: another person under a reference that was used before is not taken for the first one. The id
    tells the day of the arrival and not the moment, because it stays when the person is erased.
    """
    identity = arrival.body.identity
    names = sorted(words(identity.given_names, identity.family_names))
    born = "" if identity.birth_date is None else identity.birth_date.isoformat()
    at = int(arrival.body.arrived_at.timestamp() * 1000)
    day = at - at % _DAY_MILLISECONDS
    return vault.master.derived_id("returnee", arrival_key.hex(), born, str(at), *names, milliseconds=day)


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


async def _store(session: AsyncSession, pairs: Sequence[Pair], *, vault: Vault, country: str) -> set[UUID]:
    """Write everything of new people, whose households are held; who of them is new indeed."""
    in_doubt = await doubts(session, [joining for pair in pairs for joining in joining_of(*pair)])
    people = [replace(one, household_id=None) if one.id in in_doubt else one for one, _ in pairs]
    keys = await create_keys(vault, [one.id for one in people], kind=SubjectKind.PERSON, at=now(session))
    registered = await register_returnees(session, people, keys, country=country, vault=vault)
    named = [joining for pair in pairs if pair[0].id in registered for joining in joining_of(*pair)]
    await keep_claims(session, named, in_doubt)
    pairs = [(one, arrival) for one, (_, arrival) in zip(people, pairs, strict=True) if one.id in registered]
    states = await households.join_households(session, [one for pair in pairs for one in joining_of(*pair)])
    await record_told(session, pairs, keys, country=country)
    await set_aside(session, [doubt for pair in pairs for doubt in doubts_of(*pair)], keys, vault=vault)
    needs = [need for pair in pairs for need in needs_of(*pair, states, vault)]
    await report_needs(session, needs, vault=vault)
    for actor in dict.fromkeys(arrival.actor for _, arrival in pairs):
        await record(session, actor, [one for pair in pairs if pair[1].actor == actor for one in accesses_of(*pair)])
    return registered
