"""People who must be kept apart, and where they are: for tests of both."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from libs.events.catalogue.kept_apart import PeopleKeptApart, PeopleKeptApartEnded
from tests.service.referral.world import Provider, World


def pair(one: UUID, other: UUID, *, exclusion_id: UUID | None = None) -> PeopleKeptApart:
    first, second = sorted((one, other))
    return PeopleKeptApart(exclusion_id=exclusion_id or uuid4(), first_returnee_id=first, second_returnee_id=second)


def ended(told: PeopleKeptApart) -> PeopleKeptApartEnded:
    return PeopleKeptApartEnded(**told.model_dump())


async def two_apart(world: World, *needs: dict[str, Any]) -> tuple[UUID, UUID]:
    """Two people with these needs, who must be kept apart."""
    one, other = await world.person(*needs), await world.person(*needs)
    await world.hear(pair(one, other))
    return one, other


async def accept(world: World, returnee_id: UUID) -> tuple[int, str]:
    offer = await world.offer_of(returnee_id)
    answer = await world.step(f"offers/{offer['offer_id']}/accept")
    return answer.status_code, answer.json().get("code", "")


async def start(world: World, one: Provider, returnee_id: UUID) -> None:
    referral = await world.referral_of(returnee_id)
    answer = await world.step(f"referrals/{referral['referral_id']}/start", headers=world.partner(one))
    assert answer.status_code == 200, answer.text


async def at(world: World, *people: UUID) -> list[UUID | None]:
    """The service of each one's offer that waits for an answer or is accepted."""
    found = []
    for one in people:
        rows = await world.rows(
            "SELECT provider_service_id FROM offer JOIN referral USING (offer_id) WHERE offer.returnee_id = $1"
            " AND referral.status IN ('offered', 'accepted', 'in_service')",
            one,
        )
        found.append(rows[0]["provider_service_id"] if rows else None)
    return found


async def write_pair(world: World, one: UUID, other: UUID) -> None:
    first, second = sorted((one, other))
    await world.rows("INSERT INTO kept_apart VALUES ($1, $2, $3)", uuid4(), first, second)
