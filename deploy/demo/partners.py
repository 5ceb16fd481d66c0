"""Partner organisations as programs of their own: they hear of an offer, look at it, answer it, fetch the packet after
acceptance, start and complete. Each has its own token and sees nothing but its own offers."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from deploy.demo.client import Caller, CallError
from deploy.demo.completing import FACTS, decline_body, facts_of
from deploy.demo.habits import After, Answer, Verdict, answer_to
from deploy.demo.hands import Hands
from deploy.demo.loading import capacity_body
from deploy.demo.looking import Pool
from deploy.demo.notebook import Notebook, Stay
from deploy.packs.directory import Organization, Service
from libs.chassis.clock import Timekeeper
from libs.events.codes import DeclineReason, NeedCategory, Urgency

LOOK_EVERY_SECONDS: Final = 2.0
"""How often an organisation without a webhook looks for offers."""
NOT_YET: Final = frozenset({"packet-not-ready"})
CLOSED: Final = frozenset({403, 410})
"""The person allows it no longer, or the referral was recalled after the acceptance."""
CONFLICT: Final = frozenset({409})
SAYS_FULL_AFTER_SECONDS: Final = 2.0
"""From a decline for want of places to the true figures: meanwhile the network has closed the places by itself."""
Keeps = Callable[[str, Mapping[str, Any]], bool]
"""Whether this offer, by id and content, is to be left without an answer, because somebody is about to act on it."""


Looked = Callable[[], Awaitable[None]]
"""Returns when the ledger has been looked at since it was called, where anybody looks at all."""


async def nobody_looks() -> None:
    """Return at once."""


def keeps_none(offer_id: str, offer: Mapping[str, Any]) -> bool:
    """Every offer is answered or not as its organisation likes."""
    return False


@dataclass(frozen=True)
class Urls:
    """Where a partner calls."""

    referral: str
    registration: str
    directory: str


@dataclass
class Tally:
    """What the partners did, counted."""

    done: Counter[str] = field(default_factory=Counter)
    """By deed: heard, acknowledged, accepted, silent, packet, started, completed, not_delivered, late."""
    declined: Counter[str] = field(default_factory=Counter)
    """By coded reason."""
    forgotten: set[tuple[str, str]] = field(default_factory=set)
    """Needs, by case code and category, that some organisation has left without an answer."""
    failures: list[str] = field(default_factory=list)
    """Calls that a partner had every right to and that failed all the same; none is expected."""


class Partner:
    """One organisation's program."""

    def __init__(
        self, organization: Organization, *, caller: Caller, urls: Urls, tally: Tally, random: Random,
        hands: Hands, notebook: Notebook, clock: Timekeeper, keeps: Keeps = keeps_none, looked: Looked = nobody_looks,
    ) -> None:  # fmt: skip
        self.organization = organization
        self._notebook, self._keeps, self._clock, self._looked = notebook, keeps, clock, looked
        self._caller, self._urls, self._tally, self._random, self._hands = caller, urls, tally, random, hands
        self._services = {str(service.id): service for service in organization.services}
        self._taken: Counter[str] = Counter()
        self._heard: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def hear(self, offer_id: str, offer: Mapping[str, Any]) -> None:
        """Take note of an offer, once however often it is told, and answer it in time.

        A case code and codes of need are all that it says, in a webhook as in the list of offers.
        """
        if offer_id in self._heard:
            return
        self._heard.add(offer_id)
        since_made = self._clock.at(datetime.now(UTC)) - datetime.fromisoformat(offer["made_at"])
        self._hands.heard(after_s=since_made.total_seconds() / self._clock.rate)
        self._tally.done["heard"] += 1
        task = asyncio.create_task(self._handle(offer_id, offer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def look(self) -> None:
        """Look for offers again and again, for an organisation without a webhook. Ends when cancelled."""
        while True:
            try:
                async for offer in self.offers(status="pending"):
                    self.hear(offer["id"], offer)
            except CallError as error:
                self._tally.failures.append(str(error))
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def offers(self, **query: Any) -> AsyncIterator[dict[str, Any]]:
        """The organisation's own offers, page by page."""
        asked: dict[str, Any] = {"limit": 200, **query}
        while True:
            page = await self._caller.get(f"{self._urls.referral}/v1/offers", **asked)
            for offer in page["items"]:
                yield offer
            if page["next"] is None:
                return
            asked["after"] = page["next"]

    async def make_room(self, pools: Mapping[str, Pool]) -> None:
        """Complete so much of what an earlier run left accepted or in service as the places declared today ask for."""
        for service in self.organization.services:
            lacking = sum(
                max(0, declared.available - pools[pool_id].left_of(declared.maximum))
                for declared in service.pools
                if (pool_id := str(service.pool_id(declared.kind))) in pools
            )
            if lacking > 0:
                await self._finish(str(service.id), people_count=lacking)

    async def _finish(self, provider_service_id: str, *, people_count: int) -> None:
        for referral_id, stay in self._notebook.at(provider_service_id).items():
            if people_count <= 0:
                return
            if stay.is_started or await self._step(referral_id, "start"):
                await self._complete(referral_id)
            del self._notebook.stays[referral_id]
            people_count -= stay.people_count

    async def rest(self) -> None:
        """Wait until nothing that was heard is still being answered."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def stop(self) -> None:
        """Leave everything as it is; for a run that has failed."""
        for task in self._tasks:
            task.cancel()

    async def _handle(self, offer_id: str, offer: Mapping[str, Any]) -> None:
        try:
            await self._answer(offer_id, offer)
        except CallError as error:
            self._tally.failures.append(str(error))

    async def _answer(self, offer_id: str, offer: Mapping[str, Any]) -> None:
        if self._keeps(offer_id, offer):
            return
        service = self._services[offer["provider_service_id"]]
        need = offer["case_code"], offer["category"]
        answer = answer_to(
            service=service.slug, category=NeedCategory(offer["category"]),
            urgency=Urgency(offer["urgency"]), people_count=offer["people_count"], taken=self._taken[service.slug],
            was_forgotten=need in self._tally.forgotten, random=self._random,
        )  # fmt: skip
        if answer.verdict is Verdict.SILENCE:
            self._tally.done["silent"] += 1
            self._tally.forgotten.add(need)
            return
        async with self._hands.answering():
            if await self._say(offer_id, offer, answer):
                self._tally.done["answered"] += 1
            else:
                self._tally.done["late"] += 1
                return
        if answer.verdict is Verdict.ACCEPT:
            self._tally.done["accepted"] += 1
            self._notebook.stays[offer["referral_id"]] = Stay(str(service.id), offer["people_count"], is_started=False)
            await self._serve(offer_id, offer["referral_id"], answer)
        elif answer.reason is not None:
            self._tally.declined[answer.reason.value] += 1
            if answer.reason is DeclineReason.FULL:
                await self._declare_full(service)

    async def _say(self, offer_id: str, offer: Mapping[str, Any], answer: Answer) -> bool:
        """Acknowledge and think, if it does, and answer; False if the offer's clock or the network was faster."""
        if self._clock.at(datetime.now(UTC)) > datetime.fromisoformat(offer["answer_by"]):
            return False
        if answer.acknowledges:
            if not await self._offer_step(offer_id, "acknowledge"):
                return False
            self._tally.done["acknowledged"] += 1
            await asyncio.sleep(answer.think_s)
        if answer.verdict is Verdict.ACCEPT:
            slug = self._services[offer["provider_service_id"]].slug
            self._taken[slug] += offer["people_count"]
            if await self._offer_step(offer_id, "accept"):
                return True
            self._taken[slug] -= offer["people_count"]
            return False
        assert answer.reason is not None
        return await self._offer_step(offer_id, "decline", decline_body(answer.reason))

    async def declare_more(self, service: Service, places: int) -> None:
        """Places have appeared at a service, beyond what it declared today."""
        self._taken[service.slug] -= places
        body = capacity_body(service)
        for pool in body["pools"]:
            pool["maximum"] += places
            pool["available"] += places
        await self._caller.call("PUT", f"{self._urls.directory}/v1/services/{service.id}/capacity", body=body)

    async def deliver(self, referral_id: str) -> bool:
        """Start, if it has not, and complete what was accepted; False if the referral had gone on without it."""
        if not await self.begin(referral_id):
            return False
        self._notebook.stays.pop(referral_id, None)
        return await self._complete(referral_id)

    async def begin(self, referral_id: str) -> bool:
        """Start what was accepted, if it has not; False if the referral had gone on without it."""
        stay = self._notebook.stays.get(referral_id)
        if stay is not None and stay.is_started:
            return True
        self._notebook.begun(referral_id)
        return await self._step(referral_id, "start")

    async def plan_exit(self, referral_id: str, next_step: str, **items: str) -> None:
        """Say what is known now of where somebody goes from a stay; items that are not named stay as they are."""
        url = f"{self._urls.referral}/v1/referrals/{referral_id}/stay"
        seen = await self._caller.call("GET", url)
        standing = {item: one["status"] for item, one in seen.json()["items"].items()}
        plan = {"next_step": next_step, "items": standing | items}
        await self._caller.call("PUT", url, body=plan, headers={"If-Match": seen.headers["etag"]})

    async def see_off(self, referral_id: str, *, nights: int) -> bool:
        """Somebody has left after so many nights, and the need is met; False if the referral had gone on without it."""
        self._notebook.stays.pop(referral_id, None)
        return await self._complete(referral_id, known={**FACTS, "nights_stayed": nights})

    async def _declare_full(self, service: Service) -> None:
        """Its figures were wrong, and the network has been told so: say the truth, which opens the places again.

        Not before the ledger was looked at: on a busy machine nobody would see that the places had been closed.
        """
        await asyncio.sleep(SAYS_FULL_AFTER_SECONDS)
        await self._looked()
        body = capacity_body(service)
        body["pools"] = [{**pool, "available": 0} for pool in body["pools"]]
        async with self._hands.working():
            url = f"{self._urls.directory}/v1/services/{service.id}/capacity"
            await self._caller.call("PUT", url, body=body, expect=CONFLICT)

    async def _serve(self, offer_id: str, referral_id: str, answer: Answer) -> None:
        """Fetch what the service needs to know of the person, and do the work as far as the demo goes."""
        async with self._hands.working():
            packet = await self._caller.call(
                "GET", f"{self._urls.registration}/v1/packets/{offer_id}", again_on=NOT_YET, expect=CLOSED
            )
        self._tally.done["packet" if packet.is_success else "packet_closed"] += 1
        if answer.after is After.NOTHING:
            return
        if await self._step(referral_id, "start"):
            self._tally.done["started"] += 1
            self._notebook.begun(referral_id)
        await asyncio.sleep(answer.think_s)
        if answer.after is After.COMPLETE and await self._complete(referral_id):
            self._tally.done["completed"] += 1
            self._notebook.stays.pop(referral_id, None)
        if answer.after is After.NOT_DELIVERED and await self._step(
            referral_id, "not-delivered", {"reason": "person_not_found"}
        ):
            self._tally.done["not_delivered"] += 1
            self._notebook.stays.pop(referral_id, None)

    async def _offer_step(self, offer_id: str, step: str, body: dict[str, Any] | None = None) -> bool:
        url = f"{self._urls.referral}/v1/offers/{offer_id}/{step}"
        return (await self._caller.call("POST", url, body=body, expect=CONFLICT)).is_success

    async def _complete(self, referral_id: str, *, known: Mapping[str, bool | int] = FACTS) -> bool:
        """Say that the need is met, with the facts that the service's type has to state."""
        facts = await facts_of(referral_id, self._caller, url=self._urls.referral, known=known)
        return await self._step(referral_id, "complete", {"outcome": "need_met", "facts": facts})

    async def _step(self, referral_id: str, step: str, body: dict[str, Any] | None = None) -> bool:
        """True if it was done; False if the referral had gone on without it."""
        url = f"{self._urls.referral}/v1/referrals/{referral_id}/{step}"
        async with self._hands.working():
            return (await self._caller.call("POST", url, body=body, expect=CONFLICT)).is_success
