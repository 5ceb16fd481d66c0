"""How many unanswered offers of a service a round counts: the cost must stay flat when many providers are silent."""

from __future__ import annotations

import pytest

from libs.chassis.database import raw
from services.referral.router import queries
from tests.service.referral.consuming import reception
from tests.service.referral.world import World

_COPIES = """
    INSERT INTO offer SELECT (jsonb_populate_record(o, jsonb_build_object(
        'offer_id', gen_random_uuid(), 'referral_id', gen_random_uuid()))).* FROM offer o, generate_series(1, $1)
"""


async def test_unanswered_offers_are_counted_by_service_up_to_the_limit(world: World, monkeypatch: pytest.MonkeyPatch):
    """Taken out: `LIMIT` in `_OPEN_OFFERS` (three are counted)."""
    asked, other = await world.provider(), await world.provider(category="food")
    gate = await reception(world)
    for _ in range(3):
        await gate.receives({})
    async with world.database.transaction() as session:
        assert await queries.open_offers(session, [asked.service_id, other.service_id]) == {asked.service_id: 3}
        monkeypatch.setattr(queries, "OPEN_OFFERS_MAX", 2)
        assert await queries.open_offers(session, [asked.service_id]) == {asked.service_id: 2}


async def test_a_round_reads_no_more_unanswered_offers_than_it_counts(world: World):
    """Taken out: `LIMIT` in `_OPEN_OFFERS` (all offers of the service are read)."""
    one = await world.provider()
    await (await reception(world)).receives({})
    async with world.database.transaction() as session:
        connection = await raw(session)
        await connection.execute(_COPIES.replace("$1", "5000"))
        before = await connection.fetchval(_READ)
        assert await queries.open_offers(session, [one.service_id]) == {one.service_id: queries.OPEN_OFFERS_MAX}
        assert await connection.fetchval(_READ) - before <= 2 * queries.OPEN_OFFERS_MAX


_READ = """
    SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = 'offer'
"""
