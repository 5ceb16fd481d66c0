"""The consumer of registration's events by hand, in a process whose router leads: needs may be placed at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from libs.events.event import Event
from libs.events.topics import TOPICS
from tests.events.by_hand import Handled
from tests.service.referral import making
from tests.service.referral.world import World


class Reception:
    """Batches from registration, handled as in production: fence, inbox, waves, isolation of failing events."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lane = Handled(TOPICS["enlace.registration"], world.listening, world.database)

    async def tells(self, *events: Event) -> None:
        """One batch with these events, in one transaction."""
        await self._lane.batch(events)

    async def receives(self, *needs: dict[str, Any], **person: Any) -> UUID:
        """One batch with one person with these needs; returns the returnee."""
        returnee_id = uuid4()
        await self.tells(*arriving(returnee_id, needs, **person))
        return returnee_id

    async def begin(self, *, leads: bool) -> None:
        """Store the position, and run the first round of the router."""
        await self._lane.begin()
        await self._world.round()
        self._world.router.leads = leads


async def reception(world: World, *, leads: bool = True) -> Reception:
    """The consumer of this world. `leads`: its process leads the router, so it may place at once."""
    made = Reception(world)
    await made.begin(leads=leads)
    return made


def arriving(
    returnee_id: UUID, needs: Sequence[dict[str, Any]], *, consented: bool = True, **profile: Any
) -> list[Event]:
    """What registration publishes about a new person, in its order."""
    return [
        making.registered(returnee_id, **profile),
        making.consent(returnee_id, to_providers=consented),
        *[making.need(returnee_id, **one) for one in needs],
    ]


async def statuses(world: World, returnee_id: UUID) -> dict[str, str]:
    """The status of this person's referrals, by category."""
    rows = await world.rows("SELECT category, status FROM referral WHERE returnee_id = $1", returnee_id)
    return {row["category"]: row["status"] for row in rows}
