"""The sweeper: looks for places that leaked, mends them and says so loudly. In a healthy system it finds none."""

from collections.abc import Awaitable, Callable, Collection
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import Database, now
from libs.chassis.logs import get_logger
from libs.chassis.telemetry import meter
from services.referral.places import actions, queries
from services.referral.places.queries import Leak

Claim = Callable[[AsyncSession, Collection[UUID]], Awaitable[set[UUID]]]
"""Locks the journeys that nobody holds and returns them."""

log = get_logger(__name__, fields=("pool_id", "offer_id"))
_LEAKS = meter().create_counter(
    "enlace.places.leaks", unit="{leak}", description="Leaked holds and miscounted pools that were found and mended"
)


class Sweeper:
    """One of several workers sweeps at a time, by an advisory lock of its transaction; the others pass."""

    def __init__(self, database: Database, *, claim: Claim) -> None:
        self._database = database
        self._claim = claim

    async def sweep_once(self) -> list[Leak]:
        """One transaction: mend what has leaked; returns what was mended, each of which is logged and counted.

        Found unlocked, in one statement, so that nothing in flight looks like a leak; looked at again once the journeys
        and the pools are locked. A journey that somebody holds is left for the next sweep.
        """
        async with self._database.transaction() as session:
            if not await queries.may_sweep(session):
                return []
            found = await queries.leaks(session)
            if not found:
                return []
            claimed = await self._claim(session, {one.returnee_id for one in found if one.returnee_id is not None})
            mended = await actions.mend(
                session, [one for one in found if one.returnee_id in claimed | {None}], at=now(session)
            )
        for one in mended:
            _LEAKS.add(1, {"enlace.kind": one.kind})
            log.error(
                "places.leaked", reason=one.kind, count=one.place_count, pool_id=one.pool_id, offer_id=one.offer_id
            )
        return mended
