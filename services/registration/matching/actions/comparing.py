"""Compares people with others who share a blocking key, and stores the pairs that may be one person.

One comparison runs at a time, under an advisory lock: each sees the keys that those before it have written, so that no
pair is missed when two records of one person come together. Nobody waits for it except a caller who asks for the
matches of a person who has not been compared yet.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from services.registration.audit.actions import array_text
from services.registration.linkage.forgetting import forget
from services.registration.linkage.priors import Priors
from services.registration.linkage.score import Band, Score, compare
from services.registration.matching import queries
from services.registration.matching.queries import Opened
from services.registration.matching.rules import MatchStatus, followed, ordered
from services.registration.matching.tables import Match
from services.registration.people.actions.merging import compared, records_of, take_due, take_newest
from services.registration.vault.sealing import MasterKey, Vault

PORTION: Final = 5
"""How many people are compared in one transaction. Each costs some hundredths of a second of CPU."""
KEYED_MAX: Final = 100
"""How many of the people who came last and wait get their keys before one person is compared at once."""
_LOCK = "SELECT pg_advisory_xact_lock(7216026)"
_TRY = "SELECT pg_try_advisory_xact_lock(7216026)"
_IS_DUE = "SELECT EXISTS (SELECT FROM comparison_due WHERE returnee_id = $1)"
_FORGET_KEYS = "DELETE FROM match_key WHERE returnee_id = ANY($1::uuid[])"
_KEEP_KEYS = """
    INSERT INTO match_key (key, returnee_id)
    SELECT key, returnee_id FROM unnest($1::bigint[], $2::uuid[]) AS k (key, returnee_id) ORDER BY key, returnee_id
    ON CONFLICT DO NOTHING
"""
_FOUND = """
    INSERT INTO match (id, first_id, second_id, version, status, band, weight, reasons, facts, found_at)
    SELECT id, first_id, second_id, 1, 'open', band, weight, reasons::text[], facts, $8
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::float[], $6::text[], $7::bytea[])
        AS m (id, first_id, second_id, band, weight, reasons, facts)
    ORDER BY first_id, second_id ON CONFLICT (first_id, second_id) DO NOTHING
"""
# Somebody may decide meanwhile. Then the version is another one, and the decision stands.
_AGAIN = """
    UPDATE match SET status = 'open', band = $3, weight = $4, reasons = $5, facts = $6, version = version + 1
    WHERE id = $1 AND version = $2
"""
_DROP = """
    DELETE FROM match WHERE id = $1 AND status = 'open'
    AND NOT EXISTS (SELECT FROM match_decision d WHERE d.match_id = match.id)
"""
# It was decided once, and opened again because of facts that do not hold any more.
_AS_BEFORE = "UPDATE match SET status = 'different', version = version + 1 WHERE id = $1 AND status = 'open'"


@dataclass(frozen=True, slots=True)
class Found:
    """The highest score of any record of one person with any record of another."""

    first_id: UUID
    second_id: UUID
    score: Score
    facts: bytes


@dataclass(frozen=True, slots=True)
class People:
    """The records that are compared."""

    opened: Mapping[UUID, Opened]
    roots: Mapping[UUID, UUID]
    """Each record with the one under which the person continues."""

    def records(self, root: UUID) -> list[Opened]:
        """All records of a person."""
        return [one for one_id, one in self.opened.items() if self.roots.get(one_id) == root]


async def compare_due(session: AsyncSession, *, limit: int, vault: Vault, priors: Priors) -> int:
    """Compare the people who have waited longest, at most `limit`; return how many. 0 if another process compares."""
    if not await (await raw(session)).fetchval(_TRY):
        return 0
    return await _compare(session, await take_due(session, limit=limit), (), vault=vault, priors=priors)


async def compare_now(session: AsyncSession, returnee_id: UUID, *, vault: Vault, priors: Priors) -> bool:
    """Compare one person if that is due. Returns False if facts of the person are being changed at this moment."""
    connection = await raw(session)
    if await connection.fetchval(_IS_DUE, returnee_id):
        await connection.execute(_LOCK)
        # The one who came a moment before may wait too, and is found only by their keys. Who came earlier and still
        # waits is compared with this person in their own turn.
        others = await take_newest(session, limit=KEYED_MAX)
        due = await take_due(session, limit=1, only=returnee_id)
        await _compare(session, due, others, vault=vault, priors=priors)
    return not await connection.fetchval(_IS_DUE, returnee_id)


async def _compare(
    session: AsyncSession, due: Sequence[UUID], others: Sequence[UUID], *, vault: Vault, priors: Priors
) -> int:
    """Compare the people who are due; the others get their keys and stay due. Returns how many were compared."""
    if not due:
        return 0
    try:
        return await _compare_with_all(session, due, others, vault=vault, priors=priors)
    finally:
        forget()


async def _compare_with_all(
    session: AsyncSession, due: Sequence[UUID], others: Sequence[UUID], *, vault: Vault, priors: Priors
) -> int:
    roots = await records_of(session, due)
    opened = await queries.opened(session, {*roots, *others}, vault=vault)
    tokens = {one: queries.tokens_of(vault.master, person.record) for one, person in opened.items()}
    await _keep_keys(session, sorted({*due, *others}), tokens)
    stored = await queries.matches_of(session, roots)
    own = {one: found for one, found in tokens.items() if one in roots}
    partners = await _partners(session, own, stored, roots)
    roots |= await records_of(session, partners)
    opened |= await queries.opened(session, roots.keys() - opened.keys(), vault=vault)
    people = People(opened, roots)
    compared_now = {roots[one] for one in due if one in roots}
    found = [one async for one in _scores(people, compared_now, partners, priors, vault.master)]
    await _store(session, found, stored, people)
    await compared(session, due)
    return len(due)


async def _keep_keys(session: AsyncSession, due: Sequence[UUID], tokens: Mapping[UUID, Collection[int]]) -> None:
    connection = await raw(session)
    await connection.execute(_FORGET_KEYS, list(due))
    rows = [(token, one) for one in due for token in tokens.get(one, ())]
    if rows:
        await connection.execute(_KEEP_KEYS, *map(list, zip(*rows, strict=True)))


async def _partners(
    session: AsyncSession,
    tokens: Mapping[UUID, Collection[int]],
    stored: Iterable[Match],
    roots: Mapping[UUID, UUID],
) -> dict[UUID, set[UUID]]:
    """The records to compare with, each with the people (by their continuing records) with whom it is compared."""
    blocks = await queries.candidates(session, {token for found in tokens.values() for token in found})
    partners: dict[UUID, set[UUID]] = {}
    for one, own in tokens.items():
        hits = [(token, other) for token in own for other in blocks[token] if roots.get(other) != roots[one]]
        for other in followed(hits):
            partners.setdefault(other, set()).add(roots[one])
    for row in stored:
        for one, other in ((row.first_id, row.second_id), (row.second_id, row.first_id)):
            if one in roots:
                partners.setdefault(other, set()).add(roots[one])
    return partners


async def _scores(
    people: People, due: Collection[UUID], partners: Mapping[UUID, set[UUID]], priors: Priors, master: MasterKey
) -> AsyncIterator[Found]:
    pairs = {
        ordered(root, people.roots[other])
        for other, with_whom in partners.items()
        for root in with_whom
        if other in people.roots and people.roots[other] != root
    }
    for first_id, second_id in sorted(pairs):
        first, second = people.records(first_id), people.records(second_id)
        scores = [compare(one.record, other.record, priors) for one in first for other in second]
        if scores and {first_id, second_id} & {*due}:
            best = max(scores, key=lambda score: (score.band is not Band.DIFFERENT, score.weight))
            yield Found(first_id, second_id, best, _facts(master, first, second))
        await asyncio.sleep(0)  # intake goes on meanwhile: scores are computed, and computing lets nobody else work


def _facts(master: MasterKey, *sides: Sequence[Opened]) -> bytes:
    parts = []
    for side in sides:
        parts += [*sorted(f"{one.record.document_number}|{one.record.birth_date}" for one in side), "-"]
    return master.blind("match facts", *parts)


async def _store(session: AsyncSession, found: Sequence[Found], stored: Sequence[Match], people: People) -> None:
    """Store new pairs, renew open ones, and remove open ones for which nothing speaks any more."""
    known: dict[tuple[UUID, UUID], list[Match]] = {}
    for row in stored:
        sides = ordered(*(people.roots.get(one, one) for one in (row.first_id, row.second_id)))
        known.setdefault(sides, []).append(row)
    new = []
    for one in found:
        rows = known.pop((one.first_id, one.second_id), [])
        if await _renew(session, one, rows):
            new.append(one)
    await _drop(session, [row for rows in known.values() for row in rows])
    await _insert(session, new)


async def _renew(session: AsyncSession, one: Found, rows: Sequence[Match]) -> bool:
    """Bring stored matches of a pair up to date; return whether a new one has to be stored.

    What staff have decided stays decided, until a document number or a birth date has changed and more speaks for one
    person than before.
    """
    is_match = one.score.band is not Band.DIFFERENT
    decided = [row for row in rows if row.status in (MatchStatus.DIFFERENT, MatchStatus.UNMERGED)]
    settled = [row for row in decided if row.facts == one.facts or row.weight >= one.score.weight]
    own = next((row for row in rows if (row.first_id, row.second_id) == (one.first_id, one.second_id)), None)
    await _drop(session, [row for row in rows if row is not own])
    if not is_match or settled:
        await _drop(session, [] if own is None else [own])
        return False
    if own is None:
        return True
    if own.status != MatchStatus.MERGED and (own.status != MatchStatus.OPEN or _differs(own, one)):
        values = (one.score.band.value, one.score.weight, list(one.score.reasons), one.facts)
        await (await raw(session)).execute(_AGAIN, own.id, own.version, *values)
    return False


def _differs(row: Match, one: Found) -> bool:
    return (row.band, row.facts, row.reasons) != (one.score.band.value, one.facts, list(one.score.reasons))


async def _drop(session: AsyncSession, rows: Iterable[Match]) -> None:
    connection = await raw(session)
    for row in rows:
        if row.status == MatchStatus.OPEN:
            await connection.execute(_DROP, row.id)
            await connection.execute(_AS_BEFORE, row.id)


async def _insert(session: AsyncSession, new: Sequence[Found]) -> None:
    if not new:
        return
    rows = [
        (
            uuid7(),
            one.first_id,
            one.second_id,
            one.score.band.value,
            one.score.weight,
            array_text(one.score.reasons),
            one.facts,
        )
        for one in new
    ]
    await (await raw(session)).execute(_FOUND, *map(list, zip(*rows, strict=True)), now(session))
