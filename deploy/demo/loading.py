"""Loads a pack's directory through provider_directory's public API, as often as one likes: what is there is replaced.

Organisations, accreditations, agreements and services are put by the network's steward. Capacity is declared by each
organisation with a client of its own, as every morning.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable
from typing import Any, Final

from deploy.demo.client import Caller
from deploy.demo.looking import pages
from deploy.packs.directory import Directory, Organization, Service, openings_of
from libs.events.codes import JourneyEnd

AT_ONCE: Final = 8
ALREADY: Final = frozenset({409})
Said = Callable[[int], None]
CallerOf = Callable[[str], Caller]


async def load_directory(directory: Directory, *, url: str, steward: Caller, said: Said) -> None:
    """Put every organisation and service that is not there as the pack has it; `said` is told after each service."""
    organizations = await _standing(f"{url}/v1/organizations", steward)
    services = await _standing(f"{url}/v1/services", steward)

    async def load(organization: Organization) -> None:
        address, body = f"{url}/v1/organizations/{organization.id}", organization_body(organization)
        standing = organizations.get(str(organization.id))
        await _put(steward, address, body, standing)
        for kind in ("accreditations", "agreements"):
            held = {item["category"]: item["valid_until"] for item in (standing or {}).get(kind, [])}
            for category, until in getattr(organization, kind).items():
                if held.get(category.value) != until.isoformat():
                    await steward.call("PUT", f"{address}/{kind}/{category.value}",
                                       body={"valid_until": until.isoformat()})  # fmt: skip
        for service in organization.services:
            body = service_body(service, organization, directory)
            await _put(steward, f"{url}/v1/services/{service.id}", body, services.get(str(service.id)))
            said(1)

    await in_turns(load(organization) for organization in directory.organizations)


async def declare_capacity(directory: Directory, *, url: str, caller_of: CallerOf, said: Said) -> None:
    """Every organisation declares its places as of now."""

    async def declare(organization: Organization) -> None:
        caller = caller_of(organization.slug)
        for service in organization.services:
            await caller.call("PUT", f"{url}/v1/services/{service.id}/capacity", body=capacity_body(service))
            said(1)

    await in_turns(declare(organization) for organization in directory.organizations)


async def _standing(url: str, caller: Caller) -> dict[str, dict[str, Any]]:
    """What is there already, by id."""
    found: dict[str, dict[str, Any]] = {}
    query: dict[str, Any] = {"limit": 200}
    while True:
        page = await caller.get(url, **query)
        found |= {item["id"]: item for item in page["items"]}
        if page["next"] is None:
            return found
        query["after"] = page["next"]


async def _put(caller: Caller, url: str, body: dict[str, Any], standing: dict[str, Any] | None) -> None:
    """Create it, leave it as it is, or replace it in the version that is there."""
    if standing is None:
        first = await caller.call("PUT", url, body=body, headers={"If-None-Match": "*"}, expect=frozenset({412}))
        if first.is_success:
            return
    elif all(_same(standing.get(name), value) for name, value in body.items()):
        return
    there = await caller.call("GET", url)
    await caller.call("PUT", url, body=body, headers={"If-Match": there.headers["etag"]})


def _same(one: Any, other: Any) -> bool:
    """Equal, where the order of codes in a list says nothing."""
    if isinstance(one, list) and isinstance(other, list) and all(isinstance(item, str) for item in [*one, *other]):
        return set(one) == set(other)
    return bool(one == other)


async def empty_the_queues(people: Collection[str], *, desk: Caller, url: str) -> None:
    """Whichever of these people still waits has left the country; else the queues would grow with each run."""

    async def end(returnee_id: str) -> None:
        body = {"reason": JourneyEnd.LEFT_THE_COUNTRY}
        await desk.call("POST", f"{url}/v1/returnees/{returnee_id}/journey/end", body=body, expect=ALREADY)

    waiting = {entry["returnee_id"] for entry in await pages(desk, f"{url}/v1/waitlists")}
    await in_turns(end(returnee_id) for returnee_id in waiting & set(people))


async def in_turns(works: Iterable[Coroutine[Any, Any, None]], *, at_once: int = AT_ONCE) -> None:
    """Do them all, so many at a time; the first error ends the others."""
    waiting = iter(works)

    async def worker() -> None:
        # One iterator for all workers: what nobody has begun when one fails is never made.
        for work in waiting:
            await work

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())


def organization_body(organization: Organization) -> dict[str, Any]:
    """What provider_directory takes of an organisation."""
    return {
        "name": organization.name,
        "description": f"{organization.description} Sample data.",
        "organization_type": organization.kind,
    }


def service_body(service: Service, organization: Organization, directory: Directory) -> dict[str, Any]:
    """What provider_directory takes of a service."""
    return {
        "organization_id": str(organization.id),
        "name": service.name,
        "description": f"{service.description} Sample data.".strip(),
        "category": service.category.value,
        "service_type": service.service_type,
        "restricted": service.restricted,
        "place": service.place,
        "on_site_at": service.on_site_at,
        "catchment": service.catchment,
        "eligibility": service.eligibility.model_dump(mode="json"),
        "languages": service.languages,
        "language_must_match": service.language_must_match,
        "access": [need.value for need in service.access],
        "openings": [opening.model_dump() for opening in openings_of(service.hours)],
        "timezone": directory.timezone,
        "accepts_automatically": service.accepts_automatically,
        "max_stay_hours": service.max_stay_hours,
        "address_hidden": service.restricted,
    }


def capacity_body(service: Service) -> dict[str, Any]:
    """The places of a service as its organisation declares them, as of now.

    The figures of the pack are for people who are still to be offered: those whom an earlier run has left accepted do
    not count in them.
    """
    pools = [
        {"id": str(service.pool_id(pool.kind)), "kind": pool.kind, "maximum": pool.maximum, "available": pool.available}
        for pool in service.pools
    ]
    return {"pools": pools, "accepted_left_out": True}
