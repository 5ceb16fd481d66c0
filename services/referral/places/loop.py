"""The sweeper: finds leaked places, corrects and logs them. In a healthy system it finds none."""

from collections.abc import Awaitable, Callable, Collection
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import Database, now
from libs.chassis.logs import get_logger
from libs.chassis.telemetry import meter
from services.referral.places import actions, queries
from services.referral.places.queries import Leak

Claim = Callable[[AsyncSession, Collection[UUID]], Awaitable[set[UUID]]]
"""Locks the journeys that no other transaction holds, and returns their ids."""

log = get_logger(__name__, fields=("pool_id", "offer_id"))
_LEAKS = meter().create_counter(
    "enlace.places.leaks", unit="{leak}", description="Leaked holds and miscounted pools that were found and mended"
)


class Sweeper:
    """Only one worker sweeps at a time: its transaction holds an advisory lock. The others skip the sweep."""

    def __init__(self, database: Database, *, claim: Claim) -> None:
        self._database = database
        self._claim = claim

    async def sweep_once(self) -> list[Leak]:
        """Correct leaked places in one transaction. Returns the corrected leaks; each is logged and counted.

        Leaks are found without locks and in one statement, so that a transaction in progress does not look like a leak.
        They are checked again when the journeys and pools are locked. A journey that another transaction holds waits
        for the next sweep.
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
