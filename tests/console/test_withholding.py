"""The private people whom a person excludes, in the console: told, shown, ended."""

from __future__ import annotations

from typing import Any

import pytest

from services.console.labels import LABELS
from tests.console.told_arrivals import CLERK, CODE, KEY, OTHER, PERSON, clerk, page, person, tell_person
from tests.console.world import World, document_of

EXCLUSION = "01956b0e-0000-7a11-8f00-00000000000e"
API, PAGE = f"/v1/returnees/{PERSON}/excluded-people", f"/reception/people/{PERSON}/excluded"
NAMES = {"given_names": "Muestra Pareja", "family_names": "Ejemplo Otro"}
WORDS = "He was at the airport last year (sample)"


def row(**more: Any) -> dict[str, Any]:
    """An excluded person with a name and a record that the reader may see."""
    return {
        "id": EXCLUSION,
        "name": NAMES,
        "returnee_id": OTHER,
        "is_registered": True,
        "relation": "former_partner",
        "reason": "other",
        "reason_words": WORDS,
        "told_at": "2026-03-02T14:00:00Z",
        **more,
    }


def _tell(world: World, *rows: dict[str, Any]) -> None:
    tell_person(world)
    world.services.tell("registration", API, list(rows))


def test_each_relation_has_its_words():
    schemas = document_of("registration")["components"]["schemas"]
    assert set(LABELS["excluded_relation"]) == set(schemas["ExcludedRelation"]["enum"])


async def test_the_page_shows_who_is_kept_away_and_why(world: World):
    _tell(world, row(), row(name=None, returnee_id=None, reason=None, reason_words=None, relation=None))
    shown = (await clerk(world).get(PAGE)).text
    for words in (NAMES["given_names"], "former partner", WORDS, f'href="/reception/people/{OTHER}"'):
        assert words in shown
    assert "a registered person" in shown, "a record that the reader may not see has no link"
    assert shown.count(f'href="/reception/people/{OTHER}"') == 1
    assert 'value="fear_of_harm"' in shown
    assert f'href="{PAGE}"' in (await clerk(world).get(f"/reception/people/{PERSON}")).text


async def test_somebody_is_kept_away_by_name_and_by_case_code(world: World):
    _tell(world)
    world.services.tell("registration", API, [row()], method="POST", status=201)
    found = {**page({**person(), "id": OTHER}), "more": False}
    world.services.tell("registration", "/v1/returnees/search", found, method="POST")
    browser = clerk(world)
    told = {"relation": "former_partner", "reason": "other", "about_person": WORDS}
    answer = await browser.post(PAGE, **NAMES, case_code=CODE.lower(), **told, form_key=KEY)
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert (await browser.post(PAGE, **NAMES, case_code="", relation="", reason="", about_person="")).status_code == 303
    both, name = world.services.sent("POST", API)
    assert both.body == {
        "name": NAMES,
        "returnee_id": OTHER,
        "relation": "former_partner",
        "reason": "other",
        "reason_words": WORDS,
    }
    assert both.headers["idempotency-key"] == KEY
    assert name.body == {"name": NAMES}


async def test_a_refusal_is_shown_at_its_field_and_keeps_what_was_typed(world: World):
    _tell(world)
    errors = [{"pointer": "/name", "rule": "name-or-record", "detail": "x"}]
    world.services.refuse("registration", API, "invalid-input", status=422, errors=errors)
    refused = await clerk(world).post(PAGE, relation="partner", about_person=WORDS)
    assert refused.status_code == 422
    assert "Write a name, or the case code" in refused.text
    assert 'value="partner" selected' in refused.text
    world.services.tell("registration", "/v1/returnees/search", {**page(), "more": False}, method="POST")
    nobody = await clerk(world).post(PAGE, case_code="GT-ZZZZ-ZZZZ")
    assert nobody.status_code == 422
    assert len(world.services.sent("POST", API)) == 1, "nobody is excluded by a code that nobody has"


async def test_an_exclusion_ends_by_a_form(world: World):
    _tell(world, row())
    world.services.tell("registration", f"{API}/{EXCLUSION}/end", [], method="POST")
    browser = clerk(world)
    assert f'action="{PAGE}/{EXCLUSION}/end"' in (await browser.get(PAGE)).text
    answer = await browser.post(f"{PAGE}/{EXCLUSION}/end", form_key=KEY)
    assert answer.headers["location"] == PAGE
    (sent,) = world.services.sent("POST", f"{API}/{EXCLUSION}/end")
    assert sent.headers["idempotency-key"] == KEY
    world.services.refuse("registration", f"{API}/{EXCLUSION}/end", "not-found", status=404)
    assert (await browser.post(f"{PAGE}/{EXCLUSION}/end")).status_code == 404


@pytest.mark.parametrize("left_out", ["returnees:read", "returnees:write"])
async def test_without_the_rights_of_a_clerk_the_page_does_not_exist(world: World, left_out: str):
    _tell(world, row())
    scopes = [one for one in CLERK if one != left_out]
    browser = world.client(*scopes, reception_places=("GT01",))
    assert (await browser.get(PAGE)).status_code == 404
    for path in (PAGE, f"{PAGE}/{EXCLUSION}/end"):
        assert (await browser.post(path)).status_code == 404
    assert not [one for one in world.services.asked if "excluded-people" in one.path]
