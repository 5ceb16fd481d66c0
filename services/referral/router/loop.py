"""The leading router of a country. It runs one round after another while there are referrals to place."""

import asyncio
import contextlib
import time
from typing import Final

import asyncpg
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import Database
from libs.chassis.health import Unready
from libs.chassis.logs import get_logger
from libs.chassis.walls import SERVICE_ITSELF
from libs.events.postgres import Cause, cause_of
from libs.waiting.pauses import is_set_within
from services.referral.journeys.work import Work
from services.referral.lifecycles.rules import ROUTED, in_sql
from services.referral.pack.policy import RoutingPolicy
from services.referral.router import rules
from services.referral.router.actions import at_once, rounds, upkeep
from services.referral.router.actions.rounds import Memory, Round
from services.referral.wakeups import ROUTERS

POLL_S: Final = 0.05
"""Real seconds between two checks for work. A commit of this process that creates work wakes the router at once."""
EMPTY_S: Final = 0.25
"""The same after a round that had nothing to place, and after `CALM_S` without work. The referrals of a flight seem to
be ready while they wait, perhaps for hours, for its last person. A round every 50 ms would use a fifth of a core all
that time."""
CALM_S: Final = 5.0
"""Real seconds without work after which the router checks less often."""
REFRESH_S: Final = 30.0
"""Real seconds between two updates of the services' answer records."""
SWEEP_S: Final = 1.0
"""Real seconds after which the queues are checked again, because some journeys may have been locked before."""
BESIDE_ROUND_S: Final = 0.25
"""For how many real seconds at most a transaction that could place its needs waits for the end of a round."""
_LOCK_CLASS: Final = 0x656E6C61
_RETRY_S: Final = 0.5

# A referral that is ready may still wait for its flight or household. Only a round can find that out.
_PROBE: Final = f"""
SELECT clock_timestamp() AS real,
    (SELECT min(ready_at) FROM referral WHERE ready_at IS NOT NULL AND status IN {in_sql(ROUTED)}) AS ready_at,
    (SELECT coalesce(sum(changes), 0) FROM supply_total) + (SELECT count(*) FROM supply_change) AS supply
"""  # noqa: S608 (constants)

log = get_logger(__name__)


class Router:
    """One of several processes leads; the others wait. The leader holds an advisory lock on its own connection.

    A leader that loses this connection loses the lock. If it is still in a round, that round holds the locks of its
    journeys as any other transaction does. Two rounds at once are slower, but their results are correct.
    """

    def __init__(self, database: Database, policy: RoutingPolicy, *, dsn: str) -> None:
        self._database = database
        self._policy = policy
        self._dsn = dsn
        self._memory = Memory()
        self._wakeup = ROUTERS.register()
        self.leads = False
        """True while it places referrals, from the end of its first round on."""
        self._between_rounds = asyncio.Event()
        self._between_rounds.set()
        self._supply: object = None
        self._was_empty = False
        self._worked_at = self._refreshed_at = self._swept_at = float("-inf")

    async def run(self, stop: asyncio.Event) -> None:
        """Wait for the leadership, then run rounds until told to stop."""
        # Without the setting of the service's own work, row-level security hides every referral from this connection.
        told = {"application_name": "enlace-router", **SERVICE_ITSELF}
        connection = await asyncpg.connect(self._dsn, timeout=5, command_timeout=30, server_settings=told)
        try:
            if await self._lead(connection, stop):
                log.info("router.leads")
                await self._place(connection, stop)
        finally:
            self.leads = False
            with contextlib.suppress(Exception):
                await connection.close(timeout=2)
            connection.terminate()

    async def place_once(self) -> Round:
        """One round in its own transaction, after the work between rounds."""
        await self._look_around()
        async with self._database.transaction() as session:
            await upkeep.open_batches(session, self._policy)
        self._between_rounds.clear()
        try:
            async with self._database.transaction() as session:
                return await rounds.place_referrals(session, self._policy, self._memory)
        finally:
            self._between_rounds.set()

    async def place_at_once(self, session: AsyncSession, piece: Work) -> None:
        """Offer the needs of this work in its own transaction, if they need not wait for a round (decision 0093).

        Only the leader does this. It decides with what it knows, as its rounds do, and no other process places people.
        If a round runs, its end is awaited for a moment. Otherwise these needs would have to wait for one more round,
        and the needs of the next batch for them. The round skips the journeys that this transaction has locked.
        """
        ready = at_once.ready_in(piece) if self.leads else []
        if ready and await is_set_within(self._between_rounds, BESIDE_ROUND_S):
            await at_once.place(session, self._memory, piece, ready)

    async def _lead(self, connection: "asyncpg.Connection[asyncpg.Record]", stop: asyncio.Event) -> bool:
        number = rules.lock_number(self._policy.country)
        while not stop.is_set():
            if await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", _LOCK_CLASS, number):
                return True
            await is_set_within(stop, _RETRY_S)
        return False

    async def _place(self, connection: "asyncpg.Connection[asyncpg.Record]", stop: asyncio.Event) -> None:
        while not stop.is_set():
            if connection.is_closed():
                raise Unready("lost the connection that holds its leadership")
            if self._wakeup.is_set():
                self._worked_at = time.monotonic()
            self._wakeup.clear()
            self._was_empty = False
            if not await self._is_worth_a_round(connection) or not await self._place_and_go_on():
                await self._pause(stop)

    async def _place_and_go_on(self) -> bool:
        """One round. True if another round must follow at once, also after a conflict with another transaction."""
        try:
            done = await self.place_once()
            self.leads, self._was_empty = True, not done.looked_at
            if done.looked_at:
                self._worked_at = time.monotonic()
            return done.is_full
        except Exception as error:
            if cause_of(error) is not Cause.CONFLICT:
                raise
            log.warning("router.round_repeated", error=error)
            return True

    async def _is_worth_a_round(self, connection: "asyncpg.Connection[asyncpg.Record]") -> bool:
        """Check with one statement whether a round is needed.

        The statement also shows that the leader's connection works. A referral that waits because of pacing or opening
        hours is not work before its `ready_at`.
        """
        found = await connection.fetchrow(_PROBE)
        assert found is not None
        ready = found["ready_at"] is not None and found["ready_at"] <= self._database.clock.at(found["real"])
        changed, self._supply = found["supply"] != self._supply, found["supply"]
        waited = time.monotonic() - self._swept_at > SWEEP_S
        return ready or changed or waited

    async def _pause(self, stop: asyncio.Event) -> None:
        is_calm = self._was_empty or time.monotonic() - self._worked_at > CALM_S
        waits = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(self._wakeup.wait())]
        try:
            await asyncio.wait(waits, timeout=EMPTY_S if is_calm else POLL_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _look_around(self) -> None:
        """The periodic work: evaluate offers at unfit services, end kept pools, check the queues, update answer
        records."""
        moment = time.monotonic()
        if moment - self._swept_at > SWEEP_S:
            self._swept_at = moment
            self._memory.swept.clear()
            async with self._database.transaction() as session:
                await upkeep.judge_unfit(session, self._policy, self._memory)
            async with self._database.transaction() as session:
                await upkeep.judge_marked(session, self._policy)
            async with self._database.transaction() as session:
                await upkeep.end_kept_pools(session)
            async with self._database.transaction() as session:
                await upkeep.add_up_supply(session)
        if moment - self._refreshed_at > REFRESH_S:
            self._refreshed_at = moment
            async with self._database.transaction() as session:
                await upkeep.refresh_records(session, self._memory)
            async with self._database.transaction() as session:
                await upkeep.judge_consent_run_out(session, self._policy)
            async with self._database.transaction() as session:
                await upkeep.judge_meeting(session, self._policy)
