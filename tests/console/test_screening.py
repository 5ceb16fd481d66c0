"""Screening in the console: one question at a time, a stop without a reason, and nothing for who has no certificate."""

from __future__ import annotations

from typing import Any

import pytest

from tests.console.told_arrivals import CLERK, CODE, PERSON, tell_person
from tests.console.world import Browser, World

SCREENER = ("returnees:read", "screening:read", "screening:write", "restricted:read", "directory:read")
API, PAGE = f"/v1/returnees/{PERSON}/screening", f"/reception/people/{PERSON}/screening"
LEAVE = {
    "id": "could_leave",
    "type": "yes_no",
    "text": "¿Pudo irse?",
    "options": [],
    "required": False,
    "private": False,
}
KEPT = {
    "id": "kept_things",
    "type": "several_of",
    "text": "¿Qué le quitaron?",
    "options": [{"code": "papers", "text": "Documentos"}, {"code": "wages", "text": "Salario"}],
    "required": False,
    "private": False,
}
VERSION = '"3"'


def view(**more: Any) -> dict[str, Any]:
    """A screening that is open, with two questions of which the second one comes next."""
    instrument = {
        "instrument": "protection_screening",
        "version": 1,
        "use": "screening",
        "label": None,
        "title": "Tamizaje",
        "languages": ["es", "en"],
        "sources": [],
        "questions": [LEAVE, KEPT],
        "language": "es",
        "language_asked": "es",
        "is_fallback": False,
    }
    return {
        "returnee_id": PERSON,
        "status": "open",
        "version": 3,
        "opened_at": "2026-03-02T15:00:00Z",
        "ended_at": None,
        "answers": [{"question": "could_leave", "value": "no"}],
        "next": KEPT,
        "instrument": instrument,
        **more,
    }


def screener(world: World) -> Browser:
    tell_person(world)
    return world.client(*SCREENER, reception_places=("GT01",))


async def test_the_next_question_is_asked_in_its_own_language_with_a_stop_beside_it(world: World):
    browser = screener(world)
    world.services.tell("registration", API, view())
    shown = await browser.get(f"{PAGE}?language=es")
    assert shown.status_code == 200
    for words in (CODE, 'lang="es">¿Qué le quitaron?', 'type="checkbox" name="answer" value="papers"', "Stop now"):
        assert words in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert world.services.sent("GET", API)[0].query == {"language": ["es"]}
    head = shown.text.partition("</head>")[0]
    assert "quitaron" not in head


async def test_an_answer_is_sent_with_the_version_that_was_read_and_the_next_question_follows(world: World):
    browser = screener(world)
    world.services.tell("registration", API, view())
    world.services.tell("registration", API, view(version=4), method="PATCH")
    fields = {"question": "kept_things", "type": "several_of", "version": VERSION, "language": "es"}
    answer = await browser.post(f"{PAGE}/answer", **fields, answer=["papers", "wages"])
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?language=es")
    (sent,) = world.services.sent("PATCH", API)
    assert sent.body == {"answers": [{"question": "kept_things", "value": ["papers", "wages"]}]}
    assert sent.headers["if-match"] == VERSION
    assert "papers" not in answer.headers["location"]


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"type": "yes_no", "answer": "yes"}, "yes"),
        ({"type": "several_of"}, []),
        ({"type": "yes_no", "answer": "yes", "no_answer": "yes"}, None),
    ],
    ids=["one", "none of several", "not wanted"],
)
async def test_an_answer_has_the_form_of_its_question(world: World, fields: dict[str, str], value: Any):
    browser = screener(world)
    world.services.tell("registration", API, view(version=4), method="PATCH")
    await browser.post(f"{PAGE}/answer", question="could_leave", version=VERSION, **fields)
    assert world.services.sent("PATCH", API)[0].body == {"answers": [{"question": "could_leave", "value": value}]}


@pytest.mark.parametrize("how", ["stop", "complete"])
async def test_both_ends_lead_to_the_same_page_with_the_same_words(world: World, how: str):
    """Somebody who looks over the shoulder does not learn which it was."""
    browser = screener(world)
    ended = view(status="stopped" if how == "stop" else "completed", ended_at="2026-03-02T15:10:00Z", next=None)
    world.services.tell("registration", f"{API}/end", ended, method="POST")
    answer = await browser.post(f"{PAGE}/end", how=how)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/reception/people/{PERSON}")
    (sent,) = world.services.sent("POST", f"{API}/end")
    assert sent.body == {"how": how}
    shown = await browser.get(f"/reception/people/{PERSON}")
    assert "The conversation has ended." in shown.text
    assert (await browser.post(f"{PAGE}/end", how="pause")).status_code == 404


async def test_it_begins_after_an_explanation_and_only_once(world: World):
    browser = screener(world)
    shown = await browser.get(PAGE)
    assert "Talk with the person alone" in shown.text
    assert "asked_by_person" not in shown.text
    world.services.tell("registration", API, view(answers=[], next=LEAVE), method="POST", status=201)
    assert (await browser.post(f"{PAGE}/open")).status_code == 303
    assert world.services.sent("POST", API)[0].body == {"asked_by_person": False}
    world.services.refuse("registration", API, "screening-exists")
    again = await browser.post(f"{PAGE}/open")
    assert again.status_code == 409
    assert "nobody asks again" in again.text


async def test_after_a_stop_it_is_proposed_to_nobody(world: World):
    browser = screener(world)
    world.services.tell("registration", API, view(status="stopped", answers=[], next=None))
    shown = await browser.get(PAGE)
    assert "Do not propose it again" in shown.text
    assert 'name="asked_by_person" value="yes" required' in shown.text
    assert "quitaron" not in shown.text
    world.services.tell("registration", API, view(answers=[], next=LEAVE), method="POST", status=201)
    await browser.post(f"{PAGE}/open", asked_by_person="yes")
    assert world.services.sent("POST", API)[0].body == {"asked_by_person": True}


async def test_what_was_answered_is_shown_in_words(world: World):
    browser = screener(world)
    answers = [{"question": "could_leave", "value": None}, {"question": "kept_things", "value": ["papers"]}]
    world.services.tell("registration", API, view(status="completed", answers=answers, next=None))
    shown = await browser.get(PAGE)
    for words in ("Documentos", "the person did not want to answer", "¿Pudo irse?"):
        assert words in shown.text
    assert f'action="{PAGE}' not in shown.text, "nothing can be changed"


async def test_without_a_certificate_the_page_does_not_say_whether_there_is_a_screening(world: World):
    browser = screener(world)
    world.services.refuse("registration", API, "certificate-missing", method="GET", status=403)
    shown = await browser.get(PAGE)
    assert "You hold no certificate" in shown.text
    assert f'action="{PAGE}' not in shown.text


async def test_without_the_right_there_is_neither_page_nor_link(world: World):
    tell_person(world)
    browser = world.client(*CLERK, reception_places=("GT01",))
    assert "screening" not in (await browser.get(f"/reception/people/{PERSON}")).text
    assert (await browser.get(PAGE)).status_code == 404
    for path in ("open", "answer", "end"):
        assert (await browser.post(f"{PAGE}/{path}")).status_code == 404
    assert all("screening" not in one.path for one in world.services.asked)


async def test_a_screener_finds_people_from_the_menu_and_every_person_has_the_same_link(world: World):
    browser = screener(world)
    shown = await browser.get(f"/reception/people/{PERSON}")
    assert f'href="{PAGE}"' in shown.text
    assert 'href="/screening"' in shown.text
    assert 'action="/reception/search"' in (await browser.get("/screening")).text
    assert all(one.path != API for one in world.services.asked), "the page does not ask whether there is one"


async def test_an_answer_is_on_no_page_after_the_session_has_ended_or_the_form_is_refused(world: World):
    """Other forms are shown again with what was typed. Taken out: `NOT_KEPT` (the answer is in the page)."""
    browser = screener(world)
    fields = {"question": "kept_things", "type": "several_of", "version": VERSION, "answer": "papers"}
    world.services.tell("registration", API, view(next=None, answers=[]))
    world.services.refuse("registration", API, "screening-ended", method="PATCH")
    refused = await browser.post(f"{PAGE}/answer", **fields)
    browser.csrf = "of-another-session"
    outdated = await browser.post(f"{PAGE}/answer", **fields)
    browser.http.cookies.clear()
    ended = await browser.post(f"{PAGE}/answer", **fields)
    assert [one.status_code for one in (refused, outdated, ended)] == [409, 409, 401]
    assert all("papers" not in one.text for one in (outdated, ended))
    assert "kept_things" in ended.text, "the rest of the form is there"
    assert "checked" not in refused.text
