"""What the demo looks up after the fact, through the public APIs: journeys, places, explanations, invariants."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from deploy.demo.client import Caller

AT_ONCE: Final = 12


@dataclass(frozen=True, slots=True)
class Pool:
    """Places of one kind at one service, as the ledger has them."""

    pool_id: str
    provider_service_id: str
    maximum: int
    held: int
    taken: int

    def left_of(self, maximum: int) -> int:
        """Places that nobody holds or has taken, once this maximum is declared: an earlier run may have declared more.

        Below 0 where more are in use.
        """
        return min(self.maximum, maximum) - self.held - self.taken

    @property
    def is_over(self) -> bool:
        """True if more is promised than there is."""
        return self.held + self.taken > self.maximum


async def pages(caller: Caller, url: str, **query: Any) -> list[dict[str, Any]]:
    """Every item of a list."""
    items: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"limit": 200, **query}
    while True:
        page = await caller.get(url, **asked)
        items += page["items"]
        if page["next"] is None:
            return items
        asked["after"] = page["next"]


async def pools(caller: Caller, *, url: str) -> dict[str, Pool]:
    """The whole ledger by pool."""
    return {
        item["pool_id"]: Pool(
            item["pool_id"], item["provider_service_id"], item["maximum"], item["held"], item["taken"]
        )
        for item in await pages(caller, f"{url}/v1/places")
    }


async def journeys(caller: Caller, returnee_ids: Iterable[str], *, url: str) -> list[dict[str, Any]]:
    """The journeys of these people, nested; one that referral has not heard of yet is left out."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(returnee_id: str) -> dict[str, Any] | None:
        async with turn:
            found = await caller.call("GET", f"{url}/v1/returnees/{returnee_id}/journey", expect=frozenset({404}))
        return found.json() if found.is_success else None

    found = await asyncio.gather(*map(one, returnee_ids))
    return [nested(journey) for journey in found if journey is not None]


async def are_offers_waiting(caller: Caller, *, url: str) -> bool:
    """True if any offer waits for its answer."""
    for status in ("pending", "acknowledged"):
        if (await caller.get(f"{url}/v1/offers", status=status, limit=1))["items"]:
            return True
    return False


def nested(journey: Mapping[str, Any]) -> dict[str, Any]:
    """A journey with its offers inside their referrals and its referrals inside their needs."""
    referrals = [
        {**referral, "offers": [offer for offer in journey["offers"] if offer["referral_id"] == referral["id"]]}
        for referral in journey["referrals"]
    ]
    needs = [
        {**need, "referrals": [referral for referral in referrals if referral["need_id"] == need["id"]]}
        for need in journey["needs"]
    ]
    return {
        "returnee_id": journey["returnee_id"],
        "case_code": journey["case_code"],
        "trace_id": journey["trace_id"],
        "needs": needs,
        "steps": journey["steps"],
    }


def is_settled(found: Sequence[Mapping[str, Any]], *, needs_count: int) -> bool:
    """True if referral knows all needs and has nothing left to do for them by itself."""
    needs = [need for journey in found for need in journey["needs"]]
    return len(needs) >= needs_count and all(map(is_need_settled, needs))


def settled_count(found: Iterable[Mapping[str, Any]]) -> int:
    """How many needs are settled."""
    return sum(is_need_settled(need) for journey in found for need in journey["needs"])


def is_need_settled(need: Mapping[str, Any]) -> bool:
    """True if no offer waits for its answer and the router is done: with nobody left to ask, a desk owns the need."""
    states = {referral["status"] for referral in need["referrals"]}
    return "offered" not in states and ("seeking" not in states or need["owner"] is not None)
