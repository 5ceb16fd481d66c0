"""One registered person: the page, corrections, household, safe contact, slip."""

import re
from html import unescape
from typing import Any

import pytest

from services.console.intake.rules import SLIPS
from tests.console.told_arrivals import (
    CLERK,
    CODE,
    HOUSEHOLD,
    OTHER,
    PERSON,
    clerk,
    person,
    tell_person,
)
from tests.console.world import World

PAGE = f"/reception/people/{PERSON}"
API = f"/v1/returnees/{PERSON}"
HOUSEHOLD_ROW = {
    "id": HOUSEHOLD,
    "version": 7,
    "reference_returnee_id": PERSON,
    "member_ids": [PERSON, OTHER],
    "expected_size": 3,
    "stay_together": True,
}


def _title(text: str) -> str:
    found = re.search(r"<title>(.*?)</title>", text)
    assert found is not None
    return unescape(found[1])


async def test_the_page_of_a_person_has_the_case_code_in_its_title_and_the_name_only_inside(world: World):
    tell_person(world)
    shown = await clerk(world).get(PAGE)
    assert shown.status_code == 200
    assert CODE in _title(shown.text)
    assert "Canario" not in _title(shown.text)
    text = unescape(shown.text)
    assert "Marta Ixchel Canario Tuj" in text
    assert "K'iche', Spanish" in text
    for link in ("needs", "household", "consents", "contact", "profile", "identity", "slip"):
        assert f'href="{PAGE}/{link}"' in text
    assert shown.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["", "/slip", "/needs", "/household", "/consents", "/contact", "/profile", "/identity"]
)
async def test_no_page_of_a_person_has_a_name_in_its_title(world: World, path: str):
    tell_person(world)
    shown = await clerk(world).get(PAGE + path)
    assert shown.status_code == 200
    assert "Canario" not in _title(shown.text)
    assert CODE in _title(shown.text)


async def test_a_part_whose_service_is_away_is_missing_and_the_page_is_there(world: World):
    world.services.away.add("registration")
    shown = await clerk(world).get(PAGE)
    assert shown.status_code == 200
    assert "does not answer now" in shown.text


async def test_a_person_who_does_not_exist_for_the_reader_is_not_found(world: World):
    assert (await clerk(world).get(PAGE)).status_code == 404


async def test_the_pages_of_a_person_need_their_rights(world: World):
    tell_person(world)
    reader = world.client("returnees:read")
    shown = await reader.get(PAGE)
    assert "Marta" in shown.text
    for part in ("household", "contact", "profile", "identity"):
        assert f"{PAGE}/{part}" not in shown.text
        assert (await reader.get(f"{PAGE}/{part}")).status_code == 404
        assert (await reader.post(f"{PAGE}/{part}")).status_code == 404
    assert (await world.client("returnees:write").get(PAGE)).status_code == 404
    assert {one.method for one in world.services.asked} == {"GET"}


async def test_the_slip_is_in_the_language_of_the_person_and_says_nothing_about_them(world: World):
    tell_person(world, profile={"languages": ["eng", "spa"]})
    shown = await clerk(world, language="es").get(f"{PAGE}/slip")
    slip = re.search(r"<article.*?</article>", shown.text, re.DOTALL)
    assert slip is not None
    assert 'lang="en"' in slip[0]
    assert "What happens next" in slip[0]
    assert CODE in slip[0]
    for never in ("Marta", "Canario", "1995", "wheelchair", "return", "health"):
        assert never not in slip[0].lower()
    other = await clerk(world).get(f"{PAGE}/slip?language=es")
    assert "Qué pasa ahora" in other.text


async def test_a_slip_in_a_language_that_does_not_exist_is_in_spanish_and_the_clerk_is_told(world: World):
    tell_person(world, profile={"languages": ["quc"]})
    shown = await clerk(world).get(f"{PAGE}/slip")
    assert 'lang="es"' in shown.text
    assert "There is no slip in a language of this person" in shown.text
    spoken = await clerk(world).get(f"{PAGE}/slip?language=es")
    assert "There is no slip in a language" not in spoken.text


def test_every_slip_says_the_same():
    shapes = {(len(one.next_steps), len(one.rights)) for one in SLIPS.values()}
    assert len(shapes) == 1


async def test_the_form_for_the_details_shows_what_is_known_and_sends_it_with_its_version(world: World):
    tell_person(world)
    shown = await clerk(world).get(f"{PAGE}/profile")
    text = unescape(shown.text)
    assert 'name="languages" value="quc" checked' in text
    assert 'name="access_needs" value="wheelchair" checked' in text
    assert 'name="documents_held" value="birth_certificate" checked' in text
    assert 'name="avoid_places" value="GT1217" checked' in text
    assert '<option value="GT09" selected>Quetzaltenango' in text
    assert "only protected referrals" not in text
    assert 'name="version" value=\'"4"\'' in text or 'name="version" value="&#34;4&#34;"' in shown.text
    world.services.tell("registration", API, _without_identity(), method="PATCH")
    answer = await clerk(world).post(
        f"{PAGE}/profile",
        version='"4"',
        client_kind="returnee",
        languages=["quc"],
        destination="",
        documents_shown="yes",
        protection_flags=["fears_return"],
        return_signs=["pushback"],
    )
    assert answer.headers["location"] == PAGE
    (sent,) = world.services.sent("PATCH", API)
    assert sent.headers["if-match"] == '"4"'
    assert sent.body == {
        "profile": {
            "client_kind": "returnee",
            "destination": None,
            "access_needs": [],
            "protection_flags": ["fears_return"],
            "avoid_places": [],
            "documents_held": [],
            "languages": ["quc"],
        },
        "return_facts": {"kind": None, "order": None, "mode": None, "signs": ["pushback"]},
    }


def _without_identity() -> dict[str, Any]:
    return {name: value for name, value in person().items() if name not in ("identity", "sender_reference")}


async def test_the_flag_of_protected_referrals_exists_only_for_those_who_may_see_it(world: World):
    tell_person(world)
    assert "restricted_path" not in (await clerk(world).get(f"{PAGE}/profile")).text
    assert "restricted_path" in (await world.client(*CLERK, "restricted:read").get(f"{PAGE}/profile")).text


async def test_documents_do_not_change_while_their_names_are_missing(world: World):
    tell_person(world)
    world.services.away.add("provider_directory")
    shown = await clerk(world).get(f"{PAGE}/profile")
    assert "so they do not change" in shown.text
    assert "documents_shown" not in shown.text
    world.services.tell("registration", API, _without_identity(), method="PATCH")
    await clerk(world).post(f"{PAGE}/profile", version='"4"', client_kind="returnee", languages=["spa"])
    (sent,) = world.services.sent("PATCH", API)
    assert "documents_held" not in sent.body["profile"]


async def test_a_correction_of_an_old_version_keeps_what_was_typed_and_has_the_new_version(world: World):
    tell_person(world)
    world.services.refuse("registration", API, "version-mismatch", method="PATCH", status=412)
    answer = await clerk(world).post(
        f"{PAGE}/identity",
        version='"3"',
        given_names="Marta Isabel",
        family_names="Canario",
        birth_date="",
        age_group="child",
        age_basis="document",
        sex="female",
        nationality="GT",
        identity_document="held",
        document_number="",
    )
    assert answer.status_code == 412
    text = unescape(answer.text)
    assert "Somebody has changed this in the meantime" in text
    assert 'value="Marta Isabel"' in text
    assert 'value=""4""' in text
    (sent,) = world.services.sent("PATCH", API)
    assert sent.body == {
        "identity": {
            "given_names": "Marta Isabel",
            "family_names": "Canario",
            "birth_date": None,
            "document_number": None,
        },
        "profile": {
            "age": {"group": "child", "basis": "document"},
            "sex": "female",
            "nationality": "GT",
            "identity_document": "held",
        },
    }


CONTACT = {
    "channel": "sms",
    "address": "+50251234567",
    "language": "quc",
    "hours_from": 8,
    "hours_until": 20,
    "may_leave_message": False,
    "address_owner": "relative",
    "code_word": "zanate",
    "may_name_organization": True,
}


async def test_a_safe_contact_is_sent_and_never_shown_again(world: World):
    tell_person(world)
    kept = CONTACT | {"expires_at": "2026-07-02T06:00:00Z", "confirmed_at": "2026-03-02T15:00:00Z", "version": 1}
    world.services.tell("registration", f"{API}/safe-contact", kept, method="PUT")
    browser = clerk(world)
    answer = await browser.post(
        f"{PAGE}/contact",
        channel="sms",
        address="5123 4567",
        language="quc",
        hours_from="8",
        hours_until="20",
        address_owner="relative",
        code_word="zanate",
        may_name_organization="yes",
        expires_on="2026-07-01",
    )
    assert answer.headers["location"] == PAGE
    (sent,) = world.services.sent("PUT", f"{API}/safe-contact")
    assert sent.body == CONTACT | {"address": "5123 4567", "expires_at": "2026-07-02T00:00:00-06:00"}
    for path in (PAGE, f"{PAGE}/contact"):
        assert "zanate" not in (await browser.get(path)).text
        assert "4567" not in (await browser.get(path)).text
    assert world.services.sent("GET", f"{API}/safe-contact") == []


async def test_a_number_that_is_none_is_shown_at_its_field_with_what_was_typed(world: World):
    tell_person(world)
    fault = {"pointer": "/address", "rule": "phone-number", "detail": "x"}
    path = f"{API}/safe-contact"
    world.services.refuse("registration", path, "invalid-input", method="PUT", status=422, errors=[fault])
    answer = await clerk(world).post(f"{PAGE}/contact", channel="call", address="no tiene")
    assert answer.status_code == 422
    assert "This is not a telephone number" in answer.text
    assert 'value="no tiene"' in answer.text


async def test_a_desk_sees_that_an_ended_contact_must_be_asked_again(world: World):
    tell_person(world)
    assert "none is known: ask the person" in (await clerk(world).get(PAGE)).text
    ended = {"state": "ended", "expires_at": "2026-02-02T06:00:00Z"}
    world.services.tell("registration", f"{API}/safe-contact/state", ended)
    assert "it has ended: ask the person again" in (await clerk(world).get(PAGE)).text


@pytest.mark.parametrize("typed", ["tomorrow", "9999-12-31"])
async def test_a_day_that_is_none_is_sent_as_it_was_typed_and_refused_at_its_field(world: World, typed: str):
    tell_person(world)
    fault = {"pointer": "/expires_at", "rule": "too-far-ahead", "detail": "x"}
    path = f"{API}/safe-contact"
    world.services.refuse("registration", path, "invalid-input", method="PUT", status=422, errors=[fault])
    answer = await clerk(world).post(f"{PAGE}/contact", channel="call", address="5123 4567", expires_on=typed)
    (sent,) = world.services.sent("PUT", path)
    assert (answer.status_code, sent.body["expires_at"]) == (422, typed)
    assert 'id="expires_on"' in answer.text
    assert f'value="{typed}"' in answer.text
