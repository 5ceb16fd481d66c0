"""The registration of a person, and the search."""

import re
from html import unescape

from tests.console.told_arrivals import (
    BATCH,
    CODE,
    ENTRY,
    KEY,
    PERSON,
    clerk,
    entry,
    person,
    registered,
    tell_batch,
    tell_person,
)
from tests.console.world import World

BATCH_PATH = f"/v1/arrival-batches/{BATCH}"
FIELDS = {
    "form_key": KEY,
    "arrived_at": "2026-03-02T14:20:00Z",
    "given_names": "Marta Ixchel",
    "family_names": "Canario Tuj",
    "age_basis": "own_word",
    "nationality": "GT",
    "identity_document": "lost_on_route",
    "language": "quc",
}


async def test_the_form_for_a_person_of_the_list_is_filled_and_the_first_gap_has_the_focus(world: World):
    tell_batch(world, entry())
    shown = await clerk(world).get(f"/reception/register?batch={BATCH}&entry={ENTRY}")
    assert 'value="José Andrés"' in shown.text
    assert 'value="1990-05-17"' in shown.text
    assert '<option value="HN" selected>' in shown.text
    assert 'name="arrived_at" value="2026-03-02T14:20:00Z"' in shown.text
    assert 'name="manifest_reference" value="seat-7"' in shown.text
    assert re.findall(r'id="(\w+)"[^>]*autofocus', shown.text) == ["identity_document"]
    assert "José" not in re.search(r"<title>(.*?)</title>", shown.text)[1]  # type: ignore[index]


async def test_the_form_for_a_person_who_came_alone_has_the_clerks_place_and_the_countrys_defaults(world: World):
    shown = await clerk(world).get("/reception/register")
    assert 'type="hidden" name="reception_place" value="GT01"' in shown.text
    assert '<option value="GT" selected>' in shown.text
    assert '<option value="spa" selected>' in shown.text
    assert re.findall(r'id="(\w+)"[^>]*autofocus', shown.text) == ["given_names"]


async def test_a_person_of_a_list_is_registered_with_one_call_and_shown_with_the_case_code(world: World):
    tell_batch(world, entry())
    world.services.tell("registration", "/v1/returnees", registered(), method="POST", status=201)
    extra = {
        "batch": BATCH,
        "entry": ENTRY,
        "manifest_reference": "seat-7",
        "birth_date": "1995-01-31",
        "sex": "female",
    }
    answer = await clerk(world).post("/reception/register", **FIELDS, **extra)
    assert answer.headers["location"] == f"/reception/people/{PERSON}?new=yes"
    (sent,) = world.services.sent("POST", "/v1/returnees")
    assert sent.headers["idempotency-key"] == KEY
    assert sent.body == {
        "arrived_at": "2026-03-02T14:20:00Z",
        "arrival_batch_id": BATCH,
        "manifest_reference": "seat-7",
        "identity": {"given_names": "Marta Ixchel", "family_names": "Canario Tuj", "birth_date": "1995-01-31"},
        "profile": {
            "sex": "female",
            "nationality": "GT",
            "identity_document": "lost_on_route",
            "languages": ["quc"],
        },
    }


async def test_a_child_without_a_birth_date_is_told_as_a_child(world: World):
    world.services.tell("registration", "/v1/returnees", registered(), method="POST", status=201)
    await clerk(world).post("/reception/register", **FIELDS, reception_place="GT01", age_group="child")
    (sent,) = world.services.sent("POST", "/v1/returnees")
    assert sent.body["profile"]["age"] == {"group": "child", "basis": "own_word"}
    assert sent.body["reception_place"] == "GT01"
    assert "birth_date" not in sent.body["identity"]


async def test_somebody_whom_another_clerk_has_registered_from_the_list_is_not_registered_twice(world: World):
    tell_batch(world, entry(status="registered", returnee_id=PERSON))
    answer = await clerk(world).post("/reception/register", **FIELDS, batch=BATCH, entry=ENTRY)
    assert answer.headers["location"] == f"/reception/people/{PERSON}"
    assert world.services.sent("POST", "/v1/returnees") == []
    form = await clerk(world).get(f"/reception/register?batch={BATCH}&entry={ENTRY}")
    assert form.headers["location"] == f"/reception/people/{PERSON}"


async def test_a_refused_registration_keeps_everything_and_shows_the_fault_at_its_field(world: World):
    tell_batch(world, entry())
    fault = {"pointer": "/profile/age", "rule": "age-of-birth-date", "detail": "x"}
    world.services.refuse("registration", "/v1/returnees", "invalid-input", status=422, errors=[fault])
    typed = {**FIELDS, "age_group": "child", "birth_date": "1990-01-01"}
    answer = await clerk(world).post(
        "/reception/register", **typed, batch=BATCH, entry=ENTRY, manifest_reference="seat-7"
    )
    assert answer.status_code == 422
    text = unescape(answer.text)
    assert "contradict each other" in text
    for kept in ('value="Marta Ixchel"', 'value="1990-01-01"', '<option value="child" selected>', f'value="{BATCH}"'):
        assert kept in text
    assert 'name="manifest_reference" value="seat-7"' in text
    assert KEY not in text


async def test_a_registration_without_an_answer_can_be_sent_again_with_the_same_key(world: World):
    world.services.away.add("registration")
    answer = await clerk(world).post("/reception/register", **FIELDS)
    assert answer.status_code == 503
    assert f'name="form_key" value="{KEY}"' in answer.text
    assert 'name="given_names" value="Marta Ixchel"' in answer.text


async def test_a_registration_needs_its_right(world: World):
    """Who corrects data may write people, and receives nobody. Seen to fail with the right to write people alone."""
    for scopes in (("returnees:read",), ("returnees:read", "returnees:write"), ("returnees:read", "arrivals:read")):
        browser = world.client(*scopes)
        assert (await browser.get("/reception/register")).status_code == 404
        assert (await browser.post("/reception/register", **FIELDS)).status_code == 404
    assert world.services.asked == []


async def test_a_person_is_found_by_code_or_name_and_nothing_of_it_is_in_an_address(world: World):
    found = {"items": [person()], "more": True, "next": None}
    world.services.tell("registration", "/v1/returnees/search", found, method="POST")
    browser = clerk(world)
    answer = await browser.post("/reception/search", names="Canario", birth_date="1995-01-31")
    assert answer.status_code == 200
    assert CODE in answer.text
    assert "Marta Ixchel Canario Tuj" in answer.text
    assert "More people match" in answer.text
    await browser.post("/reception/search", case_code=CODE.lower())
    sent = world.services.sent("POST", "/v1/returnees/search")
    assert [one.body for one in sent] == [{"names": "Canario", "birth_date": "1995-01-31"}, {"case_code": CODE}]
    assert all(one.query == {} for one in sent)


async def test_a_search_without_anything_asks_for_it_and_a_wrong_code_is_shown_at_its_field(world: World):
    answer = await clerk(world).post("/reception/search", birth_date="1995-01-31")
    assert answer.status_code == 422
    assert "Write a case code, a name or a document number." in answer.text
    assert 'value="1995-01-31"' in answer.text
    assert world.services.asked == []
    fault = {"pointer": "/names", "rule": "two-letters", "detail": "x"}
    world.services.refuse("registration", "/v1/returnees/search", "invalid-input", status=422, errors=[fault])
    wrong = await clerk(world).post("/reception/search", names="x")
    assert "Write at least two letters of a name." in wrong.text


async def test_the_search_does_not_exist_without_its_right(world: World):
    browser = world.client("returnees:write")
    assert (await browser.get("/reception/search")).status_code == 404
    assert (await browser.post("/reception/search", names="Canario")).status_code == 404


async def test_after_a_registration_the_focus_is_on_the_next_one(world: World):
    tell_person(world)
    shown = await clerk(world).get(f"/reception/people/{PERSON}?new=yes")
    assert re.search(r'href="/reception/batches/[^"]*" autofocus', shown.text)
    assert "autofocus" not in (await clerk(world).get(f"/reception/people/{PERSON}")).text
