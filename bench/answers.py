"""How many offers are accepted per second over HTTP, singly and 100 per call, compared with a bare INSERT over HTTP."""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from bench.arrivals import NEEDS
from bench.bare_insert import CREATE, CREATE_ENTRY
from bench.chain import Running, enlace, measure_chain
from bench.measuring import until
from bench.resting import rest
from deploy.local.installation import ROOT
from deploy.local.processes import free_port
from libs.chassis.http_settings import KEEP_ALIVE_SECONDS
from libs.chassis.walls import WORKS_FOR

ANSWERS = 2_000
"""The number of offers accepted singly in a round, and of rows that the bare INSERT writes in a round."""
ROUNDS = 3
IN_FLIGHT = 32
BULK = 100
BULK_CALLS = 20

Call = Callable[[], Awaitable[httpx.Response]]


async def measure() -> dict[str, Any]:
    """Returns the figures by name and prints one line. For each side, the best round counts."""
    with tempfile.TemporaryDirectory(prefix="enlace-bench-") as folder:
        async with enlace(Path(folder) / "answers") as running:
            return await _answers(running)


async def _answers(running: Running) -> dict[str, Any]:
    """Providers accept offers singly and 100 per call; the reference is `bench.bare_insert`."""
    needed = ANSWERS * (ROUNDS + 1) + BULK * BULK_CALLS
    await measure_chain(running.side, needed // len(NEEDS) + 200, run="answers-fill")
    async with _Client(running) as client, bare(running) as inserting:
        offers = await client.pending()
        single, bulk, least = 0.0, 0.0, 0.0
        for _ in range(ROUNDS):
            await rest(running)
            single = max(single, await _rate([client.accepting(offers.pop()) for _ in range(ANSWERS)]))
            await rest(running)
            least = max(least, await _rate([inserting(uuid4()) for _ in range(ANSWERS)]))
        await rest(running)
        bulk = await client.bulk_rate(offers[: BULK * BULK_CALLS])
    print(
        f"answers: {single:.0f}/s one by one, {bulk:.0f}/s by the hundred; a bare INSERT {least:.0f}/s;"
        f" ratios {single / least:.2f} and {bulk / least:.2f}"
    )
    return {
        "per_s": round(single, 1),
        "bulk_per_s": round(bulk, 1),
        "bare_per_s": round(least, 1),
        "ratio_to_bare": round(single / least, 3),
        "bulk_ratio_to_bare": round(bulk / least, 3),
    }


async def _rate(calls: Sequence[Call]) -> float:
    """How many of these calls are answered per second with IN_FLIGHT calls at a time; each must succeed."""
    waiting = list(calls)

    async def work() -> None:
        while waiting:
            (await waiting.pop()()).raise_for_status()

    started = time.monotonic()
    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    return len(calls) / (time.monotonic() - started)


class _Client:
    """Answers offers as the organisations do, with a separate token for each organisation."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._url = running.system.environment["ENLACE_REFERRAL_URL"]
        self._http = httpx.AsyncClient(timeout=60, trust_env=False, limits=httpx.Limits(max_connections=IN_FLIGHT))
        self._tokens: dict[UUID, str] = {}

    async def __aenter__(self) -> "_Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def pending(self) -> list[tuple[UUID, UUID]]:
        """Pending offers with their organisations, in the order of their ids."""
        connection = await asyncpg.connect(self._running.url("REFERRAL"), server_settings={WORKS_FOR: "service"})
        try:
            rows = await connection.fetch(
                "SELECT offer_id, organization_id FROM offer WHERE status = 'pending' ORDER BY offer_id"
            )
        finally:
            await connection.close()
        for organization in {row["organization_id"] for row in rows}:
            self._tokens[organization] = await self._token(organization)
        return [(row["offer_id"], row["organization_id"]) for row in rows]

    def accepting(self, offer: tuple[UUID, UUID]) -> Call:
        """A call that accepts this offer."""
        offer_id, organization = offer
        return lambda: self._http.post(f"{self._url}/v1/offers/{offer_id}/accept", headers=self._headers(organization))

    async def bulk_rate(self, offers: Sequence[tuple[UUID, UUID]]) -> float:
        """How many offers are accepted per second with BULK answers in each call."""
        calls: list[Call] = []
        for organization in {one[1] for one in offers}:
            mine = [one[0] for one in offers if one[1] == organization]
            calls += [self._bulk(organization, mine[i : i + BULK]) for i in range(0, len(mine), BULK)]
        started = time.monotonic()
        for call in calls:
            (await call()).raise_for_status()
        return len(offers) / (time.monotonic() - started)

    def _bulk(self, organization: UUID, offer_ids: Sequence[UUID]) -> Call:
        answers = [{"offer_id": str(one), "answer": "accept"} for one in offer_ids]
        headers = {**self._headers(organization), "Idempotency-Key": str(uuid4())}
        return lambda: self._http.post(f"{self._url}/v1/offers/answers", json={"answers": answers}, headers=headers)

    def _headers(self, organization: UUID) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._tokens[organization]}"}

    async def _token(self, organization: UUID) -> str:
        book = self._running.installation.clients
        client_id = next(one["client_id"] for one in book.entries() if one.get("organization_id") == str(organization))
        client = book.get(client_id)
        answer = await self._http.post(
            self._running.system.environment["ENLACE_TOKEN_URL"],
            data={"grant_type": "client_credentials"},
            auth=(client.client_id, client.secret),
        )
        answer.raise_for_status()
        return str(answer.json()["access_token"])


@asynccontextmanager
async def bare(running: Running) -> AsyncIterator[Callable[[UUID], Call]]:
    """The bare INSERT, served by one process on the same PostgreSQL."""
    async with bare_server(running) as http:
        yield lambda one: lambda: http.post(f"/answers/{one}")


@asynccontextmanager
async def bare_server(running: Running) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `bench.bare_insert`, which one process serves on the same PostgreSQL."""
    url, port = running.owner_url("REFERRAL"), free_port()
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(CREATE)
        await connection.execute(CREATE_ENTRY)
    finally:
        await connection.close()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uvicorn", "bench.bare_insert:app", "--port", str(port), "--log-level", "error"),
        *("--timeout-keep-alive", str(KEEP_ALIVE_SECONDS)),
        cwd=ROOT,
        env={**os.environ, "BENCH_DATABASE_URL": url},
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as http:

            async def up() -> bool:
                try:
                    return (await http.post(f"/answers/{uuid4()}")).is_success
                except httpx.TransportError:
                    return False

            await until(up, what="the bare INSERT to be served", within_s=30)
            yield http
    finally:
        process.terminate()
        await process.wait()
