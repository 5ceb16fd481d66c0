"""Registers a flight of invented people, and answers for the pack's providers: `python -m deploy.docker.rehearsal`.

Providers get webhooks if notifications may send to private addresses (`ENLACE_WEBHOOK_ALLOW_PRIVATE=true`); these are
signed and verified as for a real partner. Otherwise, providers poll. The rehearsal answers offers until it is stopped.
The flight is registered only once.
"""

import asyncio
import os
import sys
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import Random

from deploy.demo.arrivals import Arrival
from deploy.demo.client import Caller, CallError, Connections
from deploy.demo.country import Country
from deploy.demo.habits import Way
from deploy.demo.hands import Hands
from deploy.demo.landing import land
from deploy.demo.loading import in_turns
from deploy.demo.notebook import Notebook
from deploy.demo.partners import Partner, Tally, Urls
from deploy.demo.receiver import OFFER_MADE, Receiver, receiving
from deploy.local.partners import find_client
from libs.chassis.clock import Clock
from libs.events.codes import TransportMode

FLIGHT = "rehearsal/flight"
PORT = 8000
SEED = 20
LANDED = Path("/tmp/landed")  # noqa: S108 - of this container only
"""The health check looks for this file. It exists when the flight has landed and a provider has accepted an offer."""


class Rehearsal:
    """One flight, and the providers that get offers for its people."""

    def __init__(self, connections: Connections) -> None:
        self.country = Country.of(Path(os.environ["ENLACE_PACK"]))
        self.tally = Tally()
        self.caller_of = cache(lambda client_id: self._caller(connections, client_id))
        urls = Urls(*(os.environ[f"ENLACE_{word}_URL"] for word in ("REFERRAL", "REGISTRATION", "DIRECTORY")))
        hands, notebook, dice = Hands(), Notebook(), Random(SEED)  # noqa: S311 - a rehearsal's dice, no secret
        self.partners = {
            one.slug: Partner(
                one, caller=self.caller_of(one.slug), urls=urls, tally=self.tally, random=Random(dice.random()),  # noqa: S311
                hands=hands, notebook=notebook, clock=Clock(), habits=self.country.sample.partners,
            )
            for one in self.country.directory.organizations
        }  # fmt: skip
        self._looking: list[asyncio.Task[None]] = []

    @staticmethod
    def _caller(connections: Connections, client_id: str) -> Caller:
        client = find_client(os.environ, client_id)
        return Caller(connections, client_id, client.client_secret, os.environ["ENLACE_TOKEN_URL"])

    async def run(self) -> None:
        """Start to receive offers, register the flight if it has not landed yet, and answer until cancelled."""
        async with receiving(
            lambda slug, data: self.partners[slug].hear(data["offer_id"], data),
            listens="0.0.0.0", port=PORT, host="rehearsal",  # noqa: S104 - on the containers' own network
        ) as receiver:  # fmt: skip
            await in_turns(self._listen(slug, receiver) for slug in self.partners)
            print(f"{len(self.partners) - len(self._looking)} providers receive webhooks, {len(self._looking)} poll")
            is_new = await self._land()
            told: Counter[str] = Counter()
            while True:
                if self.tally.done != told:
                    told = Counter(self.tally.done)
                    print(f"webhooks verified: {receiver.verified_count}; {dict(told)}")
                if told["accepted"] or not is_new:
                    await asyncio.to_thread(LANDED.touch)
                await asyncio.sleep(1)

    async def _listen(self, slug: str, receiver: Receiver) -> None:
        url, caller = f"{os.environ['ENLACE_NOTIFICATIONS_URL']}/v1/endpoints", self.caller_of(slug)
        if self.partners[slug].way is Way.WEBHOOK:
            try:
                for old in (await caller.get(url))["items"]:
                    await caller.call("DELETE", f"{url}/{old['id']}", expect=frozenset({404}))
                made = await caller.post(url, {"url": receiver.url(slug), "event_types": [OFFER_MADE]})
                receiver.expect(slug, made["secret"])
                return
            except CallError as error:
                if error.status != 422:
                    raise
        self._looking.append(asyncio.create_task(self.partners[slug].look()))

    async def _land(self) -> bool:
        """Register the flight; False if it has landed before."""
        url, reception = (
            os.environ["ENLACE_REGISTRATION_URL"],
            self.caller_of(self.country.reception(TransportMode.FLIGHT)),
        )
        batches = await reception.get(f"{url}/v1/arrival-batches", limit=200)
        if any(batch["sender_reference"] == FLIGHT for batch in batches["items"]):
            return False
        people = int(os.environ.get("ENLACE_DEMO_PEOPLE", "40"))
        flight = Arrival.make(
            reference=FLIGHT,
            mode=TransportMode.FLIGHT,
            country=self.country,
            count=people,
            seed=SEED,
            at=datetime.now(UTC),
        )
        await land(flight, url=url, reception=reception, said=lambda _: None)
        print(f"a flight with {len(flight.people)} invented people has landed; they have {flight.needs_count} needs")
        return True


async def main() -> None:
    """Run the rehearsal until a signal arrives."""
    async with Connections() as connections:
        await Rehearsal(connections).run()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except CallError as error:
        sys.exit(f"the rehearsal ended: {error}")
