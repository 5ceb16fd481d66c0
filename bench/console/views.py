"""The pages that are measured: who looks at which address, and what is typed into the form of the search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.console.stage import PROVIDER, Stage
from deploy.demo.country import Country
from deploy.local.partners import STEWARD
from deploy.local.people import PeopleBook
from libs.events.codes import TransportMode

OPERATORS: Final = ("operator-day", "operator-night")
"""Two people with equal rights."""
DESK, DESK_CLIENT = "shelter-desk", "igm-shelter-desk"
CLERK: Final = "clerk-air-base"
OFFICER: Final = "data-protection-officer"
SHELTER: Final = f"provider-{PROVIDER}"
LISTS: Final = ("mine", "due", "overdue", "escalations", "waiting", "reviews", "unmet")
SEARCH: Final = {
    "need": "shelter",
    "place": "GT09",
    "language": "quc",
    "when": "tonight",
    "women": "1",
    "children": "4 7",
}


@dataclass(frozen=True)
class View:
    """A page of one person."""

    name: str
    subject: str
    path: str
    form: Mapping[str, str] | None = None
    """What is typed into the form on this page, which is then sent; without it the page is only read."""


async def views_of(on: Stage) -> list[View]:
    """All pages that are measured. Raises RuntimeError if the scene lacks something that a page is about."""
    offer = await _first_offer(on)
    need = await _open_need(on)
    provider, packet = await _packet(on)
    service = (await _items(on, STEWARD, "DIRECTORY", "/v1/services", category="shelter"))[0]
    reception = Country.of(on.scene.pack).reception(TransportMode.FLIGHT)
    entries = await on.callers.of(reception).get(
        f"{on.url('REGISTRATION')}/v1/arrival-batches/{on.scene.batch_id}/entries", limit=200
    )
    met = next(one["returnee_id"] for one in entries["items"] if one["returnee_id"])
    batch = f"/reception/batches/{on.scene.batch_id}"
    return [
        View("tonight", OPERATORS[0], "/tonight"),
        View("work", DESK, "/work"),
        *(View(f"work: {name}", DESK, f"/work/{name}") for name in LISTS),
        View("work: a need", DESK, f"/work/needs/{need}"),
        View("case", DESK, f"/cases/{on.scene.returnee_id}"),
        View("offers", SHELTER, "/offers"),
        View("offers: accepted", SHELTER, "/offers?tab=serving"),
        View("offers: one", SHELTER, f"/offers/{offer}"),
        View("offers: packet", provider, f"/offers/{packet}/packet"),
        View("stays", SHELTER, "/stays"),
        View("places", SHELTER, "/places"),
        View("endpoints", SHELTER, "/endpoints"),
        View("reception", CLERK, "/reception"),
        View("reception: a batch", CLERK, batch),
        View("reception: a person", CLERK, f"/reception/people/{met}"),
        View("directory: search", DESK, "/directory", SEARCH),
        View("directory: a service", DESK, f"/directory/services/{service['id']}"),
        View("people's data", OFFICER, f"/people-data/{on.scene.returnee_id}"),
    ]


async def _items(on: Stage, client: str, word: str, path: str, **query: Any) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = (await on.callers.of(client).get(f"{on.url(word)}{path}", **query))["items"]
    if not found:
        raise RuntimeError(f"the scene has nothing at {path}")
    return found


async def _first_offer(on: Stage) -> str:
    return str((await _items(on, PROVIDER, "REFERRAL", "/v1/offers", status="pending", limit=1))[0]["id"])


async def _open_need(on: Stage) -> str:
    """An open need of the person whose case is looked at."""
    url = f"{on.url('REFERRAL')}/v1/returnees/{on.scene.returnee_id}/journey"
    journey = await on.callers.of(DESK_CLIENT).get(url)
    return next(str(need["id"]) for need in journey["needs"] if need["status"] == "open")


async def _packet(on: Stage) -> tuple[str, str]:
    """A provider with a sample person, and an accepted offer whose packet they may open."""
    for person in PeopleBook(on.scene.pack).everybody():
        client = person.subject.removeprefix("provider-")
        if "provider" not in person.roles or person.subject == SHELTER or client not in _client_ids(on):
            continue
        caller = on.callers.of(client)
        # The offers of the scene are older than the added ones, so they come first.
        found = await caller.get(f"{on.url('REFERRAL')}/v1/offers", referral_status="accepted", limit=20)
        for offer in found["items"]:
            packet = f"{on.url('REGISTRATION')}/v1/packets/{offer['id']}"
            if (await caller.call("GET", packet, expect=frozenset({403, 404, 409, 410}))).is_success:
                return person.subject, str(offer["id"])
    raise RuntimeError("no provider with a sample person has accepted an offer of the scene")


def _client_ids(on: Stage) -> frozenset[str]:
    return frozenset(str(one["client_id"]) for one in on.system.installation.clients.entries())
