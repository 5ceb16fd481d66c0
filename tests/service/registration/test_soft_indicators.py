"""Soft indicators open a private review. Who asked the questions sees no difference."""

import json
from uuid import UUID

import pytest

from tests.service.registration.answering import CALM, CLERK, DESK, complete, judge, needs_of, path, save
from tests.service.registration.test_restricted import alike

INSTRUMENT = "protection_indicators"
IN_DANGER = CALM | {"own_papers_held": "yes", "afraid_of_somebody": "yes"}


async def asked(registration, answers):
    """A person who has answered, everything that the clerk saw, and what the loop does afterwards."""
    person = await registration.register()
    seen = [
        await save(registration, person, INSTRUMENT, **dict(list(answers.items())[:2])),
        await save(registration, person, INSTRUMENT, **dict(list(answers.items())[2:])),
        await complete(registration, person, INSTRUMENT),
    ]
    await judge(registration)
    seen += [
        await registration.get(path(person, INSTRUMENT), **CLERK),
        await registration.get(f"/v1/returnees/{person['id']}", **CLERK),
        await registration.get(f"/v1/returnees/{person['id']}/needs", **CLERK),
        await registration.get(f"/v1/returnees/{person['id']}/access-log", **CLERK),
        await complete(registration, person, INSTRUMENT),
        *[await check(registration, person, one) for one in answers],
    ]
    assert all(one.status_code in (200, 409) for one in seen), [one.text for one in seen]
    return person, seen


async def check(registration, person, question, **claims):
    body = {"instrument": INSTRUMENT, "question": question}
    return await registration.post(f"/v1/returnees/{person['id']}/answers/check", body, **(CLERK | claims))


async def test_the_clerk_sees_the_same_whether_a_review_was_opened_or_not(registration):
    (_, danger), (_, calm) = await asked(registration, IN_DANGER), await asked(registration, CALM)
    for one, other in zip(danger, calm, strict=True):
        assert alike(one) == alike(other)


async def test_a_review_is_a_restricted_need_that_says_from_which_questions_it_follows(registration):
    person, _ = await asked(registration, IN_DANGER)
    assert await needs_of(registration, person) == [], "it does not exist without the right"
    needs = await needs_of(registration, person, **DESK)
    assert sorted((one["category"], one["kind"], one["origins"][0]["rule"]) for one in needs) == [
        ("anti_trafficking", None, "in_private"),
        ("gbv", None, "at_home"),
    ]
    assert all(category_is_reviewed(registration, one["category"]) for one in needs)
    events = await registration.events("need.reported.v1", key=person["id"])
    assert sorted(one["category"] for one in events) == ["anti_trafficking", "gbv"], "a desk hears of it"
    assert "own_papers_held" not in json.dumps(events)


def category_is_reviewed(registration, category):
    return category in registration.pack.routing.restricted


async def test_nobody_in_danger_has_a_review(registration):
    person, _ = await asked(registration, CALM)
    assert await needs_of(registration, person, **DESK) == []


async def test_a_review_is_opened_once_however_often_the_answers_are_saved(registration):
    person, _ = await asked(registration, IN_DANGER)
    for number, value in enumerate(("no", "yes", "no", "yes"), start=1):
        await save(registration, person, INSTRUMENT, own_papers_held=value, replaces=number)
        await judge(registration)
    assert len(await registration.events("need.reported.v1", key=person["id"])) == 2


async def test_a_review_opens_before_the_instrument_is_complete(registration):
    person = await registration.register()
    await save(registration, person, INSTRUMENT, free_to_choose="no")
    await judge(registration)
    assert [one["category"] for one in await needs_of(registration, person, **DESK)] == ["anti_trafficking"]


async def test_a_request_does_the_same_work_whatever_was_answered(registration):
    """What follows is judged by the loop, so that not even the time of the answer tells it."""
    rows = []
    for answers in (IN_DANGER, CALM):
        person = await registration.register()
        await save(registration, person, INSTRUMENT, **answers)
        await complete(registration, person, INSTRUMENT)
        find = "SELECT needs_due, review_due FROM answer_set WHERE returnee_id = $1"
        rows.append([tuple(row) for row in await registration.fetch(find, UUID(person["id"]))])
        assert await registration.events("need.reported.v1", key=person["id"]) == []
    assert rows == [[(False, True)], [(False, True)]]


async def test_the_answers_are_read_back_only_with_the_right(registration):
    person, seen = await asked(registration, IN_DANGER)
    mine = seen[3].json()["answers"]
    assert {(one["value"], one["withheld"]) for one in mine} == {(None, True)}
    theirs = (await registration.get(path(person, INSTRUMENT), **DESK)).json()["answers"]
    assert {one["question"]: one["value"] for one in theirs} == IN_DANGER


async def test_the_key_of_the_person_does_not_open_a_soft_indicator(registration):
    from services.registration.vault.queries import data_key
    from services.registration.vault.sealing import VaultError

    person, _ = await asked(registration, IN_DANGER)
    key = await data_key(registration.vault, UUID(person["id"]))
    find = "SELECT set_id, question, version, value_sealed FROM answer WHERE returnee_id = $1"
    for row in await registration.fetch(find, UUID(person["id"])):
        with pytest.raises(VaultError):
            key.open(row["value_sealed"], table="answer", column=f"{row['set_id']}.{row['question']}.{row['version']}")
