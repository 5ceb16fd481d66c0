"""The calls that change an endpoint, or send something again."""

from __future__ import annotations

from services.console.answers import Json
from services.console.calls import Service
from services.console.forms import Form


def _path(endpoint_id: str, step: str = "") -> str:
    return f"/v1/endpoints/{endpoint_id}{step}"


async def create(form: Form) -> Json:
    """A new endpoint with its secret."""
    body = {"url": form.text("url"), "event_types": form.all("event_types") or None}
    answer = await form.person.calls.send("POST", Service.NOTIFICATIONS, "/v1/endpoints", body, key=form.key)
    found: Json = answer.body
    return found


async def change(form: Form, endpoint_id: str) -> None:
    """Another address, or other events."""
    body = {"url": form.text("url"), "event_types": form.all("event_types") or None}
    path, etag = _path(endpoint_id), form.text("etag")
    await form.person.calls.send("PATCH", Service.NOTIFICATIONS, path, body, etag=etag)


async def rotate(form: Form, endpoint_id: str) -> Json:
    """A new secret."""
    body = {"overlap_hours": form.number("overlap_hours")}
    path = _path(endpoint_id, "/rotate-secret")
    found: Json = (await form.person.calls.send("POST", Service.NOTIFICATIONS, path, body, key=form.key)).body
    return found


async def step(form: Form, endpoint_id: str, name: str) -> Json:
    """Switch an endpoint on or off, or send a test: `enable`, `disable`, `test`."""
    path = _path(endpoint_id, f"/{name}")
    found: Json = (await form.person.calls.send("POST", Service.NOTIFICATIONS, path, key=form.key)).body
    return found


async def delete(form: Form, endpoint_id: str) -> None:
    """Delete an endpoint."""
    await form.person.calls.send("DELETE", Service.NOTIFICATIONS, _path(endpoint_id))


async def replay(form: Form, delivery_id: str) -> None:
    """Send a finished delivery again."""
    path = f"/v1/deliveries/{delivery_id}/replay"
    await form.person.calls.send("POST", Service.NOTIFICATIONS, path, key=form.key)
