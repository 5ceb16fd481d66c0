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


def need(category: str, kind: str | None = None, urgency: Urgency = Urgency.URGENT, **more: Any) -> NeedTold:
    """A need as it is told at intake."""
    return NeedTold(category=category, kind=kind, urgency=urgency, **more)


def arrival(enlace: WholeSystem, count: int) -> Arrival:
    """A flight of invented people that lands now."""
    return Arrival.make(
        reference=f"browser-tests/{uuid4()}", mode=TransportMode.FLIGHT, country=enlace.country, count=count, seed=3,
        at=enlace.world.now(),
    )  # fmt: skip


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
    flight = arrival(enlace, 40)
    told = replace(next(filter(_is_easy_to_help, flight.people)), needs=needs, consents_to_referral=True)
    body = {**intake_body(flight, told, batch_id=""), "batch_reference": None, "arrival_batch_id": None, "reception_place": flight.place}
    view: Json = await _reception(enlace).post(f"{enlace.url('REGISTRATION')}/v1/returnees", body)
    return view


def _is_easy_to_help(told: Told) -> bool:
    person = told.person
    is_plain = person.birth_date and not (person.flags or person.access_needs or person.avoid_places)
    return bool(is_plain) and person.standing is Standing.ADULT and person.sex == "male" and "spa" in person.languages


def _reception(enlace: WholeSystem) -> Any:
    return enlace.callers.of(enlace.country.reception(TransportMode.FLIGHT))


async def journey(enlace: WholeSystem, returnee_id: str, *, of: str = STEWARD) -> Json:
    """The needs and referrals of a person, as the network's steward sees them."""
    found: Json = await enlace.callers.of(of).get(f"{enlace.url('REFERRAL')}/v1/returnees/{returnee_id}/journey")
    return found


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


async def offered_to(enlace: WholeSystem, person: Json, service: str) -> Json:
    """The offer for this person at this service of the pack's directory: a desk chooses the service."""
    organizations = enlace.country.directory.organizations
    provider, wanted = next((by, one) for by in organizations for one in by.services if one.slug == service)
    steward = enlace.callers.of("network-steward-desk")
    referral_id = (await live_referral(enlace, person))["id"]
    body = {"provider_service_id": str(wanted.id), "reason": "The test needs this service."}
    # A 409 says that the router was faster and has chosen the same service.
    url = f"{enlace.url('REFERRAL')}/v1/referrals/{referral_id}/override"
    await steward.call("POST", url, body=body, expect=frozenset({409}))
    offer = await an_offer(enlace, person, provider.slug)
    assert offer["provider_service_id"] == str(wanted.id)
    return offer


async def live_referral(enlace: WholeSystem, person: Json) -> Json:
    """The referral of the one need of a person."""

    async def opened() -> Any:
        answer = await enlace.callers.of("network-steward-desk").call(
            "GET", f"{enlace.url('REFERRAL')}/v1/returnees/{person['id']}/journey", expect=frozenset({404})
        )
        live = (one for one in answer.json().get("referrals", ()) if one["ended_at"] is None)
        return next((one for one in live if one["status"] in ("seeking", "offered")), None)

    found: Json = await eventually(opened)
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
