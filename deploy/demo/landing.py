"""Registers a flight through registration's public REST API with a token, as a reception system does."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from deploy.demo.arrivals import Arrival
from deploy.demo.client import Caller
from deploy.demo.loading import Said, in_turns
from deploy.demo.needs import Told

HEARD_WITHIN_SECONDS: Final = 180.0
DESKS: Final = 12
"""The number of intake desks that register people at the same time."""
Met = Callable[[Told, dict[str, Any]], None]
"""Called with each person and with registration's answer."""


def nobody_asks(told: Told, view: dict[str, Any]) -> None:
    """Do nothing."""


@dataclass
class Landed:
    """The ids that registration has assigned: of the batch and of the people."""

    batch_id: str
    returnee_ids: list[str] = field(default_factory=list)


async def land(arrival: Arrival, *, url: str, reception: Caller, said: Said, met: Met = nobody_asks) -> Landed:
    """Announce the flight, report its landing, register all people and complete the intake.

    `met` and `said` are called after each person.
    """
    announced = await reception.post(f"{url}/v1/arrival-batches", arrival.announced().model_dump(mode="json"))
    landed = Landed(batch_id=announced["id"])
    batch = f"{url}/v1/arrival-batches/{landed.batch_id}"
    await reception.post(
        f"{batch}/land", {"landed_at": arrival.landed_at.isoformat(), "people_count": len(arrival.people)}
    )

    async def register(told: Told) -> None:
        view = await reception.post(f"{url}/v1/returnees", intake_body(arrival, told, batch_id=landed.batch_id))
        landed.returnee_ids.append(view["id"])
        met(told, view)
        said(1)

    await in_turns((register(told) for told in arrival.people), at_once=DESKS)
    await reception.post(f"{batch}/complete-intake")
    return landed


def intake_body(arrival: Arrival, told: Told, *, batch_id: str) -> dict[str, Any]:
    """The request that registers one person: identity, profile, needs, consents and safe contact."""
    body = arrival.arrived(told).model_dump(mode="json")
    return {**body, "arrival_batch_id": batch_id}


async def registered(reference: str, *, url: str, reception: Caller, count: int) -> Landed:
    """Wait until all people of a batch that was sent as events are registered; returns their ids.

    Raises TimeoutError if no further person is registered within HEARD_WITHIN_SECONDS.
    """
    heard = -1
    async with asyncio.timeout(HEARD_WITHIN_SECONDS) as waiting:
        while True:
            found = await reception.get(f"{url}/v1/arrival-batches", limit=20)
            batch = next((one for one in found["items"] if one["sender_reference"] == reference), None)
            if batch is not None and batch["registered_count"] >= count:
                break
            if batch is not None and batch["registered_count"] > heard:
                heard = batch["registered_count"]
                waiting.reschedule(asyncio.get_running_loop().time() + HEARD_WITHIN_SECONDS)
            await asyncio.sleep(0.2)
    landed = Landed(batch_id=batch["id"])
    query: dict[str, Any] = {"limit": 200}
    while True:
        page = await reception.get(f"{url}/v1/arrival-batches/{landed.batch_id}/entries", **query)
        for entry in page["items"]:
            landed.returnee_ids.append(entry["returnee_id"])
        if page["next"] is None:
            return landed
        query["after"] = page["next"]
