"""Queries of excluded people: who must be kept apart, and who may be one of them by the name."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.events.catalogue.kept_apart import PeopleKeptApartEnded
from libs.wire.names import words
from services.registration.excluded_people.rules import may_be_same
from services.registration.excluded_people.schemas import ToldOfExcluded
from services.registration.excluded_people.tables import ExcludedPerson
from services.registration.people.actions.merging import records_of
from services.registration.people.queries import identity_of
from services.registration.people.rules import plain_document_number
from services.registration.people.schemas import IdentityView
from services.registration.people.tables import Returnee
from services.registration.vault.queries import data_keys
from services.registration.vault.sealing import DataKey, Vault

TABLE = "excluded_person"
_PAIRS = """
    SELECT returnee_id, other_returnee_id FROM excluded_person
    WHERE other_returnee_id IS NOT NULL AND (returnee_id = ANY($1::uuid[]) OR other_returnee_id = ANY($1::uuid[]))
"""
_ENDS_TOLD: Final = f"""
    SELECT DISTINCT ON (key) payload FROM (
        SELECT key, payload, topic, type FROM outbox UNION ALL SELECT key, payload, topic, type FROM outbox_sent
    ) AS told
    WHERE topic = '{PeopleKeptApartEnded.topic}' AND type = '{PeopleKeptApartEnded.type}' AND key = ANY($1::text[])
    ORDER BY key
"""  # noqa: S608 (constants)


async def ends_told(session: AsyncSession, exclusion_ids: Collection[UUID]) -> list[PeopleKeptApartEnded]:
    """What was published of the ends of these exclusions, as long as the archive of events has it."""
    rows = await (await raw(session)).fetch(_ENDS_TOLD, [str(one) for one in exclusion_ids])
    return [PeopleKeptApartEnded.model_validate_json(row["payload"]) for row in rows]


async def excluded_by(session: AsyncSession, returnee_ids: Collection[UUID]) -> Sequence[ExcludedPerson]:
    """The people whom these people exclude, in the order in which they were told."""
    query = select(ExcludedPerson).where(col(ExcludedPerson.returnee_id).in_(returnee_ids))
    return (await session.exec(query.order_by(col(ExcludedPerson.id)))).all()


def told_of(row: ExcludedPerson, key: DataKey) -> ToldOfExcluded:
    """What was told, decrypted."""
    return ToldOfExcluded.model_validate_json(key.open(row.told_sealed, table=TABLE, column=f"told.{row.id}"))


async def kept_apart(session: AsyncSession, returnee_ids: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """Of each of these people: all records of those who must be kept apart from them, whoever of the two said it.

    Run it as the service's own work. Somebody may exclude one record of a person who has several.
    """
    ours = await records_of(session, returnee_ids)
    pairs = await (await raw(session)).fetch(_PAIRS, list(ours))
    known = await records_of(session, {one for pair in pairs for one in pair})
    apart: dict[UUID, set[UUID]] = {}
    for one, other in pairs:
        apart.setdefault(known[one], set()).add(known[other])
        apart.setdefault(known[other], set()).add(known[one])
    records: dict[UUID, set[UUID]] = {}
    for record, root in known.items():
        records.setdefault(root, set()).add(record)
    return {
        one: set().union(*(records[root] for root in apart[ours[one]]))
        for one in returnee_ids
        if ours.get(one) in apart
    }


async def may_be_excluded(
    session: AsyncSession, people: Sequence[Returnee], *, joining: Collection[UUID], vault: Vault
) -> bool:
    """Whether somebody of `joining` excludes a name that another of these people may have, or may have an excluded
    name."""
    keys = await data_keys(vault, [person.id for person in people])
    names = {person.id: name_of(person, keys[person.id]) for person in people if person.id in keys}
    told = await names_told(session, list(names), keys=keys)
    return any(
        may_be_same(name, names[other])
        for one, excluded in told.items()
        for name in excluded
        for other in names
        if other != one and not {one, other}.isdisjoint(joining)
    )


async def is_one_of(
    session: AsyncSession,
    returnee_ids: Collection[UUID],
    told: tuple[str, str],
    *,
    number: str | None,
    vault: Vault,
) -> bool:
    """Whether somebody with these names or this document is one of these registered people."""
    found = plain_document_number(number or "")
    return any(
        words(*told) == words(one.given_names, one.family_names)
        or (found != "" and found == plain_document_number(one.document_number or ""))
        for one in await _identities(session, returnee_ids, vault=vault)
    )


async def has_excluded_name(
    session: AsyncSession, returnee_id: UUID, told: tuple[str, str], *, apart: Collection[UUID], vault: Vault
) -> bool:
    """Whether the name of somebody may be one that this person excludes, or that of somebody kept apart from them."""
    records = await records_of(session, [returnee_id])
    names = await names_told(session, list(records), keys=await data_keys(vault, records))
    known = [(one.given_names, one.family_names) for one in await _identities(session, apart, vault=vault)]
    return any(may_be_same(told, name) for name in [*known, *(one for each in names.values() for one in each)])


async def _identities(session: AsyncSession, returnee_ids: Collection[UUID], *, vault: Vault) -> list[IdentityView]:
    query = select(Returnee).where(col(Returnee.id).in_(returnee_ids), col(Returnee.erased_at).is_(None))
    rows = (await session.exec(query)).all()
    keys = await data_keys(vault, [row.id for row in rows])
    return [identity_of(row, keys[row.id]) for row in rows if row.id in keys]


async def names_told(
    session: AsyncSession, returnee_ids: Collection[UUID], *, keys: Mapping[UUID, DataKey]
) -> dict[UUID, list[tuple[str, str]]]:
    """The names that each of these people has told of those whom they exclude."""
    found: dict[UUID, list[tuple[str, str]]] = {}
    for row in await excluded_by(session, returnee_ids):
        told = told_of(row, keys[row.returnee_id]) if row.returnee_id in keys else ToldOfExcluded()
        if told.name is not None:
            found.setdefault(row.returnee_id, []).append(told.name.pair)
    return found


def name_of(person: Returnee, key: DataKey) -> tuple[str, str]:
    """Given and family names of a registered person, decrypted."""
    identity = identity_of(person, key)
    return identity.given_names, identity.family_names
