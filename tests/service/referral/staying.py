"""Stays that have begun, for the tests that are about them."""

from typing import Any
from uuid import UUID

import httpx

from tests.service.referral.world import Provider, World

ITEMS = ("family_reached", "money", "transport", "next_address", "documents")
DONE: dict[str, Any] = {"next_step": "family", "items": dict.fromkeys(ITEMS, "done")}
ENDS: dict[str, dict[str, Any]] = {
    "complete": {"outcome": "need_met"},
    "not-delivered": {"reason": "provider_unable"},
    "cancel": {"reason": "by_returnee"},
    "enter-in-error": {},
}
"""How a referral in service may end, with what is sent."""


async def staying(world: World, shelter: Provider | None = None, **profile: Any) -> tuple[UUID, Provider, str]:
    """A returnee whose stay has begun, the provider, and the path of the stay."""
    shelter = shelter or await world.provider(places=30, max_stay_hours=72)
    returnee = await world.person({}, **profile)
    await world.round()
    offer = await world.offer_of(returnee)
    partner = world.partner(shelter)
    for path in (f"offers/{offer['offer_id']}/accept", f"referrals/{offer['referral_id']}/start"):
        answer = await world.step(path, headers=partner)
        assert answer.status_code == 200, answer.text
    return returnee, shelter, f"referrals/{offer['referral_id']}/stay"


async def plan(
    world: World, path: str, body: dict[str, Any], *, headers: dict[str, str] | None = None, tag: str = ""
) -> httpx.Response:
    """Send the exit plan, on the version that is there if no other is named."""
    headers = dict(headers or world.staff())
    if not tag:
        tag = (await world.client.get(f"/v1/{path}", headers=headers)).headers["ETag"]
    return await world.client.put(f"/v1/{path}", json=body, headers={**headers, "If-Match": tag})


async def alarms(world: World, path: str) -> list[tuple[str, int]]:
    """The clocks of a stay that run, with the hours until they ring."""
    rows = await world.rows(
        "SELECT kind, nth, round(extract(epoch FROM due_at - started_at) / 3600)::int AS hours"
        " FROM timer JOIN stay ON referral_id = subject_id WHERE subject_id = $1 ORDER BY due_at",
        UUID(path.split("/")[1]),
    )
    return [(row["kind"], row["hours"]) for row in rows]
