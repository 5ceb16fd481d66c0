"""The calls that the pages make to read."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from services.console.answers import Json, Part
from services.console.calls import Answer, Service, together
from services.console.choices import coded
from services.console.errors import NoSuchPage, Refused
from services.console.labels import LABELS, label
from services.console.people import Person
from services.console.places import rules
from services.console.taxonomy import taxonomy_of

_SERVICES: Final = 200
_POOLS: Final = 600


def pool_name(person: Person, kind: str) -> str:
    """The name of a kind of places; providers may name kinds that the console does not know."""
    if kind in LABELS["pool_kind"]:
        return label(person.words, "pool_kind", kind)
    return kind.replace("_", " ")


async def places(person: Person) -> Json:
    """The services of the organisation with their pools."""
    found = await together(
        services=person.calls.rows(
            Service.DIRECTORY, "/v1/services", most=_SERVICES, organization_id=person.rights.organization_id
        ),
        pools=_pools(person),
        taxonomy=taxonomy_of(person),
    )
    services, pools = found["services"], found["pools"]
    if services.there:
        known = pools.value if pools.there else []
        working = [one for one in services.value or () if one["status"] != "withdrawn"]
        services = Part(value=rules.by_service(working, known or (), now=person.moments.now))
    return {"services": services, "pools": pools, "taxonomy": found["taxonomy"].value, **_naming(person)}


async def _pools(person: Person, service_id: str | None = None) -> list[Json]:
    if not person.may("places:read"):
        return []
    return await person.calls.rows(Service.REFERRAL, "/v1/places", most=_POOLS, provider_service_id=service_id)


def _naming(person: Person) -> Json:
    return {"pool_name": lambda kind: pool_name(person, kind)}


async def service(person: Person, service_id: str) -> Json:
    """One service of the organisation with its declaration; another organisation's service does not exist here."""
    read, found = await asyncio.gather(
        person.calls.get(Service.DIRECTORY, f"/v1/services/{service_id}"),
        together(capacity=declared(person, service_id), pools=_pools(person, service_id)),
    )
    if not person.rights.staff and read.body["organization_id"] != person.rights.organization_id:
        raise NoSuchPage
    ledger = {one["pool_id"]: one for one in found["pools"].value or ()}
    capacity: Answer | None = found["capacity"].value
    stale = capacity is not None and _is_stale(person, capacity)
    more = {"ledger": ledger, "pool_kinds": coded(person.words, "pool_kind"), "stale": stale, **_naming(person)}
    return {"service": read.body, "capacity": found["capacity"], "pools": found["pools"], **more}


def _is_stale(person: Person, capacity: Answer) -> bool:
    return -person.moments.seconds_left(capacity.body["as_of"]) > rules.STALE.total_seconds()


async def declared(person: Person, service_id: str) -> Any:
    """The present declaration; None if there is none yet."""
    try:
        return await person.calls.get(Service.DIRECTORY, f"/v1/services/{service_id}/capacity")
    except Refused as refused:
        if refused.problem.code == "capacity-not-declared":
            return None
        raise
