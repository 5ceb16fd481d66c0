"""The directory's organisations in one program: each gets its offers by webhook and acts with its own token."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from deploy.demo.client import CallError
from deploy.demo.completing import Facts, decline_body, facts_to_state
from deploy.demo.hands import Hands
from deploy.demo.loading import capacity_body, in_turns
from deploy.demo.receiver import OFFER_MADE, Receiver
from deploy.demo.world import Callers, World
from deploy.packs.demo_data import Work
from deploy.packs.directory import Directory, Organization, Service
from deploy.simulate.conduct import Conduct, Ending, Verdict, conduct_of
from deploy.simulate.people import People
from deploy.simulate.plan import declared
from deploy.simulate.tally import Tally
from deploy.simulate.timing import Timepiece
from libs.events.codes import DeclineReason, NeedCategory

NOT_YET: Final = frozenset({"packet-not-ready"})
GONE_ON: Final = frozenset({404, 409})
"""The statuses of a step that is no longer possible, because a deadline, the returnee or a desk was faster."""
NO_CONSENT: Final = frozenset({403, 404, 410})
DECLARES_AT: Final = timedelta(hours=6)


@dataclass
class Providers:
    """All partner organisations. Call `start` first, `hear` for each offer, and `stop` at the end."""

    world: World
    directory: Directory
    work_of: Callable[[NeedCategory], Work]
    """How long the work of each category takes, and its sector."""
    callers: Callers
    people: People
    timepiece: Timepiece
    tally: Tally
    hands: Hands
    seed: int
    share: float
    _attempts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _heard: set[str] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _facts: dict[str, Any] = field(default_factory=dict)
    """The facts that completions must state, as referral lists them."""
    _services: dict[str, tuple[Organization, Service]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._services = {
            str(service.id): (organization, service)
            for organization in self.directory.organizations
            for service in organization.services
        }

    async def start(self, receiver: Receiver) -> None:
        """Register every organisation's webhook and declare the first day's places."""
        await in_turns(self._listen(organization, receiver) for organization in self.directory.organizations)
        await self.declare()
        anybody = self.callers.of(self.directory.organizations[0].slug)
        found = await anybody.get(f"{self.world.url('REFERRAL')}/v1/referrals/completion-facts")
        self._facts = found

    async def declare_daily(self) -> None:
        """Declare the day's places every morning. Ends when cancelled."""
        morning = self.timepiece.midnight + DECLARES_AT
        while True:
            while morning <= self.timepiece.now():
                morning += timedelta(days=1)
            await self.timepiece.until(morning)
            await self.declare()

    async def declare(self) -> None:
        """Declare the places of every service."""
        await in_turns(self._declare(*one) for one in self._services.values())
        self.tally.done["capacity declarations"] += len(self._services)

    def hear(self, offer_id: str, offer: Mapping[str, Any]) -> None:
        """Handle an offer once, even if it is received several times."""
        if offer_id in self._heard:
            return
        self._heard.add(offer_id)
        made_at = datetime.fromisoformat(offer["made_at"])
        self.hands.heard(after_s=(self.timepiece.now() - made_at).total_seconds() / self.timepiece.clock.rate)
        task = asyncio.create_task(self._handle(offer_id, offer, made_at=made_at))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Cancel all work that is not finished."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self, organization: Organization, receiver: Receiver) -> None:
        caller = self.callers.of(organization.slug)
        body = {"url": receiver.url(organization.slug), "event_types": [OFFER_MADE]}
        made = await caller.post(f"{self.world.url('NOTIFICATIONS')}/v1/endpoints", body)
        receiver.expect(organization.slug, made["secret"])

    async def _declare(self, organization: Organization, service: Service) -> None:
        body = capacity_body(service)
        for pool in body["pools"]:
            pool["maximum"] = declared(pool["maximum"], share=self.share)
            pool["available"] = min(pool["maximum"], declared(pool["available"], share=self.share))
        url = f"{self.world.url('DIRECTORY')}/v1/services/{service.id}/capacity"
        async with self.hands.working():
            await self.callers.of(organization.slug).call("PUT", url, body=body)

    async def _handle(self, offer_id: str, offer: Mapping[str, Any], *, made_at: datetime) -> None:
        try:
            await self._answer(offer_id, offer, made_at=made_at)
        except (CallError, TimeoutError) as error:
            self.tally.fail(error)

    async def _answer(self, offer_id: str, offer: Mapping[str, Any], *, made_at: datetime) -> None:
        _, service = self._services[offer["provider_service_id"]]
        person = await self.people.known(offer["case_code"])
        key = person, offer["category"], service.slug
        self._attempts[key] += 1
        category = offer["category"]
        conduct = conduct_of(
            seed=self.seed, person=person, category=category, work=self.work_of(category), service=service.slug,
            attempt=self._attempts[key],
        )  # fmt: skip
        self.tally.done["offers heard of"] += 1
        if conduct.verdict is Verdict.SILENCE:
            self.tally.done["left without a word"] += 1
            return
        window = datetime.fromisoformat(offer["answer_by"]) - made_at
        if conduct.acknowledges_at is not None:
            await self.timepiece.until(made_at + window * conduct.acknowledges_at)
            if not await self._offer_step(offer_id, offer, "acknowledge"):
                return
        if conduct.verdict is Verdict.ONLY_ACKNOWLEDGE:
            self.tally.done["only acknowledged"] += 1
            return
        await self.timepiece.until(made_at + window * conduct.answers_at)
        await self._decide(offer_id, offer, conduct)

    async def _decide(self, offer_id: str, offer: Mapping[str, Any], conduct: Conduct) -> None:
        if conduct.answers_at > 1:
            self.tally.done["answered after the time"] += 1
        if conduct.verdict is Verdict.DECLINE:
            assert conduct.reason is not None
            if await self._offer_step(offer_id, offer, "decline", decline_body(conduct.reason)):
                self.tally.done[f"declined: {conduct.reason.value}"] += 1
                if conduct.reason is DeclineReason.FULL:
                    self.tally.done["pools closed until the next declaration"] += 1
            return
        if await self._offer_step(offer_id, offer, "accept"):
            self.tally.done["accepted"] += 1
            await self._serve(offer_id, offer, conduct)

    async def _serve(self, offer_id: str, offer: Mapping[str, Any], conduct: Conduct) -> None:
        await self._fetch_packet(offer_id, offer)
        if conduct.ending is Ending.NEVER_STARTED:
            self.tally.done["never said that it began"] += 1
            return
        await self.timepiece.rest(conduct.starts_after)
        if conduct.ending is Ending.NOT_DELIVERED:
            await self._step(offer, "not-delivered", {"reason": conduct.failed_for.value})
            return
        if not await self._step(offer, "start"):
            return
        if conduct.ending is Ending.NEVER_REPORTED:
            self.tally.done["never said how it ended"] += 1
            return
        await self.timepiece.rest(conduct.lasts)
        body = {"outcome": conduct.outcome.value, "facts": await self._facts_of(offer)}
        await self._step(offer, "complete", body)

    async def _facts_of(self, offer: Mapping[str, Any]) -> Facts:
        """The facts that the completion must state. A webhook does not contain the kind that the service gives."""
        url = f"{self.world.url('REFERRAL')}/v1/referrals/{offer['referral_id']}"
        async with self.hands.working():
            referral = await self._caller(offer).get(url)
        kind, service_type = referral["offered_kind"], referral["service_type"]
        return facts_to_state(self._facts, offered_kind=kind, service_type=service_type, known={})

    async def _fetch_packet(self, offer_id: str, offer: Mapping[str, Any]) -> None:
        url = f"{self.world.url('REGISTRATION')}/v1/packets/{offer_id}"
        async with self.hands.working():
            packet = await self._caller(offer).call("GET", url, again_on=NOT_YET, expect=NO_CONSENT)
        self.tally.done["packets fetched" if packet.is_success else "packets closed for want of consent"] += 1

    async def _offer_step(
        self, offer_id: str, offer: Mapping[str, Any], step: str, body: dict[str, Any] | None = None
    ) -> bool:
        return await self._call(offer, f"/v1/offers/{offer_id}/{step}", step, body, self.hands.answering())

    async def _step(self, offer: Mapping[str, Any], step: str, body: dict[str, Any] | None = None) -> bool:
        return await self._call(offer, f"/v1/referrals/{offer['referral_id']}/{step}", step, body, self.hands.working())

    async def _call(
        self,
        offer: Mapping[str, Any],
        path: str,
        step: str,
        body: dict[str, Any] | None,
        hands: AbstractAsyncContextManager[None],
    ) -> bool:
        """True if the step was taken; False if it was no longer possible."""
        async with hands:
            answer = await self._caller(offer).call(
                "POST", f"{self.world.url('REFERRAL')}{path}", body=body, expect=GONE_ON
            )
        if answer.is_success:
            self.tally.done[f"step: {step}"] += 1
            return True
        self.tally.refused[f"{step}: {answer.json().get('code')}"] += 1
        return False

    def _caller(self, offer: Mapping[str, Any]) -> Any:
        organization, _ = self._services[offer["provider_service_id"]]
        return self.callers.of(organization.slug)
