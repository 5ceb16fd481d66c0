"""Refusing optional sharing changes no basic service (domain P3): random journeys through the real service.

Each journey is registered three times: by somebody who allows only what the packets of basic services need, by
somebody who allows more, and by somebody who allows nothing. Only the consents differ.
"""

from __future__ import annotations

from random import Random
from typing import Any
from uuid import uuid4

import pytest

from libs.events.codes import ConsentPurpose
from tests.service.registration.conftest import Registration, a_consent, a_returnee
from tests.service.registration.test_packets import accepted, facts, fetch

RECIPIENTS = {
    "family_contact": "family",
    "follow_up": "network_staff",
    "employer_sharing": "employers",
    "statistics": "statistics_office",
    "research": "statistics_office",
    "justice": "justice_bodies",
}
JOURNEYS = 8
OF_ONE = {"returnee_id", "need_id", "case_code", "traceparent", "reported_at", "household_id", "id"}
"""Fields that differ between any two people."""


def a_journey(chance: Random, basic: list[str]) -> dict[str, Any]:
    """The answers of one person, without consents."""
    return {
        "identity": {"given_names": "Muestra Igual", "family_names": f"Ejemplo {chance.randrange(9)}"},
        "profile": {
            "nationality": "GT",
            "identity_document": chance.choice(["held", "lost_on_route", "never_applied"]),
            "sex": chance.choice(["female", "male", "unknown"]),
            "languages": chance.sample(["spa", "quc", "mam"], k=chance.randint(1, 2)),
            "access_needs": chance.sample(["wheelchair"], k=chance.randint(0, 1)),
            "age": {"group": chance.choice(["adult", "unsure"]), "basis": "own_word"},
        },
        "needs": [
            {"category": one, "urgency": chance.choice(["normal", "urgent", "emergency"])}
            for one in chance.sample(basic, k=chance.randint(1, 3))
        ],
    }


@pytest.mark.parametrize("seed", range(JOURNEYS))
async def test_whoever_allows_more_gets_the_same_needs_and_packets_of_basic_services(
    registration: Registration, seed: int
):
    chance = Random(seed)
    taxonomy, restricted = registration.pack.taxonomy.categories, registration.pack.routing.restricted
    basic = sorted(one for one, category in taxonomy.items() if category.basic and one not in restricted)
    journey = a_journey(chance, basic)
    optional = chance.sample(sorted(RECIPIENTS), k=chance.randint(1, len(RECIPIENTS)))
    core = [a_consent()]
    more = core + [a_consent(purpose=one, recipient_class=RECIPIENTS[one]) for one in optional]
    services = {one["category"]: chance.choice(["temporary_shelter", "hot_meals", "refreshments"]) for one in
                journey["needs"]}  # fmt: skip
    least, most, nothing = [await what_follows(registration, journey, one, services) for one in (core, more, [])]
    assert least["packets"], "there is something to compare"
    assert most == least
    assert (nothing["needs"], nothing["told"]) == (least["needs"], least["told"])
    assert {status for status, _ in nothing["packets"]} == {403}, "without any consent nobody learns who it is"


async def what_follows(
    registration: Registration, journey: dict[str, Any], consents: list[dict[str, Any]], services: dict[str, str]
) -> dict[str, Any]:
    """What is kept of a person, what referral is told, and what providers of basic services get."""
    answer = await registration.post(
        "/v1/returnees", a_returnee(consents=consents, sender_reference=str(uuid4()), **journey)
    )
    assert answer.status_code == 201, answer.text
    person = answer.json()
    shown = (await registration.get(f"/v1/returnees/{person['id']}/needs")).json()["items"]
    told = await registration.events("need.reported.v1", "returnee.registered.v1", key=person["id"])
    packets = []
    for category, service_type in sorted(services.items()):
        known = facts(person, category=category)
        await registration.hear(accepted(known, service_type=service_type))
        packet = await fetch(registration, known)
        body = packet.json()
        packets.append(
            (packet.status_code, [body.get(one) for one in ("category", "fields", "person", "safe_contact")])
        )
    return {
        "needs": sorted((one["category"], one["urgency"], one["status"]) for one in shown),
        "told": [{name: value for name, value in one.items() if name not in OF_ONE} for one in told],
        "packets": packets,
    }


def test_all_purposes_that_no_basic_service_needs_are_optional_here():
    assert set(RECIPIENTS) | {"referral", "registration_services"} == set(ConsentPurpose)
