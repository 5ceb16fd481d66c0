"""Queries of matches: candidates by keyed hashes, opened records, and what a caller may see of a pair."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import own_work, raw
from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageRequest, page_of
from libs.events.codes import ContactChannel
from services.registration.audit.rules import Actor
from services.registration.consent.tables import SafeContact
from services.registration.linkage.blocking import keys
from services.registration.linkage.records import Record
from services.registration.matching.rules import ANOTHER_RETURN, BLOCK_MAX, MatchStatus, desk_of, may_decide
from services.registration.matching.schemas import MatchView, PersonOfMatch
from services.registration.matching.tables import Match
from services.registration.pack import Reception
from services.registration.people.queries import identity_of, visible_to
from services.registration.people.tables import Returnee
from services.registration.vault.queries import data_keys, opened_or_none
from services.registration.vault.sealing import DataKey, MasterKey, Vault

SHOWN_OF_PERSON = 50
CANDIDATES = """
    SELECT k.key, found.returnee_id
    FROM unnest($1::bigint[]) AS k (key) CROSS JOIN LATERAL (
        SELECT m.returnee_id FROM match_key m WHERE m.key = k.key ORDER BY m.returnee_id DESC LIMIT $2
    ) AS found
"""
"""The newest people of each block, at most one more than a rare block has. So the cost does not grow with the data."""
_HOUSEHOLDS = """
    SELECT member.id FROM returnee r JOIN returnee member ON member.household_id = r.household_id
    WHERE r.id = ANY($1::uuid[]) AND member.erased_at IS NULL
"""
_CALLS = (ContactChannel.SMS.value, ContactChannel.CALL.value)


@dataclass(frozen=True, slots=True)
class Opened:
    """A person with the facts that are compared, in clear text. It exists only in memory."""

    row: Returnee
    record: Record


async def candidates(session: AsyncSession, tokens: Collection[int]) -> dict[int, list[UUID]]:
    """The people who have these keys, newest first, a limited number for each key."""
    found: dict[int, list[UUID]] = {token: [] for token in tokens}
    for row in await (await raw(session)).fetch(CANDIDATES, list(tokens), BLOCK_MAX + 2):
        found[row["key"]].append(row["returnee_id"])
    return found


def tokens_of(master: MasterKey, record: Record) -> set[int]:
    """The keyed hashes of a record's blocking keys."""
    return {master.token("match", key) for key in keys(record)}


async def opened(session: AsyncSession, returnee_ids: Collection[UUID], *, vault: Vault) -> dict[UUID, Opened]:
    """The facts of these people, with one query for each table. Erased people are missing, and those whose row cannot
    be decrypted."""
    query = select(Returnee).where(col(Returnee.id).in_(returnee_ids), col(Returnee.erased_at).is_(None))
    rows = (await session.exec(query.execution_options(populate_existing=True))).all()
    data = await data_keys(vault, [row.id for row in rows])
    calls = select(SafeContact).where(col(SafeContact.returnee_id).in_(data), col(SafeContact.channel).in_(_CALLS))
    contacts = {row.returnee_id: row for row in (await session.exec(calls)).all()}
    found = {}
    for number, row in enumerate(rows, 1):
        if number % 20 == 0:
            await asyncio.sleep(0)  # decrypting is computing: others get a turn
        if row.id in data:
            record = opened_or_none(partial(_record, row, data[row.id], contacts.get(row.id)))
            if record is not None:
                found[row.id] = Opened(row, record)
    return found


def _record(row: Returnee, key: DataKey, contact: SafeContact | None) -> Record:
    identity = identity_of(row, key)
    address = None if contact is None else contact.address_sealed
    return Record(
        given_names=identity.given_names or None,
        family_names=identity.family_names or None,
        birth_date=identity.birth_date,
        sex=row.sex,
        document_number=identity.document_number,
        phone=key.open_or_none(address, table="safe_contact", column="address"),
        municipality=row.destination,
    )


async def household_members(session: AsyncSession, returnee_ids: Collection[UUID]) -> set[UUID]:
    """Everybody in the households of these records."""
    return {row["id"] for row in await (await raw(session)).fetch(_HOUSEHOLDS, list(returnee_ids))}


async def matches_of(session: AsyncSession, returnee_ids: Collection[UUID]) -> Sequence[Match]:
    """All matches of these records, whatever was decided."""
    query = select(Match).where(or_(col(Match.first_id).in_(returnee_ids), col(Match.second_id).in_(returnee_ids)))
    return (await session.exec(query.execution_options(populate_existing=True))).all()


@dataclass(frozen=True, slots=True)
class Pair:
    """A match with both records, and which of them the caller may see."""

    match: Match
    people: Mapping[UUID, Returnee]
    seen: frozenset[UUID]

    @property
    def whole(self) -> bool:
        """Whether the caller may see both records."""
        return len(self.seen) == len(self.people)


async def pairs(session: AsyncSession, rows: Sequence[Match], *, actor: Actor) -> list[Pair]:
    """The matches among these that exist for the caller: it may see one of the two people, nobody is erased, and it is
    the desk that decides for people with a protection concern and for children who are alone."""
    ids = {one for row in rows for one in (row.first_id, row.second_id)}
    query = select(Returnee).where(col(Returnee.id).in_(ids), visible_to(actor))
    seen = {row.id for row in (await session.exec(query)).all()}
    async with own_work(session):  # the date and the centre of the other record, and whether a desk is needed for it
        every = select(Returnee).where(col(Returnee.id).in_(ids), col(Returnee.erased_at).is_(None))
        people = {row.id: row for row in (await session.exec(every)).all()}
    found = [
        Pair(row, {one: people[one] for one in (row.first_id, row.second_id)}, frozenset(seen & _ids(row)))
        for row in rows
        if people.keys() >= _ids(row)
    ]
    return [pair for pair in found if pair.seen and _is_desk(pair, actor)]


def _ids(row: Match) -> set[UUID]:
    return {row.first_id, row.second_id}


def _is_desk(pair: Pair, actor: Actor) -> bool:
    return all(
        may_decide(
            [desk_of(one.age_group, one.protection_flags, has_household=one.household_id is not None)],
            children=actor.sight.children_only,
            protection=not actor.hidden_categories(one.organization_id),
        )
        for one in pair.people.values()
    )


async def pair(session: AsyncSession, match_id: UUID, *, actor: Actor) -> Pair:
    """One match; NotFound if it does not exist for the caller."""
    row = await session.get(Match, match_id, populate_existing=True)
    found = [] if row is None else await pairs(session, [row], actor=actor)
    if not found:
        raise NotFound
    return found[0]


async def page_of_matches(
    session: AsyncSession, page: PageRequest, *, status: MatchStatus, actor: Actor, reception: Reception
) -> Page[MatchView]:
    """Matches of one state, oldest first."""
    found: list[Pair] = []
    after = None if page.after is None else UUID(page.after[0])
    while len(found) <= page.limit:
        query = select(Match).where(Match.status == status.value, _of_somebody_seen(actor))
        if after is not None:
            query = query.where(col(Match.id) > after)
        rows = (await session.exec(query.order_by(col(Match.id)).limit(page.limit + 1))).all()
        found += await pairs(session, rows, actor=actor)
        if len(rows) <= page.limit:
            break
        after = rows[-1].id
    return page_of(
        found,
        request=page,
        cursor_of=lambda one: [str(one.match.id)],
        view=lambda one: match_view(one, reception=reception),
    )


def _of_somebody_seen(actor: Actor) -> ColumnElement[bool]:
    ids = (col(Match.first_id), col(Match.second_id))
    return exists().where(col(Returnee.id).in_(ids), visible_to(actor))


_RETURNED_AGAIN = """
    SELECT r.arrival_batch_id, count(*) AS people FROM returnee r
    WHERE r.arrival_batch_id = ANY($1::uuid[]) AND r.erased_at IS NULL AND EXISTS (
        SELECT FROM returnee o
        WHERE (o.merged_into = r.id OR o.id = r.merged_into OR o.merged_into = r.merged_into) AND o.id <> r.id
            AND o.arrived_at < r.arrived_at - $2::interval)
    GROUP BY r.arrival_batch_id
"""


async def returned_again(session: AsyncSession, batch_ids: Collection[UUID]) -> dict[UUID, int]:
    """By flight or bus: how many of its people had come before, as far as merges say so."""
    rows = await (await raw(session)).fetch(_RETURNED_AGAIN, list(batch_ids), ANOTHER_RETURN)
    return {row["arrival_batch_id"]: row["people"] for row in rows}


async def matches_of_person(
    session: AsyncSession, returnee_id: UUID, *, actor: Actor, reception: Reception
) -> list[MatchView]:
    """Open and merged matches of a person whom the caller may see; those with the most weight first."""
    shown = (MatchStatus.OPEN.value, MatchStatus.MERGED.value)
    query = (
        select(Match)
        .where(
            or_(col(Match.first_id) == returnee_id, col(Match.second_id) == returnee_id), col(Match.status).in_(shown)
        )
        .order_by(col(Match.weight).desc(), col(Match.id))
        .limit(SHOWN_OF_PERSON)
    )
    found = await pairs(session, (await session.exec(query)).all(), actor=actor)
    return [match_view(one, reception=reception) for one in found]


def match_view(one: Pair, *, reception: Reception) -> MatchView:
    """A match. If the caller may not see one of the people, what agrees is not shown: it would tell that person's
    facts."""
    row = one.match
    return MatchView(
        id=row.id,
        version=row.version,
        status=MatchStatus(row.status),
        band=row.band,
        weight=round(row.weight, 1) if one.whole else None,
        reasons=row.reasons if one.whole else [],
        found_at=row.found_at,
        can_be_decided=one.whole,
        people=[
            _person(one.people[returnee_id], seen=returnee_id in one.seen, reception=reception)
            for returnee_id in (row.first_id, row.second_id)
        ],
    )


def _person(row: Returnee, *, seen: bool, reception: Reception) -> PersonOfMatch:
    return PersonOfMatch(
        registered_on=reception.day_of(row.registered_at),
        reception_place=row.reception_place,
        returnee_id=row.id if seen else None,
        case_code=row.case_code if seen else None,
        arrived_at=row.arrived_at if seen else None,
        version=row.version if seen else None,
        merged=(row.merged_into is not None) if seen else None,
    )
