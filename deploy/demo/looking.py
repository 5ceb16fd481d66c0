"""Reads results through the public APIs: journeys, places and waiting offers."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from deploy.demo.client import Caller

AT_ONCE: Final = 12


@dataclass(frozen=True, slots=True)
class Pool:
    """Places of one kind at one service, as the ledger of places records them."""

    pool_id: str
    provider_service_id: str
    maximum: int
    held: int
    taken: int

    def left_of(self, maximum: int) -> int:
        """The free places if this maximum is declared; below 0 if more are in use.

        The ledger's own maximum counts if it is lower. An earlier run may have declared a higher maximum.
        """
        return min(self.maximum, maximum) - self.held - self.taken

    @property
    def is_over(self) -> bool:
        """True if more places are held and taken than the maximum."""
        return self.held + self.taken > self.maximum


async def pages(caller: Caller, url: str, **query: Any) -> list[dict[str, Any]]:
    """All items of a list, read page by page."""
    items: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"limit": 200, **query}
    while True:
        page = await caller.get(url, **asked)
        items += page["items"]
        if page["next"] is None:
            return items
        asked["after"] = page["next"]


async def pools(caller: Caller, *, url: str) -> dict[str, Pool]:
    """All pools of the ledger of places by id."""
    return {
        item["pool_id"]: Pool(
            item["pool_id"], item["provider_service_id"], item["maximum"], item["held"], item["taken"]
        )
        for item in await pages(caller, f"{url}/v1/places")
    }


async def journeys(caller: Caller, returnee_ids: Iterable[str], *, url: str) -> list[dict[str, Any]]:
    """The journeys of these people, nested. People whom referral does not know yet are left out."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(returnee_id: str) -> dict[str, Any] | None:
        async with turn:
            found = await caller.call("GET", f"{url}/v1/returnees/{returnee_id}/journey", expect=frozenset({404}))
        return found.json() if found.is_success else None

    found = await asyncio.gather(*map(one, returnee_ids))
    return [nested(journey) for journey in found if journey is not None]


async def are_offers_waiting(caller: Caller, *, url: str) -> bool:
    """True if any offer still waits for an answer."""
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
    """True if referral knows all needs and they are all settled."""
    needs = [need for journey in found for need in journey["needs"]]
    return len(needs) >= needs_count and all(map(is_need_settled, needs))


def settled_count(found: Iterable[Mapping[str, Any]]) -> int:
    """How many needs are settled."""
    return sum(is_need_settled(need) for journey in found for need in journey["needs"])


def is_need_settled(need: Mapping[str, Any]) -> bool:
    """True if no offer for the need waits for an answer, and the router does not seek a provider for it.

    If the router still seeks one but no candidate is left, a desk owns the need; this counts as settled.
    """
    states = {referral["status"] for referral in need["referrals"]}
    return "offered" not in states and ("seeking" not in states or need["owner"] is not None)
