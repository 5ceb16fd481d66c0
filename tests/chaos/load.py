"""The load: people who come by event and by REST, needs added and withdrawn, erasures, capacity up and down."""

import asyncio
from collections.abc import Coroutine
from random import Random
from typing import Any
from uuid import uuid4

import httpx

from deploy.demo.loading import capacity_body
from libs.chassis.http_client import Transport
from tests.chaos import arrivals
from tests.chaos.calling import Client
from tests.chaos.history import Arrival, Declared, History, NeedAdded, Step
from tests.chaos.partners import Partners
from tests.chaos.producing import Producing
from tests.chaos.stage import CATEGORIES, CONTENDED, CONTENDED_MAXIMUM, DATA_PROTECTION, Stage

RATE = 7.0
"""Inputs a second; those that come with offers are not among them."""
IN_HAND_MAX = 40
"""So many inputs may wait for their answer at a time; while the system is away for long, people wait outside."""
MIX = (("event", 55), ("rest", 22), ("flight", 2), ("need", 10), ("capacity", 6), ("withdraw", 3), ("erase", 2))
FLIGHT_SIZE = 4


class Load:
    """One run's clients."""

    def __init__(self, stage: Stage, history: History, *, seed: int) -> None:
        self._stage, self.history = stage, history
        self._random = Random(seed)
        self._run = uuid4().hex[:8]
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=20)
        self._http = httpx.AsyncClient(transport=Transport(limits=limits, trust_env=False))
        self._clients: dict[str, Client] = {}
        self._producing = Producing(stage.kafka.address, history)
        self._tasks: set[asyncio.Task[None]] = set()
        self._number = 0
        self._known: list[str] = []
        """Returnees that a client was told of and nobody has asked to erase."""
        self.partners = Partners(stage.url("REFERRAL"), self.client, history, Random(seed + 1))
        stage.receivers.heard = self.partners.hear

    def client(self, client_id: str) -> Client:
        """The client of this id."""
        if client_id not in self._clients:
            self._clients[client_id] = Client(
                self._http,
                client_id,
                self._stage.secret_of(client_id),
                self._stage.system.environment["ENLACE_TOKEN_URL"],
                self.history,
            )
        return self._clients[client_id]

    async def run(self, seconds: float, *, rate: float = RATE) -> None:
        """Send inputs for so long, at exponential pauses."""
        loop = asyncio.get_running_loop()
        until = due = loop.time()
        until += seconds
        names, weights = [name for name, _ in MIX], [weight for _, weight in MIX]
        while due < until:
            due += self._random.expovariate(rate)
            await asyncio.sleep(max(0.0, due - loop.time()))
            if len(self._tasks) < IN_HAND_MAX:
                self._start(self._random.choices(names, weights)[0])
            else:
                due = max(due, loop.time())

    @property
    def busy_count(self) -> int:
        """How many inputs are still waiting for their answer."""
        return len(self._tasks) + self.partners.busy_count

    async def close(self) -> None:
        """Give up what is on its way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.partners.stop()
        await self._producing.close()
        await self._http.aclose()

    def _start(self, name: str) -> None:
        works: dict[str, Any] = {
            "event": self._by_event,
            "rest": self.by_rest,
            "flight": self._flight,
            "need": self._add_need,
            "capacity": self._declare,
            "withdraw": self._withdraw,
            "erase": self._erase,
        }
        work: Coroutine[Any, Any, None] = works[name]()
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.history.surprises.append(f"a client failed with {error!r}")

    def _reference(self, kind: str) -> str:
        self._number += 1
        return f"{self._run}/{kind}/{self._number}"

    async def _by_event(self, batch: str | None = None) -> None:
        body = arrivals.person(self._random, self._reference("person"), batch=batch)
        arrival = Arrival(arrivals.EVENT_SOURCE, body["sender_reference"], len(body["needs"]))
        self.history.arrivals.append(arrival)
        await self._producing.send(arrivals.record("returnee.arrived.v1", body, uuid4()))
        arrival.acknowledged_at = self.history.now()

    async def _flight(self) -> None:
        reference = self._reference("flight")
        await self._producing.send(
            arrivals.record("arrival-batch.landed.v1", arrivals.landed(reference, FLIGHT_SIZE), uuid4())
        )
        await asyncio.gather(*(self._by_event(reference) for _ in range(FLIGHT_SIZE)))

    async def by_rest(self) -> str | None:
        """Register one person by REST; the returnee's id."""
        reception = self.client("reception-system")
        body = arrivals.person(self._random, self._reference("person"))
        arrival = Arrival(f"client:{reception.client_id}", body["sender_reference"], len(body["needs"]))
        self.history.arrivals.append(arrival)
        url = f"{self._stage.url('REGISTRATION')}/v1/returnees"
        answer = await reception.ask("POST", url, body=body, key=str(uuid4()))
        if not answer.is_yes:
            self.history.surprises.append(f"an arrival was refused with {answer.status} {answer.code}")
            return None
        arrival.returnee_id, arrival.acknowledged_at = answer.body["id"], self.history.now()
        self._known.append(answer.body["id"])
        return str(answer.body["id"])

    async def _add_need(self) -> None:
        returnee_id = self._somebody()
        if returnee_id is None:
            await self.by_rest()
            return
        need = NeedAdded(returnee_id, key=str(uuid4()))
        self.history.needs.append(need)
        body = {"category": self._random.choice(CATEGORIES), "urgency": "urgent"}
        url = f"{self._stage.url('REGISTRATION')}/v1/returnees/{returnee_id}/needs"
        answer = await self.client("reception-system").ask("POST", url, body=body, key=need.key)
        if answer.is_yes:
            need.need_id, need.acknowledged_at = answer.body["id"], self.history.now()
            return
        need.refused, need.calls = answer.code, answer.calls
        if answer.code != "returnee-erased":
            self.history.surprises.append(f"a need was refused with {answer.status} {answer.code}")

    async def _withdraw(self) -> None:
        mine = [need for need in self.history.needs if need.need_id is not None]
        if mine:
            need = self._random.choice(mine)
            path = f"returnees/{need.returnee_id}/needs/{need.need_id}/withdraw"
            await self._step("need.withdraw", need.need_id or "", path, "reception-system")

    async def _erase(self) -> None:
        if len(self._known) > 10:
            returnee_id = self._known.pop(self._random.randrange(len(self._known)))
            await self._step("returnee.erase", returnee_id, f"returnees/{returnee_id}/erasure", DATA_PROTECTION)

    async def _step(self, name: str, subject_id: str, path: str, client_id: str) -> None:
        step = Step(name, subject_id, key=str(uuid4()))
        self.history.steps.append(step)
        url = f"{self._stage.url('REGISTRATION')}/v1/{path}"
        answer = await self.client(client_id).ask("POST", url, key=step.key)
        step.status, step.code = answer.status, answer.code
        if answer.is_yes:
            step.acknowledged_at = self.history.now()
        elif answer.status not in (404, 409, 410):
            self.history.surprises.append(f"{name}: {answer.status} {answer.code}")

    async def _declare(self) -> None:
        """The maximum of a small pool goes up or down; sometimes below what is held."""
        service = self._random.choice(self._stage.directory.services[::CONTENDED])
        maxima = {pool["id"]: self._random.randint(1, CONTENDED_MAXIMUM) for pool in capacity_body(service)["pools"]}
        pools = [
            {**pool, "maximum": maxima[pool["id"]], "available": maxima[pool["id"]]}
            for pool in capacity_body(service)["pools"]
        ]
        declared = Declared(str(service.id), maxima)
        self.history.declared.append(declared)
        url = f"{self._stage.url('DIRECTORY')}/v1/services/{service.id}/capacity"
        answer = await self.client("network-steward").ask("PUT", url, body={"pools": pools})
        if answer.is_yes:
            declared.version, declared.acknowledged_at = answer.body.get("version"), self.history.now()
        else:
            self.history.surprises.append(f"capacity was refused with {answer.status} {answer.code}")

    def _somebody(self) -> str | None:
        return self._random.choice(self._known) if self._known else None
