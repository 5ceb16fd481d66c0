"""The calls for one case, made side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from services.console.answers import Json, Part
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
    explanations, stays = await asyncio.gather(
        _explanations(person, rules.explained(journey)), _stays(person, journey["referrals"])
    )
    names = await names_of(person, [*journey["offers"], *journey["referrals"], *_told_services(explanations)])
    return {
        "journey": journey,
        "needs": needs,
        "waterfall": rules.waterfall(journey, now=person.moments.now),
        "timeline": timeline,
        "explanations": explanations,
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
    explanations = {offer_id: Part(value=told.body)}
    names, taxonomy = await asyncio.gather(
        names_of(person, [offer.body, *_told_services(explanations)]), taxonomy_of(person)
    )
    return {"offer": offer.body, "explanations": explanations, "names": names, "taxonomy": taxonomy}


async def _explanations(person: Person, offer_ids: Sequence[str]) -> dict[str, Part[Any]]:
    async def read(offer_id: str) -> Any:
        return (await person.calls.get(Service.REFERRAL, f"/v1/offers/{offer_id}/explanation")).body

    found = await asyncio.gather(*(part(read(offer_id)) for offer_id in offer_ids))
    return dict(zip(offer_ids, found, strict=True))


def _told_services(explanations: dict[str, Part[Any]]) -> list[Json]:
    told = [one.value for one in explanations.values() if one.there and one.value is not None]
    return [
        {"provider_service_id": row["provider_service_id"]}
        for one in told
        for row in [*one["ranked"][:10], *one["excluded"][:30]]
    ]


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
