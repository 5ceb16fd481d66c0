"""The calls that the pages make to read."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from services.console.answers import Json, Part
from services.console.calls import Service, part
from services.console.choices import coded
from services.console.endpoints import rules
from services.console.people import Person

_ENDPOINTS: Final = 100
_SHOWN: Final = 25


async def endpoints(person: Person) -> Json:
    """All endpoints of the organisation, and its newest deliveries."""
    rows, deliveries = await asyncio.gather(
        part(person.calls.rows(Service.NOTIFICATIONS, "/v1/endpoints", most=_ENDPOINTS)),
        _deliveries(person, limit=5),
    )
    return {"endpoints": rows, "deliveries": deliveries, **_choices(person)}


def _choices(person: Person) -> Json:
    return {
        "event_types": coded(person.words, "event_type", without=("endpoint.test.v1",)),
        "may_write": person.may("endpoints:write"),
        "kind_of": rules.kind_of,
    }


async def endpoint(person: Person, endpoint_id: str) -> Json:
    """One endpoint with the version that a change must name, and its newest deliveries."""
    answer, deliveries = await asyncio.gather(
        person.calls.get(Service.NOTIFICATIONS, f"/v1/endpoints/{endpoint_id}"),
        _deliveries(person, limit=10, endpoint_id=endpoint_id),
    )
    words = person.words
    overlaps = [
        (str(hours), words.some("%(num)s hour", "%(num)s hours", hours) if hours else words("none: the old one leaked"))
        for hours in rules.OVERLAPS
    ]
    more = {"overlaps": overlaps, **_choices(person)}
    return {"endpoint": answer.body, "etag": answer.etag, "deliveries": deliveries, **more}


async def _deliveries(person: Person, **query: Any) -> Part[Any]:
    if not person.may("deliveries:read"):
        return Part()
    return await part(person.calls.get(Service.NOTIFICATIONS, "/v1/deliveries", **query))


async def deliveries(person: Person, *, status: str | None, endpoint_id: str | None, after: str | None) -> Json:
    """Deliveries, newest first, and the endpoints for the filter."""
    found, rows = await asyncio.gather(
        _deliveries(person, limit=_SHOWN, status=status, endpoint_id=endpoint_id, after=after),
        part(person.calls.rows(Service.NOTIFICATIONS, "/v1/endpoints", most=_ENDPOINTS)),
    )
    addresses = {one["id"]: one["url"] for one in rows.value or ()}
    statuses = coded(person.words, "delivery_status")
    return {"deliveries": found, "addresses": addresses, "statuses": statuses, **_choices(person)}


async def delivery(person: Person, delivery_id: str) -> Json:
    """One delivery with all its attempts."""
    found = (await person.calls.get(Service.NOTIFICATIONS, f"/v1/deliveries/{delivery_id}")).body
    return {"delivery": found, "running": rules.is_running(found), **_choices(person)}
