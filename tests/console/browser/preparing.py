"""What a test prepares through the real APIs: a person with chosen needs, an offer of one provider, a flight."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from deploy.demo.arrivals import Arrival
from deploy.demo.landing import intake_body
from deploy.demo.needs import Told
from deploy.demo.people import Standing
from deploy.local.partners import STEWARD
from deploy.local.processes import Child
from libs.events.catalogue.arrivals import NeedTold
from libs.events.codes import TransportMode, Urgency
from tests.console.browser.system import WholeSystem, eventually

Json = Mapping[str, Any]
PEOPLE = 40
"""So many that all kinds of people are among them."""


def need(category: str, kind: str | None = None, urgency: Urgency = Urgency.URGENT, **more: Any) -> NeedTold:
    """A need as it is told at intake."""
    return NeedTold(category=category, kind=kind, urgency=urgency, **more)


def arrival(enlace: WholeSystem, count: int) -> Arrival:
    """A flight of invented people that lands now."""
    flight = Arrival.make(
        reference=f"browser-tests/{uuid4()}", mode=TransportMode.FLIGHT, country=enlace.country, count=PEOPLE, seed=3,
        at=enlace.world.now(),
    )  # fmt: skip
    return replace(flight, people=flight.people[:count])


async def announced(enlace: WholeSystem, count: int) -> tuple[Arrival, str]:
    """A flight that is announced and has not landed, and the id of its batch."""
    flight = arrival(enlace, count)
    later = flight.announced().model_copy(update={"expected_at": enlace.world.now() + timedelta(minutes=5)})
    batch = await _reception(enlace).post(
        f"{enlace.url('REGISTRATION')}/v1/arrival-batches", later.model_dump(mode="json")
    )
    return flight, batch["id"]


async def a_person(enlace: WholeSystem, *needs: NeedTold) -> Json:
    """Register a man who speaks Spanish, consents to everything and has a safe contact; registration's answer."""
    flight = arrival(enlace, PEOPLE)
    told = replace(next(filter(_is_easy_to_help, flight.people)), needs=needs, consents_to_referral=True)
    body = {
        **intake_body(flight, told, batch_id=""),
        "batch_reference": None,
        "arrival_batch_id": None,
        "reception_place": flight.place,
    }
    view: Json = await _reception(enlace).post(f"{enlace.url('REGISTRATION')}/v1/returnees", body)
    return view


def _is_easy_to_help(told: Told) -> bool:
    person = told.person
    is_plain = person.birth_date and not (person.flags or person.access_needs or person.avoid_places)
    return bool(is_plain) and person.standing is Standing.ADULT and person.sex == "male" and "spa" in person.languages


def _reception(enlace: WholeSystem) -> Any:
    return enlace.callers.of(enlace.country.reception(TransportMode.FLIGHT))


async def only_need(enlace: WholeSystem, person: Json, *, of: str = STEWARD) -> Json:
    """The one need of a person, when referral has heard of it."""

    async def heard() -> Any:
        answer = await enlace.callers.of(of).call(
            "GET", f"{enlace.url('REFERRAL')}/v1/returnees/{person['id']}/journey", expect=frozenset({404})
        )
        return answer.json().get("needs")

    (found,) = await eventually(heard)
    return found  # type: ignore[no-any-return]


async def offers_of(enlace: WholeSystem, organization: str, **query: Any) -> list[Json]:
    """The offers of a provider."""
    found = await enlace.callers.of(organization).get(f"{enlace.url('REFERRAL')}/v1/offers", limit=100, **query)
    return list(found["items"])


async def an_offer(enlace: WholeSystem, person: Json, organization: str) -> Json:
    """The offer for this person that waits for an answer of this provider."""

    async def made() -> Any:
        waiting = await offers_of(enlace, organization, status="pending")
        return next((one for one in waiting if one["case_code"] == person["case_code"]), None)

    found: Json = await eventually(made)
    return found


def service_id(enlace: WholeSystem, slug: str) -> str:
    """The id of a service of the pack's directory."""
    return next(str(one.id) for one in enlace.country.directory.services if one.slug == slug)


async def offered_to(enlace: WholeSystem, person: Json, service: str) -> Json:
    """The offer for this person at this service of the pack's directory: a desk chooses the service."""
    organizations = enlace.country.directory.organizations
    provider, wanted = next((by, one) for by in organizations for one in by.services if one.slug == service)
    steward, url = enlace.callers.of("network-steward-desk"), enlace.url("REFERRAL")
    # The router's own offer is waited for, so that it does not come between.
    first = await an_offer_of_anyone(enlace, person)
    if first["provider_service_id"] != str(wanted.id):
        body = {"provider_service_id": str(wanted.id), "reason": "The test needs this service."}
        await steward.post(f"{url}/v1/referrals/{first['referral_id']}/override", body)
    offer = await an_offer(enlace, person, provider.slug)
    assert offer["provider_service_id"] == str(wanted.id)
    return offer


async def an_offer_of_anyone(enlace: WholeSystem, person: Json) -> Json:
    """The first offer for this person, to whichever provider the router has chosen."""

    async def made() -> Any:
        answer = await enlace.callers.of("network-steward-desk").call(
            "GET", f"{enlace.url('REFERRAL')}/v1/returnees/{person['id']}/journey", expect=frozenset({404})
        )
        return next(iter(answer.json().get("offers", ())), None)

    found: Json = await eventually(made)
    return found


async def offer_now(enlace: WholeSystem, offer: Json, organization: str) -> Json:
    """The offer as it is now."""
    found: Json = await enlace.callers.of(organization).get(f"{enlace.url('REFERRAL')}/v1/offers/{offer['id']}")
    return found


@asynccontextmanager
async def away(enlace: WholeSystem, name: str) -> AsyncIterator[None]:
    """A process of the system, such as `referral`, does not run while the block runs. Afterwards it is ready again."""
    part = enlace.system.parts[name]
    start, may_return = part.start, asyncio.Event()

    async def held() -> Child:
        await may_return.wait()
        return await start()

    part.start = held
    part.child.process.kill()
    try:
        await eventually(lambda: asyncio.sleep(0, not part.child.running()))
        yield
    finally:
        part.start = start
        may_return.set()
        await eventually(lambda: asyncio.sleep(0, part.child.running()))
