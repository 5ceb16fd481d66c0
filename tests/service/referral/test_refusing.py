"""Refusing to share changes no basic offer (domain P3): random journeys through the real router."""

from __future__ import annotations

from random import Random
from typing import Any
from uuid import UUID

from libs.events.codes import AgeBand, Sex, Urgency
from tests.service.referral.world import World

BASIC = {"shelter": "temporary_shelter", "food": "hot_meals", "health": "clinic", "transport": "bus"}
JOURNEYS = 12


async def test_whoever_allows_nothing_is_offered_the_same_basic_services(world: World):
    chance = Random(16)
    for category, service_type in BASIC.items():
        for eligibility in ({}, {"minimum_age": 18}, {"sexes": ["female"]}):
            await world.provider(100, category=category, service_type=service_type, eligibility=eligibility)
    for _ in range(JOURNEYS):
        profile = {
            "age_band": chance.choice([AgeBand.FROM_12_TO_17, AgeBand.FROM_25_TO_34, AgeBand.FROM_35_TO_59]),
            "sex": chance.choice([Sex.FEMALE, Sex.MALE]),
        }
        needs = [
            {"category": one, "urgency": chance.choice(list(Urgency))}
            for one in chance.sample(sorted(BASIC), k=chance.randint(1, 3))
        ]
        silent, open_handed = [
            await world.person(*needs, consented=consented, **profile) for consented in (False, True)
        ]
        await world.round()
        assert await what_follows(world, silent) == await what_follows(world, open_handed), (profile, needs)
    found = await world.row("SELECT count(*) AS offers FROM offer")
    assert found["offers"] > JOURNEYS, "there is something to compare"


async def what_follows(world: World, returnee_id: UUID) -> list[dict[str, Any]]:
    """By need: how it stands, and whether it was offered."""
    return await world.rows(
        "SELECT need.category, need.status, need.owner, need.owner_reason, referral.status AS referral,"
        " (SELECT count(*) FROM offer WHERE offer.referral_id = referral.referral_id) AS offers"
        " FROM need JOIN referral USING (need_id) WHERE need.returnee_id = $1 ORDER BY need.category",
        returnee_id,
    )
