"""The calls of the view. People with equal rights share the answers: many watchers cost the services one call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from services.console.answers import Json, Part
from services.console.calls import Service, part
from services.console.people import Person
from services.console.taxonomy import names_of, taxonomy_of
from services.console.tonight import rules

_BATCHES: Final = 40
_POOLS: Final = 400
_PLACES_SHOWN: Final = 60
KEPT_SECONDS: Final = 9.5
"""Almost as long as the page waits before it asks again (10 s, `tonight/now.html`). So one watcher always gets new
numbers, and many watchers, who ask all the time, cause calls only as often as one does."""


async def shared(person: Person, name: str, make: Callable[[], Awaitable[Any]]) -> Part[Any]:
    """A part whose value people with equal rights share. A failure is not shared for longer than the call takes."""
    return await part(person.shared(f"tonight {name}", make, seconds=KEPT_SECONDS))


async def read(person: Person) -> Json:
    """Everything that the page shows to this person; what they have no right to is left out."""
    flights, waits, queues, promises, places, stuck, taxonomy = await asyncio.gather(
        _flights(person),
        _one(person, "waits", Service.REFERRAL, "/v1/waiting-times", needs="progress:read"),
        _one(person, "queues", Service.REFERRAL, "/v1/work-lists/counts", needs="work-lists:read"),
        _one(person, "promises", Service.REFERRAL, "/v1/invariants", needs="work-lists:read"),
        _places(person),
        _stuck(person),
        taxonomy_of(person),
    )
    shown = {"flights": flights, "waits": waits, "queues": queues, "promises": promises, "places": places}
    return {**shown, "stuck": stuck, "taxonomy": taxonomy}


async def _one(person: Person, name: str, service: Service, path: str, *, needs: str) -> Part[Any] | None:
    if not (person.rights.staff and person.may(needs)):
        return None

    async def make() -> Any:
        return (await person.calls.get(service, path)).body

    return await shared(person, name, make)


async def _flights(person: Person) -> Part[Any]:
    async def arrivals() -> list[Json]:
        return await person.calls.rows(Service.REGISTRATION, "/v1/arrival-batches/progress", most=_BATCHES)

    found = await shared(person, "arrivals", arrivals)
    if not found.there or found.value is None:
        return found
    ids = [row["batch_id"] for row in found.value]

    async def needs() -> list[Json]:
        if not ids:
            return []
        body = (await person.calls.get(Service.REFERRAL, "/v1/arrival-batches/progress", batch_id=ids)).body
        rows: list[Json] = body["items"]
        return rows

    told = await shared(person, f"needs {' '.join(ids)}", needs)
    batches = rules.batches(found.value, told.value if told.there else None)
    return Part(value={"batches": batches, "needs": told})


async def _places(person: Person) -> Part[Any] | None:
    if not (person.rights.staff and person.may("places:read")):
        return None

    async def make() -> list[Json]:
        return await person.calls.rows(Service.REFERRAL, "/v1/places", most=_POOLS)

    found = await shared(person, "places", make)
    if not found.there or found.value is None:
        return found
    services = rules.places(found.value)[:_PLACES_SHOWN]
    names = await names_of(
        person,
        [{"organization_id": one.organization_id, "provider_service_id": one.provider_service_id} for one in services],
    )
    return Part(value={"services": services, "names": names, "now": person.moments.now})


async def _stuck(person: Person) -> Part[Any] | None:
    """The event bus of each service, and endpoints in trouble. A service that is away is a part of its own."""
    if not (person.rights.staff and person.may("operations:read")):
        return None
    paths = {service.value: (service, "/v1/event-bus") for service in Service}
    paths["endpoints"] = (Service.NOTIFICATIONS, "/v1/endpoints/trouble")
    found = await asyncio.gather(
        *(_one(person, f"stuck {name}", *path, needs="operations:read") for name, path in paths.items())
    )
    shown: Json = dict(zip(paths, found, strict=True))
    trouble = shown["endpoints"]
    rows = trouble.value["items"][:10] if trouble.there else []
    return Part(value={**shown, "names": await names_of(person, rows)})
