"""Records reported needs of many people at once: new needs, and needs that are already open."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

import asyncpg
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.events.codes import NeedCategory
from libs.events.outbox import append
from services.registration.needs.actions.moving import move_of
from services.registration.needs.actions.restricted_tellings import hasten_known, report_restricted
from services.registration.needs.rules import BY_URGENCY
from services.registration.needs.schemas import NewNeed, reported
from services.registration.needs.tables import OPEN
from services.registration.vault.sealing import Vault

_TOLD = """unnest($1::uuid[], $2::bytea[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::int[],
               $9::uuid[], $10::text[], $11::text[])
    AS told (id, need_key, returnee_id, household_id, arrival_batch_id, category, urgency, people_count,
             after_need_id, traceparent, second_reason)"""

# The need of one person is not the need of their household, so both can be open.
_STANDING = f"""need.category = told.category AND {OPEN.replace("second_reason", "need.second_reason")}
    AND (need.household_id = told.household_id
         OR told.household_id IS NULL AND need.household_id IS NULL AND need.returnee_id = told.returnee_id)"""

_INSERT = f"""
INSERT INTO need (id, need_key, returnee_id, household_id, arrival_batch_id, category, urgency, people_count,
                  after_need_id, status, reported_at, traceparent, second_reason)
SELECT id, need_key, returnee_id, household_id, arrival_batch_id, category, urgency, people_count,
       after_need_id, 'reported', $12, traceparent,
       CASE WHEN EXISTS (SELECT FROM need WHERE {_STANDING}) THEN second_reason END
FROM {_TOLD}
WHERE NOT EXISTS (SELECT FROM need_repeat WHERE need_repeat.need_key = told.need_key)
ON CONFLICT DO NOTHING
RETURNING id
"""  # noqa: S608 (constants)

_REPEAT = f"""
INSERT INTO need_repeat (id, need_key, need_id, urgency, people_count, reported_at)
SELECT told.id, told.need_key, need.id, told.urgency, told.people_count, $12
FROM {_TOLD} JOIN need ON {_STANDING}
WHERE NOT EXISTS (SELECT FROM need AS known WHERE known.id = told.id OR known.need_key = told.need_key)
ON CONFLICT (need_key) DO NOTHING
RETURNING id, need_id, urgency
"""  # noqa: S608 (constants)

_FIND_STANDING = f"SELECT told.id, need.id AS need_id FROM {_TOLD} JOIN need ON {_STANDING}"  # noqa: S608 (constants)

_RAISE = """
UPDATE need SET urgency = CASE WHEN array_position($3::text[], said.urgency) < array_position($3::text[], need.urgency)
    THEN said.urgency ELSE need.urgency END
FROM (
    SELECT DISTINCT ON (need_id) need_id, urgency FROM unnest($1::uuid[], $2::text[]) AS all_said(need_id, urgency)
    ORDER BY need_id, array_position($3::text[], urgency)
) AS said WHERE need.id = said.need_id
RETURNING need.*
"""

_KNOWN = """
SELECT need_key FROM need WHERE need_key = ANY($1::bytea[])
UNION ALL SELECT need_key FROM need_repeat WHERE need_key = ANY($1::bytea[])
"""

_HASTEN = f"""
UPDATE need SET urgency = said.urgency
FROM (
    SELECT DISTINCT ON (known.need_id) known.need_id, told.urgency FROM {_TOLD} JOIN (
        SELECT need_key, id AS need_id FROM need UNION ALL SELECT need_key, need_id FROM need_repeat
    ) AS known USING (need_key)
    ORDER BY known.need_id, array_position($12::text[], told.urgency)
) AS said
WHERE need.id = said.need_id AND status = 'reported' AND ended_at IS NULL
  AND array_position($12::text[], said.urgency) < array_position($12::text[], need.urgency)
RETURNING need.*
"""  # noqa: S608 (constants)

_BY_URGENCY = [one.value for one in BY_URGENCY]


async def report_needs(session: AsyncSession, needs: Sequence[NewNeed], *, vault: Vault) -> set[UUID]:
    """Record and publish needs, each after the need that it waits for; return the ids of the new ones.

    Restricted needs come last, because no ordinary need waits for one. A reference identifies one need, in either
    store.
    """
    needs = await _after_what_stands(session, needs)
    ordinary = await hasten_known(session, [need for need in needs if not need.restricted], vault=vault)
    hidden = [need for need in needs if need.restricted]
    if not hidden:
        return await _report(session, ordinary)
    await move_of(session, hidden, vault=vault)
    hidden = await _unsettled(session, hidden, ())
    new = await _report(session, ordinary)
    return new | await report_restricted(session, hidden, vault=vault)


async def _report(session: AsyncSession, needs: Sequence[NewNeed]) -> set[UUID]:
    """Record and publish ordinary needs; return the ids of the new ones.

    The unique indexes of the table decide which report is first, also between transactions. A need that is already open
    is stored as a repetition and published again, because referral may have just ended it.
    """
    new: set[UUID] = set()
    waiting = list(needs)
    while waiting:
        rows = await (await raw(session)).fetch(_INSERT, *_columns(waiting), now(session))
        inserted = {row["id"] for row in rows}
        new |= inserted
        told = [need for need in waiting if need.id in inserted]
        left = [need for need in waiting if need.id not in inserted]
        repeats = await (await raw(session)).fetch(_REPEAT, *_columns(left), now(session)) if left else []
        await _tell(session, told, repeats)
        # A need that was open when it was reported, and ended before the repetition was stored, is recorded as new in
        # the next round.
        waiting = await _unsettled(session, left, {row["id"] for row in repeats})
    return new


async def _after_what_stands(session: AsyncSession, needs: Sequence[NewNeed]) -> list[NewNeed]:
    """The needs, with each prerequisite that is itself a repeated report replaced by the existing need."""
    ids = {need.id for need in needs}
    if not any(need.after_need_id in ids for need in needs):
        return list(needs)
    ordinary = [need for need in needs if not need.restricted]
    rows = await (await raw(session)).fetch(_FIND_STANDING, *_columns(ordinary)) if ordinary else []
    standing = {row["id"]: row["need_id"] for row in rows}
    first: dict[tuple[UUID, NeedCategory], UUID] = {}
    for need in ordinary:
        standing.setdefault(need.id, first.setdefault((need.household_id or need.returnee_id, need.category), need.id))
    return [
        replace(need, after_need_id=standing[need.after_need_id]) if need.after_need_id in standing else need
        for need in needs
    ]


async def _unsettled(session: AsyncSession, needs: Sequence[NewNeed], noted: Collection[UUID]) -> list[NewNeed]:
    """The needs that were neither recorded nor stored as repetitions. If the reference is known, only a higher urgency
    is applied."""
    left = [need for need in needs if need.id not in noted]
    keyed = [need for need in left if need.need_key is not None]
    if not keyed:
        return left
    connection = await raw(session)
    hastened = await connection.fetch(_HASTEN, *_columns(keyed), _BY_URGENCY)
    events = [reported(row, at=now(session)) for row in hastened]
    await append(session, events, traceparents=[row["traceparent"] for row in hastened])
    known = {row["need_key"] for row in await connection.fetch(_KNOWN, [need.need_key for need in keyed])}
    return [need for need in left if need.need_key not in known]


async def _tell(session: AsyncSession, told: Sequence[NewNeed], repeats: Sequence[asyncpg.Record]) -> None:
    events = [reported(need, at=now(session)) for need in told]
    traces = [need.traceparent for need in told]
    if repeats:
        said = [row["need_id"] for row in repeats], [row["urgency"] for row in repeats]
        for row in await (await raw(session)).fetch(_RAISE, *said, _BY_URGENCY):
            events.append(reported(row, at=now(session)))
            traces.append(row["traceparent"])
    await append(session, events, traceparents=traces)


def _columns(needs: Sequence[NewNeed]) -> list[list[object]]:
    rows = [
        (
            need.id,
            need.need_key,
            need.returnee_id,
            need.household_id,
            need.arrival_batch_id,
            need.category.value,
            need.urgency.value,
            need.people_count,
            need.after_need_id,
            need.traceparent,
            None if need.second_reason is None else need.second_reason.value,
        )
        for need in needs
    ]
    return [list(column) for column in zip(*rows, strict=True)]
