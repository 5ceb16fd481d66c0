"""The calls for one case, made side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from services.console.answers import Json
from services.console.calls import Service, part
from services.console.cases import rules
from services.console.labels.reasons import reason_words
from services.console.people import Person
from services.console.taxonomy import names_of, taxonomy_of

_TIMELINE: Final = 50
_STAYS: Final = 4


async def find(person: Person, code: str) -> str:
    """The returnee of a case code; after a merge, the one under whom the journey continues. Raises Refused (404)."""
    found = (await person.calls.send("POST", Service.REFERRAL, "/v1/cases/search", {"case_code": code})).body
    return str(found["merged_into"] or found["returnee_id"])


async def case(person: Person, returnee_id: str, *, after: str | None) -> Json:
    """Everything that the page of a case shows. The journey must be there; the rest may be missing."""
    journey_path = f"/v1/returnees/{returnee_id}/journey"
    read, timeline, taxonomy = await asyncio.gather(
        person.calls.get(Service.REFERRAL, journey_path),
        part(timeline_of(person, returnee_id, after=after)),
        taxonomy_of(person),
    )
    journey: Json = read.body
    needs = rules.needs_of(journey)
    stays, names = await asyncio.gather(
        _stays(person, journey["referrals"]), names_of(person, [*journey["offers"], *journey["referrals"]])
    )
    return {
        "journey": journey,
        "needs": needs,
        "waterfall": rules.waterfall(journey, now=person.moments.now),
        "timeline": timeline,
        "stays": stays,
        "taxonomy": taxonomy,
        "names": names,
        "reason_of": partial(reason_words, person.words, kind=taxonomy.kind),
    }


async def timeline_of(person: Person, returnee_id: str, *, after: str | None) -> Json:
    """One page of the timeline, the newest entry first."""
    path = f"/v1/returnees/{returnee_id}/timeline"
    found: Json = (await person.calls.get(Service.REFERRAL, path, order="newest", limit=_TIMELINE, after=after)).body
    return found


async def explanation(person: Person, offer_id: str) -> Json:
    """Why an offer went to its service, with the names of the services."""
    offer, told = await asyncio.gather(
        person.calls.get(Service.REFERRAL, f"/v1/offers/{offer_id}"),
        person.calls.get(Service.REFERRAL, f"/v1/offers/{offer_id}/explanation"),
    )
    services = [{"provider_service_id": one["provider_service_id"]} for one in _told(told.body)]
    names, taxonomy = await asyncio.gather(names_of(person, [offer.body, *services]), taxonomy_of(person))
    return {"offer": offer.body, "explanation": told.body, "names": names, "taxonomy": taxonomy}


def _told(explanation: Json) -> list[Json]:
    """The services that the page names."""
    return [*explanation["ranked"][:10], *explanation["excluded"][:30]]


async def _stays(person: Person, referrals: Sequence[Json]) -> dict[str, Json]:
    """The stays of the referrals that are in service or have just ended, by referral."""
    newest = sorted(referrals, key=lambda one: str(one["opened_at"]), reverse=True)
    asked = [one["id"] for one in newest if one["status"] in ("in_service", "completed")][:_STAYS]

    async def read(referral_id: str) -> Json:
        found: Json = (await person.calls.get(Service.REFERRAL, f"/v1/referrals/{referral_id}/stay")).body
        return found

    found = await asyncio.gather(*(part(read(referral_id)) for referral_id in asked))
    return {
        referral_id: one.value
        for referral_id, one in zip(asked, found, strict=True)
        if one.there and one.value is not None
    }
