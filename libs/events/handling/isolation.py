"""Find the events of a batch whose handlers fail, so that all others can have their effects.

The batch is halved under savepoints until the failing event is alone. It is parked together with the later events of
its key. This is used only for a batch that has failed as a whole, so that other batches need no savepoints.
"""

from collections.abc import Awaitable, Callable, Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.handling.batch import Incoming
from libs.events.handling.limits import ParkingLimit
from libs.events.handling.parking import BEHIND, Parking, reason_of, told
from libs.events.outbox import Row
from libs.events.postgres import Cause, cause_of, raw

Run = Callable[[AsyncSession, Sequence[Incoming]], Awaitable[None]]


class Isolation:
    """One run over a batch that finds its failing events."""

    def __init__(
        self,
        session: AsyncSession,
        run: Run,
        rows: list[Row],
        limits: dict[int, ParkingLimit],
        parking: Parking,
        *,
        is_foreign: bool = False,
    ) -> None:
        self._session = session
        self._run = run
        self._rows = rows
        self._limits = limits
        self._parking = parking
        self._is_foreign = is_foreign
        self._failed_keys: set[bytes] = set()
        self._handled: list[Incoming] = []

    async def run(self, items: Sequence[Incoming]) -> list[Incoming]:
        """Handle the events that can be handled and park the others. Returns the handled ones.

        `ParkingLimitError` if too many events fail. Errors of conflicts and outages of the database are raised
        unchanged.
        """
        # If a constraint were checked only at COMMIT, it would not be known which event violates it.
        await (await raw(self._session)).execute("SET CONSTRAINTS ALL IMMEDIATE")
        await self._attempt(items)
        return self._handled

    async def _attempt(self, items: Sequence[Incoming]) -> None:
        items = self._without_failed_keys(items)
        if not items:
            return
        written = len(self._rows)
        try:
            async with self._session.begin_nested():
                await self._run(self._session, items)
        except Exception as error:
            del self._rows[written:]
            if cause_of(error) is not Cause.EVENT:
                raise
            if len(items) == 1:
                self._fail(items[0], error)
                return
        else:
            self._handled.extend(items)
            for item in items:
                self._limits[item.record.partition].succeeded(1)
            return
        middle = len(items) // 2
        await self._attempt(items[:middle])
        await self._attempt(items[middle:])

    def _fail(self, item: Incoming, error: Exception) -> None:
        item.failure = type(error).__name__
        self._parking.add(item, reason_of(error), told(error))
        if self._is_foreign:
            # External senders cause these failures, so they neither stop the partition nor delay events with the same
            # key.
            return
        self._failed_keys.add(item.key)
        self._limits[item.record.partition].failed()

    def _without_failed_keys(self, items: Sequence[Incoming]) -> Sequence[Incoming]:
        if not self._failed_keys:
            return items
        rest: list[Incoming] = []
        for item in items:
            if item.key in self._failed_keys:
                self._parking.add(item, BEHIND)
            else:
                rest.append(item)
        return rest
