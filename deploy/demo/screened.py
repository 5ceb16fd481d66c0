"""A scene of a protected conversation: nobody opens it without a certificate, and it ends without a reason."""

import asyncio
from datetime import timedelta
from typing import Any, Final

from deploy.demo.acts import Act
from deploy.demo.client import Caller
from deploy.demo.world import World

TITLE: Final = "A screening that a person without a certificate cannot open"
SCREENER: Final = "screener"
"""The subject of the sample person with this role in `people.yaml`."""
KIND: Final = "protection_screening"
ATTEMPTS: Final = 100
_REFUSED: Final = 403
_DONE: Final = frozenset({_REFUSED, 404})


async def screened(
    world: World, desk: Caller, screener: Caller, steward: Caller, *, place: str, nationality: str
) -> Act | None:
    """Try to open a screening before and after the certificate, stop it, and revoke the certificate.

    None if the country has no instrument for it; an act without lines if something else happens.
    """
    directory = f"{world.url('DIRECTORY')}/v1/certificates"
    person = await desk.post(f"{world.url('REGISTRATION')}/v1/returnees", _arrival(world, place, nationality))
    url = f"{world.url('REGISTRATION')}/v1/returnees/{person['id']}/screening"
    first = await screener.call("POST", url, body={}, expect=_DONE)
    if first.status_code == 404:
        return None
    certificate = await steward.post(directory, _certificate(world))
    opened = await _until(screener, "POST", url, {}, status=201)
    ended = await screener.post(f"{url}/end", {"how": "stop"})
    etag = {"If-Match": f'"{certificate["version"]}"'}
    revoking = f"{directory}/{certificate['id']}/revoke"
    await steward.call("POST", revoking, body={"reason": "left"}, headers=etag)
    shut = await _until(screener, "GET", url, None, status=_REFUSED)
    if not (first.status_code == _REFUSED and opened and shut and ended["status"] == "stopped"):
        return Act(TITLE)
    return act_of(person["case_code"], first.json()["code"])


def act_of(case_code: str, refusal: str) -> Act:
    """What happened, line by line."""
    return Act(TITLE, (
        f"a screener with the scope, without a certificate, opens the screening of {case_code}: refused ({refusal})",
        "the steward of the directory records the certificate; within seconds registration opens the screening",
        "the person wants to stop: it ends, all answers are deleted, no reason is asked for or stored",
        "the certificate is revoked: the screener cannot even read whether there was a screening",
    ))  # fmt: skip


async def _until(caller: Caller, method: str, url: str, body: Any, *, status: int) -> bool:
    """Repeat a call until the change has arrived by event."""
    for _ in range(ATTEMPTS):
        answer = await caller.call(method, url, body=body, expect=_DONE)
        if answer.status_code == status:
            return True
        await asyncio.sleep(0.2)
    return False


def _arrival(world: World, place: str, nationality: str) -> dict[str, Any]:
    return {
        "arrived_at": world.now().isoformat(),
        "reception_place": place,
        "identity": {"given_names": "Muestra", "family_names": "Conversación Ejemplo"},
        "profile": {"nationality": nationality, "identity_document": "lost_on_route"},
    }


def _certificate(world: World) -> dict[str, Any]:
    today = world.now().date()
    return {
        "kind": KIND,
        "holder": SCREENER,
        "issuing_body": "Sample school",
        "valid_from": (today - timedelta(days=30)).isoformat(),
        "valid_until": (today + timedelta(days=365)).isoformat(),
    }
