"""Transfers needs between desks, one part at a time, and stores absences."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, own_work, raw
from libs.chassis.errors import NotFound
from services.referral.access import Rights
from services.referral.database import insert_rows
from services.referral.errors import DeputiesInACircle, DeskIsAway
from services.referral.journeys.actions.writing import opened
from services.referral.lifecycles.rules import NeedStatus
from services.referral.ownership import queries
from services.referral.ownership.rules import Absence, AbsenceReason, makes_a_circle, overlaps
from services.referral.ownership.schemas import NEEDS_MAX
from services.referral.ownership.tables import AbsenceRow
from services.referral.pack.policy import RoutingPolicy
from services.referral.steps import owners

_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('referral.absence'))"
"""A new absence is compared with all others. There are few, so they are entered one after another."""

_CLAIM = """
SELECT hand_over_id, from_desk, to_desk, returnee_id, need_ids, restricted, note, made_by FROM hand_over
WHERE finished_at IS NULL AND ($1::uuid IS NULL OR hand_over_id = $1)
ORDER BY hand_over_id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_OF_DESK = """
SELECT need_id, returnee_id FROM need WHERE owner = $1 AND ($2 OR NOT restricted)
ORDER BY owned_since, need_id LIMIT $3
"""
_OF_RETURNEE = """
SELECT need_id, returnee_id FROM need WHERE returnee_id = $4 AND owner = $1 AND ($2 OR NOT restricted) LIMIT $3
"""
_CHOSEN = """
SELECT need_id, returnee_id FROM need WHERE need_id = ANY($4::uuid[]) AND owner = $1 AND ($2 OR NOT restricted) LIMIT $3
"""


# A hand-over that a worker is moving is skipped. The worker deletes the text when it has finished, and waits for
# journeys that the erasure has locked; waiting for the worker here would be a deadlock.
_FORGET_WORDS = """
UPDATE hand_over SET note = NULL WHERE hand_over_id IN (
    SELECT hand_over_id FROM hand_over WHERE finished_at IS NULL AND note IS NOT NULL AND (
        returnee_id = ANY($1::uuid[])
        OR need_ids && ARRAY(SELECT need_id FROM need WHERE returnee_id = ANY($1::uuid[]))
        OR returnee_id IS NULL AND need_ids IS NULL)
    FOR UPDATE SKIP LOCKED)
RETURNING hand_over_id
"""


@dataclass(frozen=True, slots=True)
class HandOver:
    """A requested hand-over: which needs go from which desk to which, and why."""

    from_desk: str
    to_desk: str
    returnee_id: UUID | None
    need_ids: list[UUID] | None
    note: str


async def hand_over(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, asked: HandOver, *, actor: str
) -> UUID:
    """Begin a hand-over and transfer its first part. `go_on` transfers the rest."""
    hand_over_id = uuid7()
    async with own_work(session):
        await (await raw(session)).execute(
            "INSERT INTO hand_over (hand_over_id, from_desk, to_desk, returnee_id, need_ids, restricted, note, made_by,"
            " made_at, moved_count) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0)",
            hand_over_id,
            asked.from_desk,
            asked.to_desk,
            asked.returnee_id,
            asked.need_ids,
            rights.restricted,
            asked.note,
            actor,
            now(session),
        )
        await go_on(session, policy, hand_over_id)
    return hand_over_id


async def go_on(session: AsyncSession, policy: RoutingPolicy, hand_over_id: UUID | None = None) -> bool:
    """Transfer one part of this hand-over, or of any, if no other worker transfers it now. False if there is none."""
    connection = await raw(session)
    claimed = await connection.fetchrow(_CLAIM, hand_over_id)
    if claimed is None:
        return False
    statement, choice = _OF_DESK, []
    if claimed["returnee_id"] is not None:
        statement, choice = _OF_RETURNEE, [claimed["returnee_id"]]
    elif claimed["need_ids"] is not None:
        statement, choice = _CHOSEN, [claimed["need_ids"]]
    found = await connection.fetch(statement, claimed["from_desk"], claimed["restricted"], NEEDS_MAX, *choice)
    moved = await _move(session, policy, {row["need_id"]: row["returnee_id"] for row in found}, claimed)
    finished_at = None if len(found) == NEEDS_MAX else now(session)
    await connection.execute(
        "UPDATE hand_over SET moved_count = moved_count + $2, finished_at = $3,"
        " note = CASE WHEN $3::timestamptz IS NULL THEN note END WHERE hand_over_id = $1",
        claimed["hand_over_id"],
        moved,
        finished_at,
    )
    return True


async def _move(session: AsyncSession, policy: RoutingPolicy, needs: dict[UUID, UUID], given: Mapping[str, Any]) -> int:
    """Transfer these needs to the new desk, except those that the old desk no longer owns when the journeys are
    locked."""
    moved = 0
    async with opened(session, policy, set(needs.values()), actor=given["made_by"]) as piece:
        for need_id, returnee_id in needs.items():
            need = piece.journeys[returnee_id].needs[need_id]
            if need.status is NeedStatus.OPEN and need.owner == given["from_desk"]:
                owners.hand_over(
                    piece, need, to=given["to_desk"], note=given["note"], hand_over_id=given["hand_over_id"]
                )
                moved += 1
    return moved


async def forget_words(session: AsyncSession, returnee_ids: Collection[UUID]) -> set[UUID]:
    """Delete the text of unfinished hand-overs that may be about these returnees. They continue without it."""
    rows = await (await raw(session)).fetch(_FORGET_WORDS, sorted(returnee_ids))
    return {row["hand_over_id"] for row in rows}


async def add_absence(
    session: AsyncSession,
    desk: str,
    *,
    deputy: str,
    starts_at: datetime,
    ends_at: datetime,
    reason: AbsenceReason,
    actor: str,
) -> UUID:
    """Enter an absence. Refused if the desk is already absent then, or if the deputies would form a cycle."""
    await (await raw(session)).execute(_ONE_AT_A_TIME)
    known, new = await queries.absences_to_come(session), Absence(desk, deputy, starts_at, ends_at)
    if overlaps(known, new):
        raise DeskIsAway
    if makes_a_circle(known, new):
        raise DeputiesInACircle
    absence_id = uuid7()
    row = {"absence_id": absence_id, **new._asdict(), "reason": reason.value, "made_by": actor, "made_at": now(session)}
    await insert_rows(session, AbsenceRow, [row])
    return absence_id


async def cancel_absence(session: AsyncSession, desk: str, absence_id: UUID) -> None:
    """End an absence now, or cancel it before it begins. NotFound if the desk has no such present or future absence."""
    done: str = await (await raw(session)).execute(
        "UPDATE absence SET cancelled_at = $3"
        " WHERE absence_id = $1 AND desk = $2 AND cancelled_at IS NULL AND ends_at > $3",
        absence_id,
        desk,
        now(session),
    )
    if done == "UPDATE 0":
        raise NotFound("There is no such absence")
