"""People's own data: who looked at what, consents, answers of organisations, erasure with its confirmation."""

from __future__ import annotations

from typing import Any

import pytest

from services.console.labels import fields_in_words
from services.console.words import all_words
from tests.console.told import AT, id_, page
from tests.console.told_arrivals import CODE, CONSENT, KEY, PERSON, consent, person
from tests.console.told_directory import organization
from tests.console.told_provider import ORGANIZATION
from tests.console.world import Browser, World

SCOPES = ("returnees:read", "access-log:read", "erasure:write", "consents:write", "deletions:read", "directory:read")
PATH = f"/v1/returnees/{PERSON}"
PAGE = f"/people-data/{PERSON}"


def officer(world: World, *, without: str = "", staff: bool = True) -> Browser:
    """A browser of the data protection officer."""
    return world.client(*(one for one in SCOPES if one != without), staff=staff)


IN_A_ROLE = ["desk:shelters", "role:lead_desk"]


def look(**changes: Any) -> dict[str, Any]:
    return {
        "at": AT,
        "kind": "read",
        "action": "packet.read",
        "who": "casa-del-migrante",
        "client_id": "casa-del-migrante",
        "organization_id": ORGANIZATION,
        "purpose": "referral",
        "fields": ["given_names", "languages"],
        "referral_id": None,
        "offer_id": None,
        "trace_id": None,
        "acting_as": [],
        **changes,
    }


def desk_look(**changes: Any) -> dict[str, Any]:
    row = look(action="read_journey", who="igm-shelter-desk", organization_id=None, **changes)
    return {name: value for name, value in row.items() if name not in ("referral_id", "offer_id")} | {"record_ids": []}


def deletion(**changes: Any) -> dict[str, Any]:
    return {
        "offer_id": id_(),
        "referral_id": id_(),
        "organization_id": ORGANIZATION,
        "case_code": CODE,
        "reason": "consent_withdrawn",
        "requested_at": AT,
        "answer_by": "2099-01-01T00:00:00Z",
        "overdue": False,
        "answer": None,
        "ground": None,
        "answered_at": None,
        **changes,
    }


@pytest.fixture(autouse=True)
def known(world: World) -> None:
    tell = world.services.tell
    tell("registration", PATH, person())
    tell("registration", f"{PATH}/access-log", page(look(at="2026-11-28T05:00:00Z")))
    tell(
        "referral",
        f"{PATH}/access-log",
        page(desk_look(at="2026-11-28T06:00:00Z", fields=["case_code", "id"], acting_as=IN_A_ROLE)),
    )
    tell("registration", f"{PATH}/consents", [consent()])
    tell("registration", "/v1/deletion-requests", page(deletion()))
    tell("registration", "/v1/returnees/search", {"items": [person()], "more": False, "next": None}, method="POST")
    tell("provider_directory", "/v1/organizations", page(organization()))


def erased(world: World) -> None:
    """The person is erased; who looked at the data is still known."""
    for path in (PATH, f"{PATH}/consents"):
        world.services.refuse("registration", path, "returnee-erased", method="GET", status=410)


async def test_a_person_is_found_by_the_case_code_as_it_is_typed_and_no_code_is_in_the_address(world: World):
    browser = officer(world)
    assert (await browser.get("/people-data")).status_code == 200
    found = await browser.post("/people-data", case_code=" gt 7k3m 9qxc ")
    assert (found.status_code, found.headers["location"]) == (303, PAGE)
    (asked,) = world.services.sent("POST", "/v1/returnees/search")
    assert asked.body == {"case_code": CODE}


async def test_a_code_of_nobody_is_told_beside_the_field_and_stays_there(world: World):
    nobody = {"items": [], "more": False, "next": None}
    world.services.tell("registration", "/v1/returnees/search", nobody, method="POST")
    found = await officer(world).post("/people-data", case_code="GT-2222-2222")
    assert found.status_code == 422
    assert "No person has this case code" in found.text
    assert 'value="GT-2222-2222"' in found.text


async def test_who_looked_at_what_is_told_in_words_newest_first_and_names_are_nowhere(world: World):
    shown = await officer(world).get(PAGE)
    assert shown.status_code == 200
    for words in ("Red de Ejemplo", "staff of the network", "finding help", "given names, languages",
                  "case code, one further field", "withdrawn their consent", "no answer yet",
                  "(shelters, lead_desk)"):  # fmt: skip
        assert words in shown.text, words
    assert shown.text.index("igm-shelter-desk") < shown.text.index("casa-del-migrante")
    for forbidden in ("Marta Ixchel", "Canario Tuj", "given_names", "packet.read"):
        assert forbidden not in shown.text, forbidden
    assert f"<title>Data of {CODE}" in shown.text
    (asked,) = world.services.sent("GET", PATH)
    assert asked.query == {"purpose": ["request_of_person"]}
    (asked,) = world.services.sent("GET", "/v1/deletion-requests")
    assert asked.query["returnee_id"] == [PERSON]


async def test_each_record_is_paged_on_its_own(world: World):
    world.services.tell("registration", f"{PATH}/access-log", page(look(), next="r-2"))
    world.services.tell("referral", f"{PATH}/access-log", page(desk_look(), next="f-2"))
    shown = await officer(world).get(f"{PAGE}?referral=f-1")
    assert 'href="?registration=r-2&amp;referral=f-1#looks"' in shown.text
    assert 'href="?referral=f-2#looks"' in shown.text
    asked = [one.query.get("after") for one in world.services.asked if one.path == f"{PATH}/access-log"]
    assert sorted(asked, key=str) == [None, ["f-1"]]


@pytest.mark.parametrize("service", ["referral", "provider_directory"])
async def test_a_service_that_is_away_is_a_part_that_says_so(world: World, service: str):
    world.services.away.add(service)
    shown = await officer(world).get(PAGE)
    assert shown.status_code == 200
    assert "casa-del-migrante" in shown.text
    assert ("does not answer now" in shown.text) == (service == "referral")


async def test_a_person_of_whom_referral_knows_nothing_has_a_page_too(world: World):
    del world.services.told["referral", "GET", f"{PATH}/access-log"]
    shown = await officer(world).get(PAGE)
    assert shown.status_code == 200
    assert "has recorded nothing about this person" in shown.text


async def test_a_consent_is_withdrawn_once_and_a_refusal_is_told_beside_it(world: World):
    browser = officer(world)
    path = f"{PATH}/consents/{CONSENT}/withdraw"
    world.services.tell("registration", path, consent(withdrawn_at=AT, standing=False), method="POST")
    for _ in range(2):
        sent = await browser.post(f"{PAGE}/consents/{CONSENT}/withdraw", form_key=KEY)
        assert (sent.status_code, sent.headers["location"]) == (303, PAGE)
    assert {one.headers["idempotency-key"] for one in world.services.sent("POST", path)} == {KEY}
    world.services.refuse("registration", path, "consent-already-withdrawn")
    refused = await browser.post(f"{PAGE}/consents/{CONSENT}/withdraw")
    assert refused.status_code == 409
    assert "withdrawn already" in refused.text
    without = officer(world, without="consents:write")
    assert "/withdraw" not in (await without.get(PAGE)).text
    assert (await without.post(f"{PAGE}/consents/{CONSENT}/withdraw")).status_code == 404


async def test_an_erasure_explains_itself_and_wants_the_persons_case_code(world: World):
    """Seen to fail without the comparison of the codes."""
    browser = officer(world)
    explained = await browser.get(f"{PAGE}/erasure")
    assert "cannot be undone" in explained.text
    for fields, fault in (
        ({"case_code": "GT-2222-2222", "understood": "yes"}, "not the case code of this person"),
        ({"case_code": "", "understood": "yes"}, "not the case code of this person"),
        ({"case_code": CODE}, "This field is needed."),
    ):
        refused = await browser.post(f"{PAGE}/erasure", **fields)
        assert refused.status_code == 422
        assert fault in refused.text
        assert f'value="{fields["case_code"]}"' in refused.text
    assert not world.services.sent("POST", f"{PATH}/erasure")


async def test_an_erasure_is_done_once_and_its_result_is_shown(world: World):
    browser = officer(world)
    told = {"returnee_id": PERSON, "erased_at": AT}
    world.services.tell("registration", f"{PATH}/erasure", told, method="POST")
    fields = {"case_code": CODE.lower(), "understood": "yes", "form_key": KEY}
    sent = await browser.post(f"{PAGE}/erasure", **fields)
    assert (sent.status_code, sent.headers["location"]) == (303, PAGE)
    erased(world)
    again = await browser.post(f"{PAGE}/erasure", **fields)
    assert (again.status_code, again.headers["location"]) == (303, PAGE)
    (asked,) = world.services.sent("POST", f"{PATH}/erasure")
    assert (asked.headers["idempotency-key"], asked.body) == (KEY, None)
    shown = await browser.get(PAGE)
    assert "The data of the person are erased." in shown.text
    assert "casa-del-migrante" in shown.text
    assert "no answer yet" in shown.text
    assert "/erasure" not in shown.text


@pytest.mark.parametrize("path", ["/people-data", PAGE, f"{PAGE}/erasure"])
async def test_for_everybody_else_no_page_exists(world: World, path: str):
    others = [officer(world, without=scope) for scope in ("returnees:read", "access-log:read", "erasure:write")]
    for browser in (*others, officer(world, staff=False)):
        assert (await browser.get(path)).status_code == 404
        assert (await browser.post(path, case_code=CODE, understood="yes")).status_code in (404, 405)
        assert "/people-data" not in (await browser.get("/nothing")).text
    assert not world.services.asked


def test_fields_without_words_of_their_own_are_counted_together():
    told = fields_in_words(all_words()["en"], ["age_band", "age_group", "version", "etag_of_x"])
    assert told == "age, 2 further fields"
