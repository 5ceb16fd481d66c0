"""Providers as programs: they hear of offers by webhook, answer them by REST, give the service, or keep silent."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any
from uuid import uuid4

from deploy.demo.completing import facts_to_state
from tests.chaos.calling import Client
from tests.chaos.history import History, Step

SILENT, DECLINED = 0.12, 0.27
"""Shares of offers, added up: below the first nobody answers, below the second the answer is no."""
ACKNOWLEDGED_FIRST = 0.5
SERVED = 0.75
REASONS = ("full", "full", "not_eligible", "not_our_area")
HANDS = 12
"""So many calls are made at a time: partners that all ask again and again would keep what comes back from its feet."""
LONGEST_THOUGHT_SECONDS, LONGEST_SERVICE_SECONDS = 1.5, 6.0


class Partners:
    """All organisations; each answers with its own token."""

    def __init__(self, url: str, client_of: Callable[[str], Client], history: History, random: Random) -> None:
        self._url, self._client_of, self._history, self._random = url, client_of, history, random
        self._heard: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._hands = asyncio.Semaphore(HANDS)
        self.is_closing = False
        """Answer everything at once and with yes: the run is to come to its end."""

    def hear(self, slug: str, kind: str, data: dict[str, Any]) -> None:
        """Take note of an offer, once however often it is told."""
        if kind != "offer.made.v1" or data["offer_id"] in self._heard:
            return
        self._heard.add(data["offer_id"])
        task = asyncio.create_task(self._answer(self._client_of(slug), data))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def busy_count(self) -> int:
        """How many offers are in hand."""
        return len(self._tasks)

    async def stop(self) -> None:
        """Leave everything as it is."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _answer(self, client: Client, data: dict[str, Any]) -> None:
        die, random = self._random.random(), self._random
        offer = f"offers/{data['offer_id']}"
        if not self.is_closing:
            if die < SILENT:
                return
            await asyncio.sleep(random.uniform(0, LONGEST_THOUGHT_SECONDS))
            if random.random() < ACKNOWLEDGED_FIRST:
                await self._step(client, "offer.acknowledge", data["offer_id"], f"{offer}/acknowledge")
            if die < DECLINED:
                await self._step(
                    client, "offer.decline", data["offer_id"], f"{offer}/decline", {"reason": random.choice(REASONS)}
                )
                return
        accepted = await self._step(client, "offer.accept", data["offer_id"], f"{offer}/accept")
        if accepted and random.random() < SERVED and not self.is_closing:
            await self._serve(client, data["referral_id"])

    async def _serve(self, client: Client, referral_id: str) -> None:
        await asyncio.sleep(self._random.uniform(0, LONGEST_SERVICE_SECONDS))
        if await self._step(client, "referral.start", referral_id, f"referrals/{referral_id}/start"):
            await asyncio.sleep(self._random.uniform(0, LONGEST_SERVICE_SECONDS))
            outcome = {"outcome": "need_met", "facts": await self._facts(client, referral_id)}
            await self._step(client, "referral.complete", referral_id, f"referrals/{referral_id}/complete", outcome)

    async def _facts(self, client: Client, referral_id: str) -> dict[str, Any]:
        """What the type of the service has to state when it is done."""
        url = f"{self._url}/v1/referrals"
        referral = await client.ask("GET", f"{url}/{referral_id}")
        wanted = await client.ask("GET", f"{url}/completion-facts")
        if not (referral.is_yes and wanted.is_yes):
            return {}
        kind, service_type = referral.body["offered_kind"], referral.body["service_type"]
        return facts_to_state(wanted.body, offered_kind=kind, service_type=service_type, known={})

    async def _step(self, client: Client, name: str, subject_id: str, path: str, body: Any = None) -> bool:
        step = Step(name, subject_id, key=str(uuid4()))
        self._history.steps.append(step)
        async with self._hands:
            answer = await client.ask("POST", f"{self._url}/v1/{path}", body=body, key=step.key)
        step.status, step.code = answer.status, answer.code
        if answer.is_yes:
            step.acknowledged_at = self._history.now()
        elif answer.status not in (404, 409):
            self._history.surprises.append(f"{name}: {answer.status} {answer.code}")
        return answer.is_yes
