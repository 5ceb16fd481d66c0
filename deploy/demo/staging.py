"""Events that the demo causes on purpose through the public APIs, so that one flight shows every scene."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any, Final

from deploy.demo.acts import Staged, blocked_by_documents
from deploy.demo.client import Caller
from deploy.demo.looking import pages
from deploy.demo.needs import Told
from deploy.demo.outcomes import Journey, needs_of
from deploy.demo.partners import Partner
from deploy.packs.directory import Directory
from libs.events.codes import ConsentPurpose, NeedCategory

PLACES_MORE: Final = 6
"""The number of places that a service with a queue declares in addition."""
WITHDRAWING: Final = 2
"""The number of people who withdraw consent. On a busy machine, the offer of one may expire before the withdrawal."""
WITHIN_SECONDS: Final = 120.0
ADULT: Final = {"group": "adult", "basis": "staff_judgement"}
ALREADY: Final = frozenset({409})
WAITLISTED: Final = "waitlisted"
ON_THE_WAY: Final = frozenset({"seeking", "offered"})
"""Statuses of a referral for which a provider is sought, or has an offer."""


class Staging:
    """Keeps some offers unanswered, withdraws consents, reads the ledger of places, and causes more places."""

    def __init__(
        self, directory: Directory, *, referral: str, registration: str, steward: Caller, now: Callable[[], datetime],
        withdrawals: Collection[NeedCategory],
    ) -> None:  # fmt: skip
        self.staged = Staged()
        self._directory, self._referral, self._registration = directory, referral, registration
        self._steward, self._now, self._withdrawals = steward, now, withdrawals
        self._returnees: dict[str, str] = {}
        self.households: defaultdict[str, set[str]] = defaultdict(set)
        """By household: the returnees of the flight who belong to it."""
        self._adults_without_age: set[str] = set()
        self._kept: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._withdrawing: set[str] = set()
        self._looks_begun = self._looks_ended = 0
        self._is_looking = False

    def met(self, told: Told, view: Mapping[str, Any]) -> None:
        """Record a person of the flight who has been registered."""
        if view["household_id"] is not None:
            self.households[view["household_id"]].add(view["id"])
        if not told.person.is_child and told.person.birth_date is None:
            self._adults_without_age.add(view["id"])
        elif told.consents_to_referral and not told.person.is_child and told.person.household is None:
            self._returnees[view["case_code"]] = view["id"]

    def keeps(self, offer_id: str, offer: Mapping[str, Any]) -> bool:
        """True for the few offers that no partner must answer, because the person will withdraw consent."""
        code = offer["case_code"]
        if len(self._withdrawing) >= WITHDRAWING or offer["category"] not in self._withdrawals:
            return False
        if code in self._withdrawing or code not in self._returnees:
            return False
        self._withdrawing.add(code)
        self._kept.put_nowait((offer_id, self._returnees[code]))
        return True

    async def withdraw(self, reception: Caller) -> None:
        """Withdraw the consents of the people whose offers are kept unanswered. Ends when cancelled."""
        while True:
            offer_id, returnee_id = await self._kept.get()
            url = f"{self._registration}/v1/returnees/{returnee_id}/consents"
            for consent in await reception.get(url):
                if consent["purpose"] == ConsentPurpose.REFERRAL.value:
                    self.staged.withdrawn[offer_id] = self._now()
                    await reception.call("POST", f"{url}/{consent['id']}/withdraw", expect=ALREADY)

    async def look_for_closed(self) -> None:
        """Read the ledger of places regularly, and record the services whose pools are closed. Ends when cancelled."""
        self._is_looking = True
        try:
            while True:
                self._looks_begun += 1
                for pool in await pages(self._steward, f"{self._referral}/v1/places"):
                    if pool["closed"]:
                        self.staged.closed_pools.setdefault(pool["provider_service_id"], self._now())
                self._looks_ended += 1
                await asyncio.sleep(0.7)
        finally:
            self._is_looking = False

    async def looked(self) -> None:
        """Return when the ledger has been read once more after this call; at once if nobody reads it."""
        wanted = self._looks_begun + 1
        while self._is_looking and self._looks_ended < wanted:  # noqa: ASYNC110 - another task looks
            await asyncio.sleep(0.1)

    async def serve_the_queue(self, journeys: Sequence[Journey], partners: Mapping[str, Partner]) -> None:
        """Let a service for which people of this run wait in the queue declare more places, until one of them is
        accepted.

        People of earlier runs can be before them in the queue. If the provider declines all offers or does not answer,
        the next service declares more places.
        """
        services = {str(service.id): (organization, service) for organization in self._directory.organizations
                    for service in organization.services}  # fmt: skip
        own = {need["id"] for _, need in needs_of(journeys)}
        tried: set[str] = set()
        is_served = False
        while not is_served:
            queues = queues_of(await pages(self._steward, f"{self._referral}/v1/waitlists"))
            chosen = next_to_serve(queues, own, closed=self.staged.closed_pools.keys(), tried=tried)
            if chosen is None:
                return
            tried.add(chosen)
            places = PLACES_MORE + places_before(queues[chosen], own)
            theirs = [entry for entry in queues[chosen] if entry["need_id"] in own]
            self.staged.served_from_queue = {entry["need_id"] for entry in theirs}
            self.staged.declared = chosen, places, self._now()
            organization, service = services[chosen]
            await partners[organization.slug].declare_more(service, places)
            is_served = await self._accepted_from([entry["referral_id"] for entry in theirs])

    async def _accepted_from(self, referral_ids: Sequence[str]) -> bool:
        """True when one of these referrals is accepted; False if others got the places, all were declined, or nothing
        changes for WITHIN_SECONDS.

        It waits while one of them is seeking or offered, or while all are still in the queue.
        """
        seen: list[str] = []
        try:
            async with asyncio.timeout(WITHIN_SECONDS) as waiting:
                while True:
                    found = [await self._steward.get(f"{self._referral}/v1/referrals/{id_}") for id_ in referral_ids]
                    if seen != (seen := [one["status"] for one in found]):
                        waiting.reschedule(asyncio.get_running_loop().time() + WITHIN_SECONDS)
                    if any(
                        one["offer_id"] is not None and one["status"] not in {WAITLISTED, *ON_THE_WAY} for one in found
                    ):
                        return True
                    if not ON_THE_WAY & set(seen) and set(seen) != {WAITLISTED}:
                        return False
                    await asyncio.sleep(0.3)
        except TimeoutError:
            return False

    async def decide_ages(self, desk: Caller) -> None:
        """Let the desk for children decide that the people without a known age are adults, and wait until referral
        routes their needs."""
        for returnee_id in sorted(self._adults_without_age):
            waiting = await self._under_review(returnee_id)
            reviews = [one for one in await pages(desk, f"{self._referral}/v1/reviews", status="pending")
                       if one["referral_id"] in waiting]  # fmt: skip
            if reviews:
                self.staged.decided.add(returnee_id)
                await desk.call("POST", f"{self._referral}/v1/reviews/{reviews[0]['id']}/decide-age", body=ADULT)
                async with asyncio.timeout(WITHIN_SECONDS):
                    while await self._under_review(returnee_id):  # noqa: ASYNC110 - another process routes
                        await asyncio.sleep(0.3)

    async def _under_review(self, returnee_id: str) -> set[str]:
        journey = await self._steward.get(f"{self._referral}/v1/returnees/{returnee_id}/journey")
        return {one["id"] for one in journey["referrals"] if one["status"] == "awaiting_review"}

    async def make_a_document(self, journeys: Sequence[Journey], partners: Mapping[str, Partner]) -> None:
        """Let the office that has accepted a need for documents complete it, if another need waits for it."""
        by_service = {str(service.id): organization.slug for organization in self._directory.organizations
                      for service in organization.services}  # fmt: skip
        for _, offer in blocked_by_documents(journeys):
            if await partners[by_service[offer["provider_service_id"]]].deliver(offer["referral_id"]):
                return


Entry = Mapping[str, Any]


def queues_of(waiting: Sequence[Entry]) -> dict[str, list[Entry]]:
    """The queue of each service, in the order in which places are given."""
    queues: dict[str, list[Entry]] = defaultdict(list)
    for entry in sorted(waiting, key=lambda one: (one["urgency_rank"], one["waiting_since"])):
        for service in entry["provider_service_ids"]:
            queues[service].append(entry)
    return queues


def next_to_serve(
    queues: Mapping[str, Sequence[Entry]], own: Collection[str], *, closed: Collection[str], tried: Collection[str]
) -> str | None:
    """The service at which the fewest places are needed before somebody of this run gets one; None if there is none.

    Among equal services, one whose pool was closed comes first.
    """
    wanted = [
        service
        for service, queue in queues.items()
        if service not in tried and any(entry["need_id"] in own for entry in queue)
    ]
    by_place = {service: (places_before(queues[service], own), service not in closed, service) for service in wanted}
    return min(wanted, key=by_place.__getitem__, default=None)


def places_before(queue: Sequence[Entry], own: Collection[str]) -> int:
    """The number of places for the people in the queue before the first person of this run."""
    return sum(entry["people_count"] for entry in takewhile(lambda entry: entry["need_id"] not in own, queue))
