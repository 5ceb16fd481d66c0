"""Records reported needs of many people at once: new needs, and needs that are already open."""

import json
from collections import ChainMap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import asyncpg
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.events.codes import NeedCategory, NeedKind, Urgency
from libs.events.outbox import append
from services.registration.needs.actions.moving import move_of
from services.registration.needs.actions.restricted_tellings import hasten_known, report_restricted
from services.registration.needs.rules import BY_URGENCY
from services.registration.needs.schemas import NewNeed, reported
from services.registration.needs.tables import OPEN
from services.registration.vault.sealing import Vault

_TOLD = """unnest($1::uuid[], $2::bytea[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::int[],
               $9::uuid[], $10::text[], $11::text[], $12::text[], $13::text[])
    AS told (id, need_key, returnee_id, household_id, arrival_batch_id, category, urgency, people_count,
             after_need_id, traceparent, second_reason, kind, detail_values)"""

# The need of one person is not the need of their household, so both can be open.
_STANDING = f"""need.category = told.category AND need.kind IS NOT DISTINCT FROM told.kind
    AND {OPEN.replace("second_reason", "need.second_reason")}
    AND (need.household_id = told.household_id
         OR told.household_id IS NULL AND need.household_id IS NULL AND need.returnee_id = told.returnee_id)"""

_INSERT = f"""
INSERT INTO need (id, need_key, returnee_id, household_id, arrival_batch_id, category, urgency, people_count,
                  after_need_id, status, reported_at, traceparent, second_reason, kind, detail_values)
SELECT id, need_key, returnee_id, household_id, arrival_batch_id, category, urgency, people_count,
       after_need_id, 'reported', $14, traceparent,
       CASE WHEN EXISTS (SELECT FROM need WHERE {_STANDING}) THEN second_reason END, kind, detail_values::jsonb
FROM {_TOLD}
WHERE NOT EXISTS (SELECT FROM need_repeat WHERE need_repeat.need_key = told.need_key)
ON CONFLICT DO NOTHING
RETURNING id
"""  # noqa: S608 (constants)

_REPEAT = f"""
INSERT INTO need_repeat (id, need_key, need_id, urgency, people_count, reported_at)
SELECT told.id, told.need_key, need.id, told.urgency, told.people_count, $14
FROM {_TOLD} JOIN need ON {_STANDING}
WHERE NOT EXISTS (SELECT FROM need AS known WHERE known.id = told.id OR known.need_key = told.need_key)
ON CONFLICT (need_key) DO NOTHING
RETURNING id, need_id
"""  # noqa: S608 (constants)

_FIND_STANDING = f"SELECT told.id, need.id AS need_id FROM {_TOLD} JOIN need ON {_STANDING}"  # noqa: S608 (constants)

# The first report of a detail counts; further details are added.
_RAISE = """
UPDATE need SET detail_values = said.detail_values::jsonb || need.detail_values,
    urgency = CASE WHEN array_position($4::text[], said.urgency) < array_position($4::text[], need.urgency)
        THEN said.urgency ELSE need.urgency END
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS said(need_id, urgency, detail_values) WHERE need.id = said.need_id
RETURNING need.*
"""

_KNOWN = """
SELECT need_key FROM need WHERE need_key = ANY($1::bytea[])
UNION ALL SELECT need_key FROM need_repeat WHERE need_key = ANY($1::bytea[])
"""

# A report under a known reference may be more urgent, and may name the kind that the first one lacked. The kind is not
# taken if the person has another open need of it.
_HASTEN = f"""
UPDATE need SET urgency = more.urgency, kind = more.kind, detail_values = more.detail_values
FROM (
    SELECT known.id,
        CASE WHEN array_position($14::text[], said.urgency) < array_position($14::text[], known.urgency)
            THEN said.urgency ELSE known.urgency END AS urgency,
        CASE WHEN said.adds THEN said.kind ELSE known.kind END AS kind,
        CASE WHEN said.adds OR said.category = known.category AND said.kind = known.kind
            THEN said.detail_values::jsonb || known.detail_values ELSE known.detail_values END AS detail_values
    FROM need AS known JOIN (
        SELECT DISTINCT ON (by_key.need_id) by_key.need_id, told.*,
            told.kind IS NOT NULL AND EXISTS (
                SELECT FROM need WHERE need.id = by_key.need_id AND need.category = told.category AND need.kind IS NULL
            ) AND NOT EXISTS (SELECT FROM need WHERE {_STANDING}) AS adds
        FROM {_TOLD} JOIN (
            SELECT need_key, id AS need_id FROM need UNION ALL SELECT need_key, need_id FROM need_repeat
        ) AS by_key USING (need_key)
        ORDER BY by_key.need_id, array_position($14::text[], told.urgency), told.kind NULLS LAST
    ) AS said ON known.id = said.need_id
    WHERE known.status = 'reported' AND known.ended_at IS NULL
) AS more
WHERE need.id = more.id AND (need.urgency, need.kind, need.detail_values) IS DISTINCT FROM
    (more.urgency, more.kind, more.detail_values)
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
        await _tell(session, told, _said(left, repeats))
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
    first: dict[tuple[UUID, NeedCategory, NeedKind | None], UUID] = {}
    for need in ordinary:
        same = need.household_id or need.returnee_id, need.category, need.kind
        standing.setdefault(need.id, first.setdefault(same, need.id))
    return [
        replace(need, after_need_id=standing[need.after_need_id]) if need.after_need_id in standing else need
        for need in needs
    ]


async def _unsettled(session: AsyncSession, needs: Sequence[NewNeed], noted: Collection[UUID]) -> list[NewNeed]:
    """The needs that were neither recorded nor stored as repetitions. If the reference is known, only a higher urgency,
    and a kind and details that were not known yet, are applied."""
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


def _said(needs: Sequence[NewNeed], repeats: Sequence[asyncpg.Record]) -> dict[UUID, tuple[Urgency, str]]:
    """What repetitions say about the existing needs, by need: the highest urgency and all details."""
    by_id = {need.id: need for need in needs}
    said: dict[UUID, list[NewNeed]] = {}
    for row in repeats:
        said.setdefault(row["need_id"], []).append(by_id[row["id"]])
    return {
        need_id: (
            min((one.urgency for one in ones), key=BY_URGENCY.index),
            json.dumps(dict(ChainMap(*(dict(one.detail_values) for one in ones)))),
        )
        for need_id, ones in said.items()
    }


async def _tell(session: AsyncSession, told: Sequence[NewNeed], said: Mapping[UUID, tuple[Urgency, str]]) -> None:
    events = [reported(need, at=now(session)) for need in told]
    traces = [need.traceparent for need in told]
    if said:
        columns = list(said), [urgency.value for urgency, _ in said.values()], [details for _, details in said.values()]
        for row in await (await raw(session)).fetch(_RAISE, *columns, _BY_URGENCY):
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
            need.category,
            need.urgency.value,
            need.people_count,
            need.after_need_id,
            need.traceparent,
            None if need.second_reason is None else need.second_reason.value,
            need.kind,
            json.dumps(dict(need.detail_values)),
        )
        for need in needs
    ]
    return [list(column) for column in zip(*rows, strict=True)]
