"""The programs of the partner organisations. They learn about an offer, answer it, fetch the packet after acceptance,
start and complete. Each has its own token and sees only its own offers."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from deploy.demo.client import Caller, CallError
from deploy.demo.completing import decline_body, facts_of
from deploy.demo.habits import After, Answer, Verdict, answer_to, way_of
from deploy.demo.hands import Hands
from deploy.demo.loading import capacity_body
from deploy.demo.looking import Pool
from deploy.demo.notebook import Notebook, Stay
from deploy.packs.demo_data import Partners as Habits
from deploy.packs.directory import Organization, Service
from libs.chassis.clock import Timekeeper
from libs.events.codes import DeclineReason, Urgency

LOOK_EVERY_SECONDS: Final = 2.0
"""How often an organisation without a webhook asks for offers."""
NOT_YET: Final = frozenset({"packet-not-ready"})
CLOSED: Final = frozenset({403, 410})
"""Statuses of a closed packet: consent was withdrawn, or the referral was recalled after the acceptance."""
CONFLICT: Final = frozenset({409})
SAYS_FULL_AFTER_SECONDS: Final = 2.0
"""Seconds from a decline as full to the correct declaration. In this time, referral has closed the pool by itself."""
Keeps = Callable[[str, Mapping[str, Any]], bool]
"""True if the offer with this id and content must get no answer, because the demo will act on it."""


Looked = Callable[[], Awaitable[None]]
"""Returns when the ledger of places has been read after the call; at once if nobody reads it."""


async def nobody_looks() -> None:
    """Return at once."""


def keeps_none(offer_id: str, offer: Mapping[str, Any]) -> bool:
    """Keep no offer back: each organisation decides whether it answers."""
    return False


@dataclass(frozen=True)
class Urls:
    """The addresses of the services that a partner calls."""

    referral: str
    registration: str
    directory: str


@dataclass
class Tally:
    """Counts of what the partners did."""

    done: Counter[str] = field(default_factory=Counter)
    """By action: heard, acknowledged, answered, accepted, silent, packet, packet_closed, started, completed,
    not_delivered, late."""
    declined: Counter[str] = field(default_factory=Counter)
    """By coded reason."""
    forgotten: set[tuple[str, str]] = field(default_factory=set)
    """Needs, by case code and category, for which an organisation has not answered an offer."""
    failures: list[str] = field(default_factory=list)
    """Calls that failed although the partner was allowed to make them; none is expected."""


class Partner:
    """The program of one organisation."""

    def __init__(
        self, organization: Organization, *, caller: Caller, urls: Urls, tally: Tally, random: Random,
        hands: Hands, notebook: Notebook, clock: Timekeeper, habits: Habits, keeps: Keeps = keeps_none,
        looked: Looked = nobody_looks,
    ) -> None:  # fmt: skip
        self.organization = organization
        self._notebook, self._keeps, self._clock, self._looked = notebook, keeps, clock, looked
        self._habits = habits
        self.way = way_of(organization.slug, habits)
        self._caller, self._urls, self._tally, self._random, self._hands = caller, urls, tally, random, hands
        self._services = {str(service.id): service for service in organization.services}
        self._taken: Counter[str] = Counter()
        self._added: Counter[str] = Counter()
        """By service: the places that were declared beyond those of the directory."""
        self._heard: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def hear(self, offer_id: str, offer: Mapping[str, Any]) -> None:
        """Handle an offer once, even if it is received several times.

        It contains only a case code and codes about the need, in a webhook and in the list of offers.
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
        """Ask for offers at regular intervals, for an organisation without a webhook. Ends when cancelled."""
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
        """Complete referrals that an earlier run left open, until there are as many free places as are declared now."""
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
        """Wait until all received offers have been handled."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def stop(self) -> None:
        """Cancel all work that is not finished, for example after a failed run, and wait until it has ended: a request
        that is cancelled closes its connection only then."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

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
            service=service.slug, category=offer["category"],
            urgency=Urgency(offer["urgency"]), people_count=offer["people_count"], taken=self._taken[service.slug],
            was_forgotten=need in self._tally.forgotten, habits=self._habits, random=self._random,
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
        """Acknowledge (if the organisation does so), wait and answer; False if the offer had ended before."""
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
        """Declare additional places at a service, beyond those declared today."""
        self._taken[service.slug] -= places
        self._added[service.slug] += places
        body = capacity_body(service, added=self._added[service.slug])
        await self._caller.call("PUT", f"{self._urls.directory}/v1/services/{service.id}/capacity", body=body)

    async def deliver(self, referral_id: str) -> bool:
        """Start the accepted referral if necessary, and complete it; False if its state no longer allowed this."""
        if not await self.begin(referral_id):
            return False
        self._notebook.stays.pop(referral_id, None)
        return await self._complete(referral_id)

    async def begin(self, referral_id: str) -> bool:
        """Start the accepted referral if necessary; False if its state no longer allowed this."""
        stay = self._notebook.stays.get(referral_id)
        if stay is not None and stay.is_started:
            return True
        self._notebook.begun(referral_id)
        return await self._step(referral_id, "start")

    async def plan_exit(self, referral_id: str, next_step: str, **items: str) -> None:
        """Update the exit plan of a stay; items that are not named stay unchanged."""
        url = f"{self._urls.referral}/v1/referrals/{referral_id}/stay"
        seen = await self._caller.call("GET", url)
        standing = {item: one["status"] for item, one in seen.json()["items"].items()}
        plan = {"next_step": next_step, "items": standing | items}
        await self._caller.call("PUT", url, body=plan, headers={"If-Match": seen.headers["etag"]})

    async def see_off(self, referral_id: str, *, nights: int) -> bool:
        """Complete a stay after this number of nights; False if the referral's state no longer allowed this."""
        self._notebook.stays.pop(referral_id, None)
        return await self._complete(referral_id, known={"nights_stayed": nights})

    async def _declare_full(self, service: Service) -> None:
        """Declare that no place is free, after a decline as full; a declaration opens the closed pool again.

        It waits until the demo has read the ledger. Otherwise, on a busy machine, the demo would not see the closed
        pool.
        """
        await asyncio.sleep(SAYS_FULL_AFTER_SECONDS)
        await self._looked()
        body = capacity_body(service, added=self._added[service.slug])
        body["pools"] = [{**pool, "available": 0} for pool in body["pools"]]
        async with self._hands.working():
            url = f"{self._urls.directory}/v1/services/{service.id}/capacity"
            await self._caller.call("PUT", url, body=body, expect=CONFLICT)

    async def _serve(self, offer_id: str, referral_id: str, answer: Answer) -> None:
        """Fetch the packet about the person, and take the next steps that the answer provides for."""
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

    async def _complete(self, referral_id: str, *, known: Mapping[str, int] | None = None) -> bool:
        """Complete the referral with the facts that the completion must state."""
        facts = await facts_of(referral_id, self._caller, url=self._urls.referral, known=known)
        return await self._step(referral_id, "complete", {"outcome": "need_met", "facts": facts})

    async def _step(self, referral_id: str, step: str, body: dict[str, Any] | None = None) -> bool:
        """True if the step was taken; False if the referral's state no longer allowed it."""
        url = f"{self._urls.referral}/v1/referrals/{referral_id}/{step}"
        async with self._hands.working():
            return (await self._caller.call("POST", url, body=body, expect=CONFLICT)).is_success
