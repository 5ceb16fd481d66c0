"""Loads a pack's directory through provider_directory's public API. It can run again: existing entries are replaced.

The client of the network's steward writes organisations, accreditations, agreements and services. Each organisation
declares its capacity with its own client, as it does every morning.
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
    """Write every organisation and service that differs from the pack; `said` is called after each service."""
    organizations = await _standing(f"{url}/v1/organizations", steward)
    services = await _standing(f"{url}/v1/services", steward)

    async def load(organization: Organization) -> None:
        address, body = f"{url}/v1/organizations/{organization.id}", organization_body(organization)
        standing = organizations.get(str(organization.id))
        await _put(steward, address, body, standing)
        for kind in ("accreditations", "agreements"):
            held = {item["category"]: item["valid_until"] for item in (standing or {}).get(kind, [])}
            for category, until in getattr(organization, kind).items():
                if held.get(category) != until.isoformat():
                    await steward.call("PUT", f"{address}/{kind}/{category}",
                                       body={"valid_until": until.isoformat()})  # fmt: skip
        for service in organization.services:
            body = service_body(service, organization, directory)
            await _put(steward, f"{url}/v1/services/{service.id}", body, services.get(str(service.id)))
            said(1)

    await in_turns(load(organization) for organization in directory.organizations)
    await load_certificates(directory, url=url, steward=steward)


async def load_certificates(directory: Directory, *, url: str, steward: Caller) -> None:
    """Record the certificates of the pack that nobody has recorded yet. A revoked one is not recorded again."""
    if not directory.certificates:
        return
    recorded = {(one["kind"], one["holder"]) for one in await pages(steward, f"{url}/v1/certificates")}
    for certified in directory.certificates:
        body = certified.model_dump(mode="json", exclude={"holders"})
        for holder in certified.holders:
            if (certified.kind, holder) not in recorded:
                await steward.post(f"{url}/v1/certificates", body | {"holder": holder})


async def declare_capacity(directory: Directory, *, url: str, caller_of: CallerOf, said: Said) -> None:
    """Every organisation declares its places."""

    async def declare(organization: Organization) -> None:
        caller = caller_of(organization.slug)
        for service in organization.services:
            await caller.call("PUT", f"{url}/v1/services/{service.id}/capacity", body=capacity_body(service))
            said(1)

    await in_turns(declare(organization) for organization in directory.organizations)


async def _standing(url: str, caller: Caller) -> dict[str, dict[str, Any]]:
    """The existing entries by id."""
    found: dict[str, dict[str, Any]] = {}
    query: dict[str, Any] = {"limit": 200}
    while True:
        page = await caller.get(url, **query)
        found |= {item["id"]: item for item in page["items"]}
        if page["next"] is None:
            return found
        query["after"] = page["next"]


async def _put(caller: Caller, url: str, body: dict[str, Any], standing: dict[str, Any] | None) -> None:
    """Create the entry, leave it unchanged if it is the same, or replace it if its version has not changed since."""
    if standing is None:
        first = await caller.call("PUT", url, body=body, headers={"If-None-Match": "*"}, expect=frozenset({412}))
        if first.is_success:
            return
    elif all(_same(standing.get(name), value) for name, value in body.items()):
        return
    there = await caller.call("GET", url)
    await caller.call("PUT", url, body=body, headers={"If-Match": there.headers["etag"]})


def _same(one: Any, other: Any) -> bool:
    """True if both are equal; the order of codes in a list does not count."""
    if isinstance(one, list) and isinstance(other, list) and all(isinstance(item, str) for item in [*one, *other]):
        return set(one) == set(other)
    return bool(one == other)


async def empty_the_queues(people: Collection[str], *, desk: Caller, url: str) -> None:
    """Record that those of these people who still wait in a queue have left the country.

    Otherwise, the queues would grow with each run of the demo.
    """

    async def end(returnee_id: str) -> None:
        body = {"reason": JourneyEnd.LEFT_THE_COUNTRY}
        await desk.call("POST", f"{url}/v1/returnees/{returnee_id}/journey/end", body=body, expect=ALREADY)

    waiting = {entry["returnee_id"] for entry in await pages(desk, f"{url}/v1/waitlists")}
    await in_turns(end(returnee_id) for returnee_id in waiting & set(people))


async def in_turns(works: Iterable[Coroutine[Any, Any, None]], *, at_once: int = AT_ONCE) -> None:
    """Run all coroutines, at most `at_once` at a time; after the first error, the others are cancelled."""
    waiting = iter(works)

    async def worker() -> None:
        # All workers share one iterator. If one fails, the coroutines that have not begun are never created.
        for work in waiting:
            await work

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())


def organization_body(organization: Organization) -> dict[str, Any]:
    """The body with which an organisation is written to provider_directory."""
    return {
        "name": organization.name,
        "description": f"{organization.description} Sample data.",
        "organization_type": organization.kind,
    }


def service_body(service: Service, organization: Organization, directory: Directory) -> dict[str, Any]:
    """The body with which a service is written to provider_directory."""
    return {
        "organization_id": str(organization.id),
        "name": service.name,
        "description": f"{service.description} Sample data.".strip(),
        "category": service.category,
        "kinds": [
            {"kind": kind, "scope": [{"detail": detail, "values": values} for detail, values in scope.items()]}
            for kind, scope in service.kinds.items()
        ],
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


def capacity_body(service: Service, *, added: int = 0) -> dict[str, Any]:
    """The places of a service as its organisation declares them now.

    The pack's figures are places for new people: people whom an earlier run has left as accepted are not counted in
    them (`accepted_left_out`). `added`: places of each pool beyond those of the pack.
    """
    pools = [
        {
            "id": str(service.pool_id(pool.kind)),
            "kind": pool.kind,
            "maximum": pool.maximum + added,
            "available": pool.available + added,
        }
        for pool in service.pools
    ]
    return {"pools": pools, "accepted_left_out": True}
