"""A scene at the data protection officer: a person asks to be erased, and each service is asked what is left."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from deploy.demo.acts import Act
from deploy.demo.client import Caller
from deploy.demo.looking import journeys
from deploy.demo.outcomes import Journey, needs_of
from deploy.demo.world import Callers, World
from deploy.packs.directory import Directory

TITLE: Final = "Erased on request: name, packet and referral are gone, the provider is told to delete and answers"
WITHIN_SECONDS: Final = 60.0
LIVE: Final = frozenset({"accepted", "in_service"})
CLOSED: Final = frozenset({403, 404, 409, 410})
GONE: Final = frozenset({404, 410})
TRIED_MOST: Final = 40


@dataclass
class Erased:
    """What was seen before and after the erasure."""

    case_code: str
    category: str
    provider: str
    status: int = 0
    """The status with which registration answers a request for the person."""
    packet: int = 0
    """The status with which it answers the provider's request for the packet."""
    is_found: bool = True
    journey: Mapping[str, Any] = field(default_factory=dict)
    told: bool = False
    """True if the provider has found the request to delete in its inbox."""
    answer: str | None = None
    actions: Sequence[str] = ()
    """What is left in the record of access."""


class Erasing:
    """Erases one person who has a provider, with the rights of the officer, and asks the others."""

    def __init__(self, world: World, callers: Callers, directory: Directory, *, officer: Caller, steward: Caller):
        self._registration = f"{world.url('REGISTRATION')}/v1"
        self._notifications, self._referral = f"{world.url('NOTIFICATIONS')}/v1", world.url("REFERRAL")
        self._callers, self._officer, self._steward = callers, officer, steward
        self._slugs = {str(one.id): one.slug for one in directory.organizations}
        self._names = {str(one.id): one.name for one in directory.organizations}

    async def erase_one(self, found: Sequence[Journey], *, but: Collection[str]) -> Erased | None:
        """Erase the first person whose provider can read their name in a packet; None if there is nobody."""
        tried = 0
        for returnee_id, need_id, offer in served(found, but=but):
            tried += 1
            if tried > TRIED_MOST:
                break
            provider = self._callers.of(self._slugs[offer["organization_id"]])
            person = await self._officer.get(f"{self._registration}/returnees/{returnee_id}")
            packet = await provider.call("GET", self._packet(offer), expect=CLOSED)
            if not packet.is_success or person["household_id"] or person["identity"]["given_names"] not in packet.text:
                continue
            if not await self._finds(person) or await self._need(returnee_id, need_id) is None:
                continue
            return await self._erase(person, need_id, offer, provider)
        return None

    async def _erase(
        self, person: Mapping[str, Any], need_id: str, offer: Mapping[str, Any], provider: Caller
    ) -> Erased:
        path = f"{self._registration}/returnees/{person['id']}"
        await self._officer.post(f"{path}/erasure")
        seen = Erased(person["case_code"], offer["category"], self._names[offer["organization_id"]])
        seen.status = (await self._officer.call("GET", path, expect=GONE)).status_code
        seen.packet = (await provider.call("GET", self._packet(offer), expect=CLOSED)).status_code
        seen.is_found = await self._finds(person)
        seen.told = bool(await eventually(lambda: self._is_told(provider, offer)))
        await provider.post(f"{self._packet(offer)}/deletion", {"answer": "deleted"})
        requests = (await self._officer.get(f"{self._registration}/deletion-requests", returnee_id=person["id"]))[
            "items"
        ]
        seen.answer = next((one["answer"] for one in requests if one["offer_id"] == offer["id"]), None)
        seen.journey = await eventually(lambda: self._forgotten(person["id"], need_id)) or {}
        seen.actions = [one["action"] for one in (await self._officer.get(f"{path}/access-log", limit=200))["items"]]
        return seen

    def _packet(self, offer: Mapping[str, Any]) -> str:
        return f"{self._registration}/packets/{offer['id']}"

    async def _finds(self, person: Mapping[str, Any]) -> bool:
        """Whether a search for the name, and for the birth date if it is known, finds this record."""
        identity = person["identity"]
        terms = {"names": f"{identity['given_names']} {identity['family_names']}", "birth_date": identity["birth_date"]}
        answer = await self._officer.call(
            "POST", f"{self._registration}/returnees/search", body=terms, query={"limit": 200}
        )
        return person["id"] in {one["id"] for one in answer.json()["items"]}

    async def _need(self, returnee_id: str, need_id: str) -> Mapping[str, Any] | None:
        """The need as referral knows it now, if somebody serves it."""
        (journey,) = await journeys(self._steward, [returnee_id], url=self._referral)
        for _, need in needs_of([journey]):
            if need["id"] == need_id and LIVE & {one["status"] for one in need["referrals"]}:
                return need
        return None

    async def _is_told(self, provider: Caller, offer: Mapping[str, Any]) -> bool:
        """Whether the request to delete is in the provider's inbox."""
        query: dict[str, Any] = {"limit": 200}
        while True:
            page = await provider.get(f"{self._notifications}/inbox", **query)
            for one in page["items"]:
                if one["type"] == "packet.deletion-requested.v1" and one["data"]["offer_id"] == offer["id"]:
                    return True
            if not page["more"]:
                return False
            query["after"] = page["next"]

    async def _forgotten(self, returnee_id: str, need_id: str) -> Mapping[str, Any] | None:
        """The need in referral, once referral has heard of the erasure."""
        (journey,) = await journeys(self._steward, [returnee_id], url=self._referral)
        if journey["case_code"] is not None:
            return None
        found: Mapping[str, Any] = next(need for need in journey["needs"] if need["id"] == need_id)
        return found


async def eventually(look: Callable[[], Awaitable[Any]]) -> Any:
    """What `look` gives as soon as it is true, or the last value after WITHIN_SECONDS."""
    until = time.monotonic() + WITHIN_SECONDS
    while True:
        seen = await look()
        if seen or time.monotonic() > until:
            return seen
        await asyncio.sleep(0.2)


def served(found: Sequence[Journey], *, but: Collection[str]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Returnee, need and accepted offer of those whom a provider serves."""
    for journey, need in needs_of(found):
        if journey["returnee_id"] in but:
            continue
        for referral in need["referrals"]:
            for offer in referral["offers"]:
                if referral["status"] in LIVE and offer["status"] == "accepted":
                    yield journey["returnee_id"], need["id"], offer


def erased_act(seen: Erased | None) -> Act:
    """What happened, line by line; an act without lines if anything is left that should be gone."""
    if seen is None or seen.status != 410 or seen.packet not in GONE or seen.is_found or not seen.told:
        return Act(TITLE)
    ends = [one["status"] for one in seen.journey.get("referrals", [])]
    if seen.answer != "deleted" or seen.journey.get("status") != "closed" or LIVE & set(ends):
        return Act(TITLE)
    if not {"returnee.erase", "packet.read"} <= set(seen.actions):
        return Act(TITLE)
    return Act(TITLE, (
        f"{seen.case_code}, {seen.category}: {seen.provider} serves this person and can read the name in a packet",
        "the data protection officer erases the person: the key of this person is destroyed",
        f"registration: the person is gone ({seen.status}), the packet too ({seen.packet}); a search for the name "
        "finds nobody",
        f"referral: the need is closed, its referrals: {', '.join(ends)}; it knows no case code and no profile now",
        f"notifications: {seen.provider} finds the request to delete in its inbox, and answers: {seen.answer}",
        f"the record of access stays: {len(seen.actions)} entries",
    ))  # fmt: skip
