"""The calls that the pages make to read. A part whose service is away says so; the rest is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.console.answers import Json, Part
from services.console.calls import Service, part, together
from services.console.choices import coded, language_name
from services.console.deletions.queries import open_deletions
from services.console.labels.reasons import reason_words
from services.console.offers import rules
from services.console.people import Person
from services.console.taxonomy import Taxonomy, names_of, taxonomy_of

_SHOWN: Final = 25


async def waiting(person: Person, *, most: int) -> Json:
    """The offers that wait for an answer, the most urgent first and at most `most`, how many there are, and how many
    requests to delete data wait."""
    page, counts, taxonomy, deletions = await asyncio.gather(
        part(person.calls.get(Service.REFERRAL, "/v1/offers", order="most_urgent", limit=most)),
        part(person.calls.get(Service.REFERRAL, "/v1/offers/counts")),
        taxonomy_of(person),
        part(open_deletions(person)),
    )
    more = {"deletions": deletions, "decline_reasons": coded(person.words, "decline_reason")}
    if page.value is None:
        return {"rows": page, "total": None, "there_are_more": False, **more}
    shown = await _rows(person, page.value.body["items"], taxonomy)
    total = None if counts.value is None else counts.value.body["waiting"]
    return {"rows": Part(value=shown), "total": total, "there_are_more": page.value.body["next"] is not None, **more}


async def serving(person: Person, *, after: str | None) -> Json:
    """The offers whose service has been accepted and has not ended, oldest first."""
    return await _list(person, referral_status=list(rules.SERVING), after=after)


async def ended(person: Person, *, kind: str, after: str | None) -> Json:
    """The offers that have ended in this way, newest first."""
    return await _list(person, **rules.ENDED[kind], order="newest", after=after)


async def _list(person: Person, **query: Any) -> Json:
    page, taxonomy, deletions = await asyncio.gather(
        part(person.calls.get(Service.REFERRAL, "/v1/offers", limit=_SHOWN, **query)),
        taxonomy_of(person),
        part(open_deletions(person)),
    )
    if page.value is None:
        return {"rows": page, "after": None, "deletions": deletions}
    rows = await _rows(person, page.value.body["items"], taxonomy)
    return {"rows": Part(value=rows), "after": page.value.body["next"], "deletions": deletions}


async def _rows(person: Person, offers: Sequence[rules.Json], taxonomy: Taxonomy) -> list[Json]:
    names = await names_of(person, offers)
    return [row(person, one, taxonomy, service=names.service(one["provider_service_id"])) for one in offers]


def row(person: Person, offer: rules.Json, taxonomy: Taxonomy, *, service: str) -> Json:
    """What the page shows of an offer: its codes in words."""
    stands_in = offer["offered_kind"] is not None and offer["offered_kind"] != offer["kind"]
    return {
        **offer,
        "need": taxonomy.need(offer["category"], offer["kind"]),
        "details": details_of(person, offer["detail_values"], taxonomy),
        "stand_in": taxonomy.kind(offer["offered_kind"]) if stands_in else None,
        "service": service,
        "buttons": buttons_of(person, offer),
    }


def details_of(person: Person, told: Sequence[rules.Json], taxonomy: Taxonomy) -> list[tuple[str, str]]:
    """The details of a need in words."""
    return rules.details(
        told,
        name=taxonomy.detail,
        value=taxonomy.value,
        yes=person.words("yes"),
        no=person.words("no"),
        areas=person.console.pack.areas,
        language=lambda code: language_name(person.words, code),
        forms={one["code"]: one["form"] for one in taxonomy.document.get("details", ())},
    )


def buttons_of(person: Person, offer: rules.Json) -> rules.Buttons:
    """What this person may do with an offer now."""
    of_organization = person.rights.organization_id is not None
    return rules.buttons(
        offer,
        answers=of_organization and person.may("offers:answer"),
        reports=person.may("referrals:write"),
        reads_packets=of_organization and person.may("packets:read"),
        staff=person.rights.staff,
    )


async def read_offer(person: Person, offer_id: str) -> Json:
    """One offer. Raises Refused with 404 if it does not exist for this person."""
    found: Json = (await person.calls.get(Service.REFERRAL, f"/v1/offers/{offer_id}")).body
    return found


async def offer(person: Person, offer_id: str) -> Json:
    """One offer with its referral, its stay and what has happened."""
    read, taxonomy, history = await asyncio.gather(
        read_offer(person, offer_id), taxonomy_of(person), part(_history(person, offer_id))
    )
    names, more = await asyncio.gather(names_of(person, [read]), _service_of(person, read))
    if history.value is not None:
        history = Part(value=rules.of_this_offer(history.value, read))
    shown = row(person, read, taxonomy, service=names.service(read["provider_service_id"]))
    said = {
        "decline_reasons": coded(person.words, "decline_reason"),
        "not_delivered_reasons": coded(person.words, "not_delivered_reason"),
        "step_reason": lambda entry: reason_words(person.words, entry["step"], entry["reason"], kind=taxonomy.kind),
        "fact_value": lambda fact, value: rules.fact_value(taxonomy.document, fact, value),
    }
    return {"offer": shown, "taxonomy": taxonomy, "history": history, **said, **more}


async def _history(person: Person, offer_id: str) -> list[Json]:
    if not person.may("referrals:read"):
        return []
    return await person.calls.rows(Service.REFERRAL, f"/v1/offers/{offer_id}/timeline", most=500)


async def _service_of(person: Person, offer: Json) -> Mapping[str, Any]:
    """The referral of an accepted offer and, while its service runs, its stay (a part with a 404: it has none)."""
    nothing: dict[str, Part[Any]] = {"referral": Part(), "stay": Part()}
    if offer["referral_status"] is None or not person.may("referrals:read"):
        return nothing
    path = f"/v1/referrals/{offer['referral_id']}"
    if offer["referral_status"] == "in_service":
        return nothing | await together(stay=person.calls.get(Service.REFERRAL, f"{path}/stay"))
    return nothing | await together(referral=person.calls.get(Service.REFERRAL, path))


async def packet(person: Person, offer_id: str) -> Json:
    """The data of the person of an accepted offer. Each call is recorded by registration."""
    found, taxonomy = await asyncio.gather(
        part(person.calls.get(Service.REGISTRATION, f"/v1/packets/{offer_id}")), taxonomy_of(person)
    )
    spoken = {"language": lambda code: language_name(person.words, code), "areas": person.console.pack.areas}
    return {"packet": found, "taxonomy": taxonomy, **spoken}


async def completion(person: Person, offer_id: str, *, given_kind: str | None) -> Json:
    """What the form for a completion asks, for the kind that was given."""
    found, taxonomy, facts = await asyncio.gather(
        read_offer(person, offer_id),
        taxonomy_of(person),
        person.calls.get(Service.REFERRAL, "/v1/referrals/completion-facts"),
    )
    kinds = taxonomy.kinds(found["category"])
    given = given_kind if given_kind in dict(kinds) else None
    kind = given or found["offered_kind"]
    asked = rules.questions(facts.body, taxonomy.document, kind=kind, service_type=found["service_type"])
    shown = row(person, found, taxonomy, service="")
    choices = {"outcomes": coded(person.words, "outcome"), "yes_no": coded(person.words, "yes_no")}
    more = {"kinds": kinds, "given_kind": given, "questions": asked, **choices}
    return {"offer": shown, "taxonomy": taxonomy, **more}
