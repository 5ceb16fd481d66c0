"""What a round asks about households touches their own rows only, however many households there are."""

from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg
import pytest

from libs.chassis.database import Database, raw
from services.referral.journeys.households import told_together
from services.referral.router.picks import Picked
from services.referral.router.together import others_of
from tests.service.referral.kinds import TAXONOMY
from tests.service.referral.test_clock_plans import filled, filled_url, touched

__all__ = ["filled", "filled_url"]
PICKED, SIZE = 50, 3

MAKE = """
WITH chosen AS (
    SELECT returnee_id, (row_number() OVER (ORDER BY returnee_id) - 1) / $1 AS nth FROM journey LIMIT 3000
), made AS (
    INSERT INTO household (household_id, version, reference_returnee_id, member_ids, expected_size, stay_together)
    SELECT gen_random_uuid(), 1, (array_agg(returnee_id))[1], array_agg(returnee_id), $1, true FROM chosen GROUP BY nth
    RETURNING household_id, member_ids
)
UPDATE journey SET household_id = made.household_id FROM made WHERE returnee_id = ANY(made.member_ids)
"""


@pytest.fixture(scope="module", autouse=True)
def _households(filled_url: str) -> None:
    """A thousand households of three."""

    asyncio.run(make_households(filled_url, "VACUUM ANALYZE"))


async def make_households(url: str, *more: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in (MAKE.replace("$1", str(SIZE)), *more):
            await connection.execute(statement)
    finally:
        await connection.close()


async def picked(database: Database) -> list[Picked]:
    async with database.transaction() as session:
        rows = await (await raw(session)).fetch(
            "SELECT referral_id, returnee_id, need_id FROM referral JOIN journey USING (returnee_id)"
            " WHERE journey.household_id IS NOT NULL AND status = 'waitlisted' LIMIT $1",
            PICKED,
        )
    assert len(rows) == PICKED
    return [Picked(row["referral_id"], row["returnee_id"], None) for row in rows]


async def needs_of(database: Database, mine: list[Picked]) -> list[UUID]:
    async with database.transaction() as session:
        found = await (await raw(session)).fetch(
            "SELECT need_id FROM referral WHERE referral_id = ANY($1::uuid[])", [one.referral_id for one in mine]
        )
    return [row["need_id"] for row in found]


async def test_what_a_household_has_told_is_found_from_its_needs(filled: Database):
    """Each round, answer and evaluation asks. Seen to fail without `ix_need_returnee_id`."""
    needs = await needs_of(filled, await picked(filled))
    rows = await touched(filled, lambda session: told_together(session, TAXONOMY, needs))
    assert all(rows.get(table, 0) <= 10 * SIZE * PICKED for table in ("need", "referral", "offer", "journey")), rows


async def test_the_others_of_a_round_are_found_from_its_referrals(filled: Database):
    """Each round asks. Seen to fail without `ix_referral_returnee_id`."""
    mine = await picked(filled)
    rows = await touched(filled, lambda session: others_of(session, TAXONOMY, mine))
    assert all(rows.get(table, 0) <= 10 * SIZE * PICKED for table in ("need", "referral", "offer", "journey")), rows
