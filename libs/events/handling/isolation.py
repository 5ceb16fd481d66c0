"""Find the events of a batch whose handlers fail, and let all others have their effects.

Halves the batch under savepoints until the failing event is alone. It is parked, and so are later ones of its key.
Only for a batch that has failed as a whole: one that doesn't fail pays for no savepoint.
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
    """One careful pass over a batch."""

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
        """Handle what can be handled, park the rest; returns what was handled.

        `ParkingLimitError` if too much fails; conflicts and outages of the database leave as they are.
        """
        # A constraint checked only at COMMIT would fail there, where nobody can tell which event did it.
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
            # A stranger decides what fails here: it neither stops the partition nor holds up who shares its key.
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
