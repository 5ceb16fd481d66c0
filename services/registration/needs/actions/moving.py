"""Moves restricted needs out of the table `need` into their store.

Restricted needs are in `need` if they are older than the store, or if the pack has made their category restricted
since. The move requires the key, so the service does it: a loop moves all of them, and those of a person are moved
before another one is recorded.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

import asyncpg
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.events.codes import NeedCategory
from libs.events.detail_values import from_stored
from services.registration.needs import restricted
from services.registration.needs.restricted import Kept
from services.registration.needs.rules import SecondNeedReason
from services.registration.needs.schemas import NewNeed, RestrictedNeed, RestrictedRepeat
from services.registration.vault.actions import restricted_keys
from services.registration.vault.sealing import Vault

# A need that waits for a restricted need is restricted too, and is moved with it.
_WITH_THOSE_THAT_WAIT = """
WITH RECURSIVE due AS (
    {due}
    UNION SELECT n.id, n.returnee_id FROM need AS n JOIN due ON n.after_need_id = due.id
    WHERE n.category = ANY($1::text[])
) SELECT id, returnee_id FROM due
"""
_SOME = _WITH_THOSE_THAT_WAIT.format(
    due="(SELECT id, returnee_id FROM need WHERE category = ANY($1::text[]) ORDER BY id LIMIT $2)"
)
_OF_PEOPLE = _WITH_THOSE_THAT_WAIT.format(
    due="""SELECT id, returnee_id FROM need
        WHERE category = ANY($1::text[]) AND (returnee_id = ANY($2::uuid[]) OR household_id = ANY($3::uuid[]))"""
)
_LOCK_PEOPLE = """
    SELECT id, erased_at FROM returnee WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""
_LOCK = "SELECT * FROM need WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"
_REPEATS = "SELECT * FROM need_repeat WHERE need_id = ANY($1::uuid[]) ORDER BY id"
_UNTIE = "UPDATE need SET after_need_id = NULL WHERE after_need_id = ANY($1::uuid[]) AND id <> ALL ($1::uuid[])"
_DROP_REPEATS = "DELETE FROM need_repeat WHERE need_id = ANY($1::uuid[])"
_DROP = "DELETE FROM need WHERE id = ANY($1::uuid[])"


async def move_restricted(
    session: AsyncSession, *, categories: Collection[NeedCategory], vault: Vault, limit: int
) -> int:
    """Move up to `limit` needs of restricted categories, and those that wait for them; return how many there were."""
    connection = await raw(session)
    due = await connection.fetch(_SOME, sorted(categories), limit)
    if due:
        people = await connection.fetch(_LOCK_PEOPLE, [row["returnee_id"] for row in due])
        erased = {row["id"] for row in people if row["erased_at"] is not None}
        await _move(session, [row["id"] for row in due], erased, vault=vault)
    return min(len(due), limit)


async def move_of(session: AsyncSession, needs: Sequence[NewNeed], *, vault: Vault) -> None:
    """Move the needs of those categories of these people and households. The people who report are locked, or new."""
    people, households = {need.returnee_id for need in needs}, {need.household_id for need in needs} - {None}
    categories = sorted({need.category for need in needs})
    due = await (await raw(session)).fetch(_OF_PEOPLE, categories, list(people), list(households))
    if due:
        await _move(session, [row["id"] for row in due], set(), vault=vault)


async def _move(session: AsyncSession, need_ids: Sequence[UUID], erased: Collection[UUID], *, vault: Vault) -> None:
    """Move these needs; needs of erased people are deleted."""
    connection = await raw(session)
    rows = await connection.fetch(_LOCK, need_ids)
    repeats = await connection.fetch(_REPEATS, need_ids)
    kept = {row["id"]: row for row in rows if row["returnee_id"] not in erased}
    keys = await restricted_keys(vault, {row["returnee_id"] for row in kept.values()}, at=now(session))
    for row in kept.values():
        await _keep(session, Kept(_need(row), keys[row["returnee_id"]]), row["need_key"], vault=vault)
    for one in repeats:
        if one["need_id"] in kept:
            repeat = RestrictedRepeat.model_validate({name: one[name] for name in RestrictedRepeat.model_fields})
            key = keys[kept[one["need_id"]]["returnee_id"]]
            await restricted.insert_repeat(session, repeat, one["need_key"], key, vault=vault)
    for statement in (_UNTIE, _DROP_REPEATS, _DROP):
        await connection.execute(statement, need_ids)


async def _keep(session: AsyncSession, one: Kept, need_key: bytes | None, *, vault: Vault) -> None:
    if not await restricted.insert(session, one, need_key, vault=vault):
        # A need of this kind has been reported into the store meanwhile, so this one is stored as a second need.
        second = one.need.model_copy(update={"second_reason": SecondNeedReason.ANOTHER_TIME})
        await restricted.insert(session, Kept(second, one.key), need_key, vault=vault)


def _need(row: asyncpg.Record) -> RestrictedNeed:
    columns = {name: row[name] for name in RestrictedNeed.model_fields if name != "origin"}
    return RestrictedNeed.model_validate({**columns, "detail_values": from_stored(row["detail_values"])})
