"""Answers that are refused: of a bad form, or of somebody who may not see the person."""

from uuid import UUID, uuid4

import pytest

from tests.service.registration.answering import CLERK, TROUBLED, body_of, complete, path, save

BAD = [
    ({"unwell_now": "maybe"}, "/answers/0/value", "unknown-answer"),
    ({"unwell_now": ["yes", "no"]}, "/answers/0/value", "answer-form"),
    ({"call_family": "yes", "favourite_colour": "red"}, "/answers/1/question", "unknown-question"),
]


@pytest.mark.parametrize(("answers", "pointer", "rule"), BAD)
async def test_a_bad_answer_names_field_and_rule_and_nothing_is_stored(registration, answers, pointer, rule):
    person = await registration.register()
    answer = await save(registration, person, **answers)
    assert answer.status_code == 422
    assert [(one["pointer"], one["rule"]) for one in answer.json()["errors"]] == [(pointer, rule)]
    assert (await registration.get(path(person), **CLERK)).json()["answers"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"instrument_version": 1, "answers": []},
        {"instrument_version": "1", "answers": [{"question": "unwell_now", "value": "yes"}]},
        {"instrument_version": 1, "answers": [{"question": "unwell_now"}]},
        {"instrument_version": 1, "answers": [{"question": "unwell_now", "value": True}]},
        {"instrument_version": 1, "answers": [{"question": "unwell_now", "value": {"or": 1}}]},
        {"instrument_version": 1, "answers": [{"question": "unwell_now", "value": "yes", "replaces": -1}]},
        {"instrument_version": 1, "answers": [{"question": "unwell_now", "value": "\x00"}]},
        {"instrument_version": 1, "answers": [{"question": "unwell_now", "value": "yes"}] * 61},
        {"instrument_version": 1, "answers": [{"question": "unwell_now", "value": "yes"}] * 2},
        {"instrument_version": 1, "answers": [{"question": "unwell_now", "value": "yes", "who": "me"}]},
    ],
)
async def test_a_body_of_another_form_is_refused(registration, body):
    person = await registration.register()
    answer = await registration.client.patch(path(person), json=body, headers=registration.headers(**CLERK))
    assert answer.status_code == 422, answer.text
    assert (await registration.get(path(person), **CLERK)).json()["answers"] == []


OUTSIDERS = {
    "another centre": (404, {"client_id": "west", "reception_places": ["GT12"]}),
    "another organisation": (404, {"client_id": "ngo", "organization_id": uuid4(), "reception_places": []}),
    "the child desk, for an adult": (404, {"client_id": "pgn-child-desk", "reception_places": ["GT"]}),
    "no scope": (403, {"client_id": "clerk", "scopes": "offers:read"}),
    "nobody's token": (403, {"client_id": "x", "staff": False, "reception_places": []}),
}


@pytest.mark.parametrize("who", OUTSIDERS)
async def test_who_may_not_see_the_person_reads_and_writes_no_answer(registration, who):
    status, claims = OUTSIDERS[who]
    adult = {"given_names": "Muestra", "family_names": "Adulta", "birth_date": "1990-05-17"}
    person = await registration.register(identity=adult)
    await save(registration, person, **TROUBLED)
    claims = CLERK | claims
    check = {"instrument": "triage", "question": "unwell_now"}
    answers = [
        await registration.get(path(person), **claims),
        await save(registration, person, call_family=None, replaces=1, claims=claims),
        await complete(registration, person, **claims),
        await registration.post(f"/v1/returnees/{person['id']}/answers/check", check, **claims),
    ]
    assert [one.status_code for one in answers] == [status] * 4, [one.text for one in answers]
    assert not any("none" in one.text for one in answers)
    view = (await registration.get(path(person), **CLERK)).json()
    assert {one["version"] for one in view["answers"]} == {1}


async def test_a_query_that_forgets_whose_rows_it_reads_finds_no_answer(registration):
    person = await registration.register()
    await save(registration, person, **TROUBLED)
    await complete(registration, person)
    stranger = {"enlace.works_for": "caller", "enlace.areas": "{GT12%}", "enlace.everywhere": "false"}
    mine = "returnee_id = $1"
    found = {
        "answer": mine,
        "answer_set": mine,
        "need_origin": f"need_id IN (SELECT id FROM need WHERE {mine})",
        "asked_again": "$1::uuid IS NOT NULL",
    }
    async with registration.database._transaction(stranger) as session:
        for table, condition in found.items():
            rows = await session.driver.fetch(f"SELECT FROM {table} WHERE {condition}", UUID(person["id"]))
            assert rows == [], table
    async with registration.database.transaction() as session:
        for table in ("answer", "answer_set", "need_origin"):
            rows = await session.driver.fetch(f"SELECT FROM {table} WHERE {found[table]}", UUID(person["id"]))
            assert rows != [], "they are there"


async def test_a_body_as_the_document_shows_it_is_accepted(registration):
    person = await registration.register()
    answer = await registration.client.patch(
        path(person), json=body_of({"place_tonight": "none"}), headers=registration.headers(**CLERK)
    )
    assert answer.status_code == 200
