"""Set doubtful parts aside, show them, close them. The parts of many people are set aside with one statement."""

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from services.registration.audit.actions import record
from services.registration.audit.rules import RESTRICTED, Access, AccessKind, AccessPurpose, Actor
from services.registration.doubts import queries
from services.registration.doubts.rules import NEEDS, Closing, ClosingReason
from services.registration.doubts.schemas import DoubtClosing, DoubtfulPartView, DoubtfulPartWithValue, NewDoubt
from services.registration.doubts.tables import DoubtfulPart
from services.registration.errors import DoubtfulPartClosed
from services.registration.vault.actions import restricted_keys
from services.registration.vault.queries import data_key
from services.registration.vault.sealing import DataKey, Vault

_SET_ASIDE = """
    INSERT INTO doubtful_part (id, returnee_id, pointer, rule, is_urgent, value_sealed, set_aside_at)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bool[], $6::bytea[], $7::timestamptz[])
"""
_FORGET = """
    UPDATE doubtful_part SET closing = $2, closing_reason = $3, closed_at = $4, closed_by = $5, value_sealed = NULL
    WHERE returnee_id = $1 AND closed_at IS NULL
"""


async def set_aside(
    session: AsyncSession, doubts: Sequence[NewDoubt], keys: Mapping[UUID, DataKey], *, vault: Vault
) -> None:
    """Store the doubtful parts, sealed, until staff have reviewed them.

    Parts about needs are sealed with the key for restricted needs, since they may name such a need.
    """
    if not doubts:
        return
    await session.flush()
    of_needs = {one.returnee_id for one in doubts if one.part.pointer.startswith(NEEDS)}
    hidden = await restricted_keys(vault, of_needs, at=now(session))
    rows = [
        (
            uuid7(),
            one.returnee_id,
            one.part.pointer,
            one.part.rule,
            one.part.is_urgent,
            (hidden if one.part.pointer.startswith(NEEDS) else keys)[one.returnee_id].seal(
                json.dumps(one.part.value), table="doubtful_part", column="value"
            ),
            now(session),
        )
        for one in doubts
    ]
    await (await raw(session)).execute(_SET_ASIDE, *map(list, zip(*rows, strict=True)))


async def look_up_doubtful_part(
    session: AsyncSession, part_id: UUID, *, actor: Actor, vault: Vault
) -> DoubtfulPartWithValue:
    """One part with its value. The access is recorded."""
    row, case_code = await queries.doubtful_part(session, part_id, actor=actor)
    await record(session, actor, [_access(row, AccessKind.READ, "doubtful_part.read")])
    if row.value_sealed is None:
        return DoubtfulPartWithValue(**queries.view(row, case_code).model_dump(), value=None)
    key = await data_key(vault, row.returnee_id)
    if row.pointer.startswith(NEEDS):
        hidden = await restricted_keys(vault, [row.returnee_id], at=now(session))
        return queries.view_with_value(row, case_code, hidden[row.returnee_id], before=key)
    return queries.view_with_value(row, case_code, key)


async def close_doubtful_part(session: AsyncSession, part_id: UUID, body: DoubtClosing, *, actor: Actor) -> UUID:
    """Close a part after its review; return its id. Its value is deleted; that it existed, and what was done, is
    kept."""
    row, _ = await queries.doubtful_part(session, part_id, actor=actor, lock=True)
    if row.closed_at is not None:
        raise DoubtfulPartClosed
    row.closing, row.closing_reason = body.closing.value, body.reason.value
    row.closed_at, row.closed_by, row.value_sealed = now(session), actor.who, None
    session.add(row)
    await session.flush()
    await record(session, actor, [_access(row, AccessKind.WRITE, "doubtful_part.close")])
    return row.id


async def show_doubtful_part(session: AsyncSession, part_id: UUID, *, actor: Actor) -> DoubtfulPartView:
    """One part, for the caller that has just closed it."""
    return queries.view(*await queries.doubtful_part(session, part_id, actor=actor))


async def forget_doubts(session: AsyncSession, returnee_id: UUID) -> None:
    """Delete the values of all parts of an erased person."""
    closing = (Closing.DISCARDED.value, ClosingReason.ERASED.value)
    await (await raw(session)).execute(_FORGET, returnee_id, *closing, now(session), "erasure")


def _access(row: DoubtfulPart, kind: AccessKind, action: str) -> Access:
    """The access to a part. If the part is about needs, the action has a prefix, so that only callers who may see
    restricted needs see the entry."""
    of_needs = row.pointer.startswith(NEEDS)
    return Access(
        subject_id=row.returnee_id,
        kind=kind,
        action=f"{RESTRICTED}{action}" if of_needs else action,
        purpose=AccessPurpose.CORRECTION,
        fields=["doubtful_part"],
    )
