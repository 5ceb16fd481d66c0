"""What a registered person allows."""

from html import unescape

import pytest

from services.console.consents.rules import ALWAYS, LONG_CODES, RECIPIENTS, TEXTS, described, staff_reference
from tests.console.told_arrivals import (
    CONSENT,
    KEY,
    PERSON,
    clerk,
    consent,
    page,
    tell_person,
)
from tests.console.world import World

PAGE = f"/reception/people/{PERSON}"
NEEDS = f"/v1/returnees/{PERSON}/needs"
CONSENTS = f"/v1/returnees/{PERSON}/consents"
GIVEN = {
    "form_key": KEY,
    "given_at": "2026-03-02T15:00:00+00:00",
    "text_language": "es",
    "purpose": "referral",
    "given_by": "self",
    "method": "voice",
    "language": "quc",
    "months": "12",
    "revocation_explained": "yes",
}


async def test_a_consent_is_read_in_the_persons_language_and_recorded_with_its_nine_elements(world: World):
    tell_person(world, profile={"languages": ["spa"]})
    browser = clerk(world)
    shown = unescape((await browser.get(f"{PAGE}/consents/new")).text)
    assert TEXTS["es"]["referral"] in shown
    assert ALWAYS["es"] in shown
    assert "There is no text in a language of this person" not in shown
    world.services.tell("registration", CONSENTS, consent(), method="POST", status=201)
    answer = await browser.post(f"{PAGE}/consents/new", **GIVEN)
    assert answer.headers["location"] == f"{PAGE}/consents"
    (sent,) = world.services.sent("POST", CONSENTS)
    assert sent.headers["idempotency-key"] == KEY
    assert sent.body == {
        "purpose": "referral",
        "recipient_class": "providers",
        "data_described": described("referral", "es"),
        "given_by": "self",
        "method": "voice",
        "language": "quc",
        "staff_reference": "test-person",
        "given_at": "2026-03-02T15:00:00+00:00",
        "expires_at": "2027-03-02T15:00:00+00:00",
        "revocation_explained": True,
    }


async def test_a_witness_is_sent_and_one_who_is_missing_is_asked_for(world: World):
    tell_person(world)
    browser = clerk(world)
    world.services.tell("registration", CONSENTS, consent(), method="POST", status=201)
    await browser.post(f"{PAGE}/consents/new", **GIVEN, witness="desk 77")
    (sent,) = world.services.sent("POST", CONSENTS)
    assert sent.body["witness_reference"] == "desk-77"
    fault = {"pointer": "/witness_reference", "rule": "witness-required", "detail": "x"}
    world.services.refuse("registration", CONSENTS, "invalid-input", status=422, errors=[fault])
    answer = await browser.post(f"{PAGE}/consents/new", **GIVEN)
    assert "somebody else must have heard the decision" in answer.text


async def test_a_language_without_a_text_is_said_and_spanish_stands_in(world: World):
    tell_person(world, profile={"languages": ["quc"]})
    shown = unescape((await clerk(world).get(f"{PAGE}/consents/new")).text)
    assert "There is no text in a language of this person" in shown
    assert TEXTS["es"]["referral"] in shown
    assert '<option value="quc" selected>' in shown
    english = unescape((await clerk(world).get(f"{PAGE}/consents/new?language=en")).text)
    assert TEXTS["en"]["referral"] in english


async def test_a_child_cannot_be_the_one_who_decides(world: World):
    tell_person(world, profile={"age_group": "child"})
    shown = await clerk(world).get(f"{PAGE}/consents/new")
    assert 'value="self"' not in shown.text
    assert 'value="guardian"' in shown.text


async def test_a_refused_consent_keeps_what_was_chosen_and_shows_the_fault(world: World):
    tell_person(world)
    fault = {"pointer": "/revocation_explained", "rule": "revocation-explained", "detail": "x"}
    world.services.refuse("registration", CONSENTS, "invalid-input", status=422, errors=[fault])
    typed = {**GIVEN, "purpose": "family_contact", "text_language": "en"}
    del typed["revocation_explained"]
    answer = await clerk(world).post(f"{PAGE}/consents/new", **typed)
    assert answer.status_code == 422
    assert "First explain to the person how to withdraw it." in answer.text
    assert 'value="family_contact" required checked' in answer.text
    assert f'name="given_at" value="{GIVEN["given_at"]}"' in answer.text
    assert TEXTS["en"]["family_contact"] in unescape(answer.text)
    assert world.services.sent("POST", CONSENTS)[0].body["revocation_explained"] is False


async def test_consents_are_shown_in_words_and_can_be_withdrawn(world: World):
    tell_person(world)
    browser = clerk(world)
    text = unescape((await browser.get(f"{PAGE}/consents")).text)
    assert "finding help at organisations → organisations that help" in text
    assert "Lo que se leyó." in text
    path = f"{CONSENTS}/{CONSENT}/withdraw"
    world.services.tell("registration", path, consent(standing=False), method="POST")
    answer = await browser.post(f"{PAGE}/consents/{CONSENT}/withdraw", form_key=KEY)
    assert answer.headers["location"] == f"{PAGE}/consents"
    assert world.services.sent("POST", path)[0].headers["idempotency-key"] == KEY
    world.services.refuse("registration", path, "consent-already-withdrawn")
    refused = await browser.post(f"{PAGE}/consents/{CONSENT}/withdraw")
    assert "This consent was withdrawn already." in refused.text


@pytest.mark.parametrize("language", list(LONG_CODES))
def test_every_purpose_has_a_text_in_each_language(language: str):
    assert set(TEXTS[language]) == set(RECIPIENTS)
    assert max(len(described(purpose, language)) for purpose in RECIPIENTS) <= 2000


def test_a_subject_of_any_issuer_becomes_a_reference():
    assert staff_reference("auth0|José") == "auth0-Jos-"
    assert staff_reference("") == "-"


ORGANIZATION = "01956b0e-0000-7a11-8f00-00000000000a"


async def test_a_person_may_allow_it_to_one_organisation_only(world: World):
    tell_person(world, profile={"languages": ["spa"]})
    browser = clerk(world)
    entry = {
        "id": ORGANIZATION,
        "name": "Casa & Ejemplo",
        "description": "Sample.",
        "alternate_name": None,
        "website": None,
        "organization_type": "civil_society",
        "status": "active",
        "acts_for": None,
        "version": 1,
        "accreditations": [],
        "agreements": [],
        "created_at": "2026-03-02T14:45:00Z",
        "changed_at": "2026-03-02T14:45:00Z",
    }
    suspended = {**entry, "id": PERSON, "name": "Casa Cerrada", "status": "suspended"}
    world.services.tell("provider_directory", "/v1/organizations", page(entry, suspended))
    shown = unescape((await browser.get(f"{PAGE}/consents/new")).text)
    assert "Casa & Ejemplo" in shown
    assert "Casa Cerrada" not in shown
    named = {"recipient_class": None, "recipient_organization_id": ORGANIZATION, "recipient_name": "Casa & Ejemplo"}
    world.services.tell("registration", CONSENTS, consent(**named), method="POST", status=201)
    await browser.post(f"{PAGE}/consents/new", **GIVEN, organization=ORGANIZATION)
    (sent,) = world.services.sent("POST", CONSENTS)
    assert "recipient_class" not in sent.body
    assert (sent.body["recipient_organization_id"], sent.body["recipient_name"]) == (ORGANIZATION, "Casa & Ejemplo")
    assert "solo para Casa & Ejemplo, y para ninguna otra" in sent.body["data_described"]
    world.services.tell("registration", CONSENTS, [consent(**named)])
    listed = unescape((await browser.get(f"{PAGE}/consents")).text)
    assert "finding help at organisations → Casa & Ejemplo" in listed
