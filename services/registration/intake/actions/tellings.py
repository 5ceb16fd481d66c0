"""Compares a repeated arrival: a repetition changes nothing, additional data are recorded, another person is
refused."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import asyncpg
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.events.catalogue.arrivals import OPTIONAL_PARTS_OF_AN_ARRIVAL, Profile, ReturnFacts
from libs.events.doubt import path_of
from libs.events.event import SetAside
from services.registration.consent.actions.consents import key_of
from services.registration.consent.tables import Consent, SafeContact
from services.registration.errors import ArrivalReferenceReused, ArrivalToldDifferently
from services.registration.households.tables import HouseholdClaim
from services.registration.intake.rules import (
    ASIDE,
    FORM_OF_FACTS,
    Fact,
    Known,
    News,
    is_another_arrival,
    is_another_person,
    news,
    standing_facts,
    told_facts,
)
from services.registration.intake.schemas import Arrival
from services.registration.needs.queries import told_urgencies
from services.registration.people.queries import identity_of
from services.registration.people.tables import Returnee
from services.registration.vault.sealing import DataKey, Vault

TOLD_DIFFERENTLY = "told-differently"
"""The rule that is broken by data that contradict an earlier message about the same arrival."""

_OF_OLDER_FORM = """
    SELECT returnee_id, facts, form FROM arrival_told WHERE form < $1 LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
"""
_REMEMBER = """
    INSERT INTO arrival_told (returnee_id, facts, form)
    SELECT returnee_id, facts::bytea[], $3 FROM unnest($1::uuid[], $2::text[]) AS t (returnee_id, facts)
"""
_URGENT = {one.path for one in OPTIONAL_PARTS_OF_AN_ARRIVAL if one.is_urgent}


@dataclass(frozen=True, slots=True)
class Telling:
    """A registered person, whose row is locked, and the additional data of a repeated arrival."""

    row: Returnee
    key: DataKey
    arrival: Arrival
    """The arrival as received; `more` refers to it."""
    more: News


def told(vault: Vault, returnee_id: UUID, arrival: Arrival) -> list[Fact]:
    """All facts of an arrival about a person, as keyed hashes, so that sealed data are never compared in clear."""
    batch = None if arrival.arrival_batch_id is None else str(arrival.arrival_batch_id)
    return _hashed(vault, returnee_id, told_facts(arrival.body, batch=batch, set_aside=arrival.set_aside or ()))


def _hashed(vault: Vault, returnee_id: UUID, facts: Sequence[Fact]) -> list[Fact]:
    hashes = [vault.master.blind("told", str(returnee_id), one.pointer, one.text) for one in facts]
    return [replace(one, text=_keyed(vault, by).hex()) for one, by in zip(facts, hashes, strict=True)]


def _keyed(vault: Vault, fact: bytes) -> bytes:
    """The second hash of a fact. A fact may be about a restricted need; with the vault key alone nobody can test a
    guess."""
    return vault.restricted.blind("told", fact.hex())


async def remember(session: AsyncSession, facts: Mapping[UUID, Sequence[Fact]]) -> None:
    """Store the facts about new people."""
    if facts:
        await session.flush()
        told_of = [_bytea_array(one.text for one in ones) for ones in facts.values()]
        await (await raw(session)).execute(_REMEMBER, list(facts), told_of, FORM_OF_FACTS)


def _bytea_array(hashes: Iterable[str]) -> str:
    """Hashes in hexadecimal as a PostgreSQL array of bytes."""
    return "{" + ",".join(f'"\\\\x{one}"' for one in hashes) + "}"


async def remember_more(session: AsyncSession, returnee_id: UUID, facts: Collection[str]) -> None:
    """Store all facts about one person."""
    await (await raw(session)).execute(
        "INSERT INTO arrival_told (returnee_id, facts, form) VALUES ($1, $2, $3)"
        " ON CONFLICT (returnee_id) DO UPDATE SET facts = excluded.facts, form = excluded.form",
        returnee_id,
        [bytes.fromhex(one) for one in facts],
        FORM_OF_FACTS,
    )


async def remembered(session: AsyncSession, returnee_ids: Collection[UUID], *, vault: Vault) -> dict[UUID, set[str]]:
    """The stored facts about people. Those who were registered before facts were stored are missing."""
    rows = await (await raw(session)).fetch(
        "SELECT returnee_id, facts, form FROM arrival_told WHERE returnee_id = ANY($1)", list(returnee_ids)
    )
    return {row["returnee_id"]: {fact.hex() for fact in _in_form(row, vault=vault)} for row in rows}


async def key_anew(session: AsyncSession, *, vault: Vault, limit: int) -> int:
    """Hash the facts of up to `limit` people in the present form if they have an older one; return the number of
    people."""
    connection = await raw(session)
    rows = await connection.fetch(_OF_OLDER_FORM, FORM_OF_FACTS, limit)
    for row in rows:
        await remember_more(session, row["returnee_id"], [fact.hex() for fact in _in_form(row, vault=vault)])
    return len(rows)


def _in_form(row: asyncpg.Record, *, vault: Vault) -> list[bytes]:
    facts: list[bytes] = row["facts"]
    return facts if row["form"] == FORM_OF_FACTS else [_keyed(vault, one) for one in facts]


async def telling(
    session: AsyncSession, row: Returnee, arrival: Arrival, key: DataKey, *, vault: Vault
) -> Telling | None:
    """The additional data of a repeated arrival of a person, whose row is locked; None if there are none.

    Raises ArrivalReferenceReused if it is another person or another arrival. Data that contradict the earlier ones are
    not recorded: REST raises ArrivalToldDifferently; parts of events are set aside.
    """
    if is_another_arrival(arrival.body.arrived_at, row.arrived_at):
        raise ArrivalReferenceReused
    before = (await remembered(session, [row.id], vault=vault)).get(row.id)
    facts = told(vault, row.id, arrival)
    fresh = [one for one in facts if one.text not in (before or ())]
    known = await _known(session, row, arrival, [one for one in facts if one not in fresh], key, vault)
    if is_another_person(facts, known):
        raise ArrivalReferenceReused
    if not fresh:
        return None
    await remember_more(session, row.id, {*(before or ()), *(one.text for one in fresh)})
    if before is None:  # registered before facts were stored: the earlier facts are unknown
        return None
    more = news(arrival.body, [one for one in facts if not one.pointer.startswith(ASIDE)], known)
    if arrival.set_aside is None:
        if more.differing:
            raise ArrivalToldDifferently(differing=more.differing)
        return Telling(row, key, arrival, more)
    new = {one.pointer for one in fresh}
    parts = [part for part in arrival.set_aside if f"{ASIDE}{part.pointer}" in new]
    parts += [
        SetAside(pointer, TOLD_DIFFERENTLY, _value(arrival, pointer), pointer in _URGENT) for pointer in more.differing
    ]
    return Telling(row, key, replace(arrival, set_aside=tuple(parts)), more)


def _value(arrival: Arrival, pointer: str) -> object:
    here: Any = arrival.body.model_dump(mode="json")
    for step in path_of(pointer):
        here = here[step] if isinstance(step, int) else here.get(step)
    return here


async def _known(
    session: AsyncSession, row: Returnee, arrival: Arrival, facts: list[Fact], key: DataKey, vault: Vault
) -> Known:
    identity = identity_of(row, key)
    stands: dict[str, object] = {
        f"/profile/{name}": getattr(row, name) for name in Profile.model_fields if name != "age"
    }
    stands["/profile/age"] = None if row.age_basis is None else {"basis": row.age_basis, "group": row.age_group}
    stands["/identity/birth_date"] = None if identity.birth_date is None else identity.birth_date.isoformat()
    stands["/identity/document_number"] = identity.document_number
    stands |= {f"/return_facts/{name}": getattr(row, f"return_{name}") for name in ReturnFacts.model_fields}
    stands["/reception_place"] = row.reception_place
    stands["/batch_reference"] = None if row.arrival_batch_id is None else str(row.arrival_batch_id)
    standing = standing_facts((identity.given_names, identity.family_names), stands)
    consents = (await session.exec(select(Consent).where(Consent.returnee_id == row.id))).all()
    claim = select(HouseholdClaim.id).where(HouseholdClaim.returnee_id == row.id).limit(1)
    return Known(
        facts=facts,
        current={one.pointer: one.text for one in _hashed(vault, row.id, standing)},
        needs=await told_urgencies(session, row, actor=arrival.actor, vault=vault),
        consents=[(one.purpose, key_of(one), one.given_at) for one in consents],
        has_contact=await session.get(SafeContact, row.id) is not None,
        has_place=row.reception_place is not None or row.arrival_batch_id is not None,
        has_household=row.household_id is not None or (await session.exec(claim)).first() is not None,
    )
