"""Every page of the console, by the role that looks at it: what the tests of barriers, walls and lost services open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import uuid4

from services.console.work.rules import LISTS
from tests.console.browser.preparing import Json, a_person, an_offer, need, offered_to, only_need
from tests.console.browser.system import WholeSystem, eventually

SHELTER: Final = "casa-del-migrante"
DOCUMENTS: Final = "renap"
RESTRICTED_DESK: Final = "svet-restricted-desk"


@dataclass(frozen=True)
class Known:
    """Ids of one thing of each kind."""

    batch_id: str
    entry_id: str
    returnee_id: str
    unrefined_id: str
    """A person whose need names its category alone."""
    told_need_id: str
    waiting: Json
    """An offer that waits for its answer."""
    serving: Json
    """The offer of a stay that has begun."""
    serving_need_id: str
    restricted: Json
    """A person with a restricted need that waits for a review."""
    restricted_need_id: str
    endpoint_id: str
    delivery_id: str
    location_id: str
    match_id: str
    """Two records of which the clerk may see both."""
    emergency_id: str
    """A request for access in an emergency that waits for a decision."""
    export_id: str
    """A de-identified export."""
    incident_id: str
    """An open incident of a program."""


async def known(enlace: WholeSystem) -> Known:
    """Prepare one thing of each kind; their ids."""
    registration = enlace.url("REGISTRATION")
    reception, provider = enlace.callers.of("reception-system"), enlace.callers.of(SHELTER)
    entries = await reception.get(f"{registration}/v1/arrival-batches/{enlace.batch_id}/entries", limit=1)
    unrefined = await a_person(enlace, need("shelter"))
    told = await reception.get(f"{registration}/v1/returnees/{unrefined['id']}/needs")
    waiting = await an_offer(enlace, await a_person(enlace, need("documents", "identity_document")), DOCUMENTS)
    serving = await a_stay(enlace)
    deciding = await a_person(enlace, need("gbv", "survivor_care"))
    endpoints = f"{enlace.url('NOTIFICATIONS')}/v1/endpoints"
    endpoint = await provider.post(endpoints, {"url": "http://127.0.0.1:9/enlace"})
    return Known(
        batch_id=enlace.batch_id,
        entry_id=entries["items"][0]["id"],
        returnee_id=enlace.returnees[0]["id"],
        unrefined_id=unrefined["id"],
        told_need_id=told["items"][0]["id"],
        waiting=waiting,
        serving=serving,
        serving_need_id=(await _referral(enlace, serving))["need_id"],
        restricted=deciding,
        restricted_need_id=(await only_need(enlace, deciding, of=RESTRICTED_DESK))["id"],
        endpoint_id=endpoint["id"],
        delivery_id=(await provider.post(f"{endpoints}/{endpoint['id']}/test"))["id"],
        location_id=await _a_location(enlace, serving["organization_id"]),
        match_id=await a_match(enlace, unrefined["id"]),
        emergency_id=await an_emergency(enlace, unrefined["case_code"]),
        export_id=await an_export(enlace),
        incident_id=await an_incident(enlace),
    )


async def a_match(enlace: WholeSystem, returnee_id: str) -> str:
    """The open match of this person with most weight. `a_person` invents the same person each time."""
    url = f"{enlace.url('REGISTRATION')}/v1/returnees/{returnee_id}/matches"

    async def open_match() -> str | None:
        # While facts of the person are being changed, they are not compared.
        found = await enlace.callers.of("reception-system").get(url)
        return next((str(one["id"]) for one in found["items"] if one["status"] == "open"), None)

    return str(await eventually(open_match))


async def an_emergency(enlace: WholeSystem, case_code: str) -> str:
    """A request of the program of the intake desk for access to this person."""
    body = {"case_code": case_code, "reason": "medical_emergency", "words": "Unconscious at the terminal (sample)"}
    url = f"{enlace.url('REGISTRATION')}/v1/emergencies"
    return str((await enlace.callers.of("reception-intake-desk").post(url, body))["id"])


async def an_export(enlace: WholeSystem) -> str:
    """An export of the month before, without names, that the program of the intake desk asked for."""
    last = enlace.world.now().date().replace(day=1) - timedelta(days=1)
    body = {
        "kind": "deidentified",
        "purpose": "statistics",
        "arrived_from": last.replace(day=1).isoformat(),
        "arrived_until": last.isoformat(),
        "reception_places": ["GT01"],
    }
    url = f"{enlace.url('REGISTRATION')}/v1/exports"
    return str((await enlace.callers.of("reception-intake-desk").post(url, body))["id"])


async def an_incident(enlace: WholeSystem) -> str:
    """An incident of the hour before, by the access of a program."""
    known_at = enlace.world.now()
    body = {
        "kind": "stolen_access",
        "client_id": SHELTER,
        "began_at": (known_at - timedelta(hours=1)).isoformat(),
        "known_at": known_at.isoformat(),
    }
    url = f"{enlace.url('REGISTRATION')}/v1/incidents"
    return str((await enlace.callers.of("data-protection-officer").post(url, body))["id"])


async def a_stay(enlace: WholeSystem) -> Json:
    """The offer of a stay that has begun."""
    person = await a_person(enlace, need("shelter", "temporary_shelter"))
    offer = await offered_to(enlace, person, "casa-del-migrante-guatemala-shelter")
    provider, url = enlace.callers.of(SHELTER), enlace.url("REFERRAL")
    await provider.post(f"{url}/v1/offers/{offer['id']}/accept")
    await provider.post(f"{url}/v1/referrals/{offer['referral_id']}/start")
    return offer


async def _referral(enlace: WholeSystem, offer: Json) -> Json:
    url = f"{enlace.url('REFERRAL')}/v1/referrals/{offer['referral_id']}"
    found: Json = await enlace.callers.of("network-steward-desk").get(url)
    return found


async def _a_location(enlace: WholeSystem, organization_id: str) -> str:
    """The pack's services have no locations of their own."""
    id = str(uuid4())
    body = {"organization_id": organization_id, "name": "A house", "place": "GT01", "timezone": "America/Guatemala"}
    await enlace.callers.of("network-steward").call(
        "PUT", f"{enlace.url('DIRECTORY')}/v1/locations/{id}", body=body, headers={"If-None-Match": "*"}
    )
    return id


def pages_of(known: Known) -> Mapping[str, Sequence[str]]:
    """By the subject of a sample person: the pages that they open."""
    waiting, serving = f"/offers/{known.waiting['id']}", f"/offers/{known.serving['id']}"
    return {
        "clerk-air-base": _reception(known),
        "intake-desk": [
            *("/reception/doubts", "/matches?status=different"),
            *("/exports/new", "/exports/new?kind=identified", "/emergencies", "/emergencies/new"),
        ],
        "provider-renap": ["/offers", waiting, f"{waiting}/decline"],
        "provider-casa-del-migrante": [
            *("/offers?tab=serving", "/offers?tab=ended", "/offers/deletions", serving, f"{serving}/packet"),
            *(f"{serving}/complete", f"{serving}/not-delivered", "/stays", f"/stays/{known.serving['referral_id']}"),
            *("/places", f"/places/{known.serving['provider_service_id']}"),
            *("/endpoints", f"/endpoints/{known.endpoint_id}", f"/endpoints/{known.endpoint_id}/delete"),
            *("/endpoints/deliveries", f"/endpoints/deliveries/{known.delivery_id}"),
        ],
        "restricted-desk": [
            *("/work", *(f"/work/{one}" for one in LISTS), f"/work/needs/{known.restricted_need_id}"),
            *("/work/hand-over", "/work/absences", "/cases", f"/cases/{known.restricted['id']}"),
        ],
        "shelter-desk": [
            f"/work/needs/{known.serving_need_id}",
            f"/cases/offers/{known.serving['id']}",
        ],
        "network-steward": ["/tonight", *_directory(known)],
        "child-desk": ["/child-releases", "/child-releases?status=cancelled", "/child-releases/new"],
        "screener": ["/screening", f"/reception/people/{known.returnee_id}/screening"],
        "data-protection-officer": [
            *("/people-data", f"/people-data/{known.returnee_id}", f"/people-data/{known.returnee_id}/erasure"),
            *("/emergencies?reviewed=true", f"/emergencies/{known.emergency_id}"),
            *("/exports", "/exports?waiting=true", f"/exports/{known.export_id}"),
            *("/incidents", "/incidents?list=closed", "/incidents/new", f"/incidents/{known.incident_id}"),
        ],
    }


def _reception(known: Known) -> Sequence[str]:
    person, unrefined = f"/reception/people/{known.returnee_id}", f"/reception/people/{known.unrefined_id}"
    return [
        *("/reception", "/reception?all=true", f"/reception/batches/{known.batch_id}", "/reception/search"),
        *("/reception/register", f"/reception/register?batch={known.batch_id}"),
        *(person, f"{person}/slip", f"{person}/profile", f"{person}/identity", f"{person}/contact"),
        *(
            f"{person}/household",
            f"{person}/excluded",
            f"{person}/needs",
            f"{unrefined}/needs/{known.told_need_id}/refine",
        ),
        *(f"{person}/consents", f"{person}/consents/new"),
        *("/matches", f"/matches/{known.match_id}"),
    ]


def _directory(known: Known) -> Sequence[str]:
    organization = f"/directory/organizations/{known.serving['organization_id']}"
    service = f"/directory/services/{known.serving['provider_service_id']}"
    location = f"/directory/locations/{known.location_id}"
    return [
        *("/directory", "/directory/organizations", organization, f"{organization}/edit", f"{organization}/suspend"),
        *("/directory/services", service, f"{service}/edit", f"{service}/suspend"),
        *(location, f"{location}/edit", f"/directory/places/{known.serving['provider_service_id']}"),
    ]
