"""Proof of identity without papers: questions, limited tries, and what a proof opens (domain P25)."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from tests.service.registration.checking import (
    AT_CHILD_DESK,
    IDENTITY,
    a_clerk,
    an_adult,
    answer,
    answers_to,
    made,
    make,
    proven,
)
from tests.service.registration.matching import merge, twice

FORM = {"id", "proven", "proven_until"}
OFFICER = {"scopes": "access-log:read restricted:read", "client_id": "officer"}


def report(registration, person, check, *, page="", **claims):
    query = f"proof=identity_check&identity_check_id={check['id']}"
    return registration.get(f"/v1/returnees/{person['id']}/access-report{page}?{query}", **claims)


async def correct(registration, person, check, **claims):
    headers = registration.headers(**claims) | {"If-Match": '"1"'}
    path = f"/v1/returnees/{person['id']}?identity_check_id={check['id']}"
    body = {"identity": {"given_names": "Muestra Corregida"}}
    return await registration.client.patch(path, json=body, headers=headers)


async def a_day_later(registration, person):
    sql = "UPDATE identity_check SET made_on = made_on - 1 WHERE returnee_id = $1"
    await registration.fetch(sql, UUID(person["id"]))


async def tried(registration, person, times, *, made_by="somebody"):
    """So many unproven checks of today."""
    await registration.fetch(
        "INSERT INTO identity_check (id, returnee_id, made_by, made_on, made_at, answer_by)"
        " SELECT gen_random_uuid(), $1, $2, (now() AT TIME ZONE 'America/Guatemala')::date, now(), now()"
        " FROM generate_series(1, $3)",
        UUID(person["id"]), made_by, times,
    )  # fmt: skip


async def test_right_answers_open_the_report_and_the_person_finds_the_check_in_it(registration):
    person, clerk = await registration.register(**an_adult()), a_clerk()
    check = await made(registration, person, **clerk)
    assert len(check["questions"]) == 4
    judged = await answer(registration, check, answers_to(check), **clerk)
    assert (judged.status_code, judged.json()["proven"], set(judged.json())) == (200, True, FORM), judged.text
    assert judged.headers["Cache-Control"] == "no-store"
    told = await report(registration, person, check, **clerk)
    assert told.status_code == 200, told.text
    assert (told.json()["proof"], told.json()["records"][0]["person"]["identity"]["given_names"]) == (
        "identity_check", "Muestra Uno",
    )  # fmt: skip
    assert [one["proven"] for one in told.json()["identity_checks"]] == [True]
    page = await report(registration, person, check, page="/page", **clerk)
    assert "respondiendo preguntas" in page.text
    entries = (await registration.get(f"/v1/returnees/{person['id']}/access-log", **OFFICER)).json()["items"]
    found = {one["action"]: one for one in entries if one["who"] == clerk["client_id"]}
    assert found.keys() == {"identity_check.make", "identity_check.judge", "access_report.make"}
    assert all(one["purpose"] == "request_of_person" for one in found.values())
    assert all(f"identity_check.{check['id']}" in one["fields"] for one in found.values())
    assert "identity_check.proven" in found["identity_check.judge"]["fields"]


@pytest.mark.parametrize("wrong", [1, 2, 4])
async def test_a_wrong_answer_proves_nothing_and_the_result_does_not_say_which_or_how_many(registration, wrong):
    person, clerk = await registration.register(**an_adult()), a_clerk()
    check = await made(registration, person, **clerk)
    judged = await answer(registration, check, answers_to(check, wrong=wrong), **clerk)
    assert (judged.status_code, judged.json()) == (200, {"id": check["id"], "proven": False, "proven_until": None})
    again = await answer(registration, check, answers_to(check), **clerk)
    assert (again.status_code, again.json()["code"]) == (409, "identity-check-ended"), "a check is judged once"
    refused = await report(registration, person, check, **clerk)
    assert (refused.status_code, refused.json()["code"]) == (403, "identity-not-proven")


async def test_after_the_tries_of_the_day_nobody_asks_about_the_person_and_papers_still_prove_it(registration):
    person = await registration.register(**an_adult())
    for _ in range(3):
        await made(registration, person, **a_clerk())
    clerk = a_clerk()
    locked = await make(registration, person, **clerk)
    assert (locked.status_code, locked.json()["code"]) == (409, "identity-check-locked")
    path = f"/v1/returnees/{person['id']}/access-report?proof=document_seen"
    assert (await registration.get(path, **clerk)).status_code == 200
    await a_day_later(registration, person)
    await made(registration, person, **clerk)


async def test_a_proven_check_is_no_try(registration):
    person, clerk = await registration.register(**an_adult()), a_clerk()
    for _ in range(4):
        await proven(registration, person, **clerk)


async def test_one_caller_has_few_tries_with_everybody(registration):
    person, other, clerk = (
        await registration.register(**an_adult()),
        await registration.register(**an_adult()),
        a_clerk(),
    )
    await tried(registration, other, 20, made_by=clerk["client_id"])
    locked = await make(registration, person, **clerk)
    assert (locked.status_code, locked.json()["code"]) == (409, "identity-check-locked")
    await made(registration, person, **a_clerk())


async def test_tries_at_the_same_moment_are_counted_one_by_one(registration):
    person = await registration.register(**an_adult())
    answers = await asyncio.gather(*(make(registration, person, **a_clerk()) for _ in range(8)))
    assert sorted(one.status_code for one in answers) == [201] * 3 + [409] * 5


async def test_the_tries_of_a_caller_at_the_same_moment_are_counted_one_by_one(registration):
    people, clerk = [await registration.register(**an_adult()) for _ in range(6)], a_clerk()
    await tried(registration, await registration.register(), 18, made_by=clerk["client_id"])
    answers = await asyncio.gather(*(make(registration, person, **clerk) for person in people))
    assert sorted(one.status_code for one in answers) == [201] * 2 + [409] * 4


async def test_two_records_of_one_person_have_no_more_tries_than_one(registration):
    told = {name: value for name, value in an_adult().items() if not name.startswith(("household", "identity"))}
    first, second, match = await twice(registration, **told)
    assert (await merge(registration, match, second["id"])).status_code == 200
    await tried(registration, first, 3)
    assert (await make(registration, second, **a_clerk())).json()["code"] == "identity-check-locked"


async def test_each_check_of_a_person_shows_the_same_options_and_nothing_that_hurts(registration):
    hurts = {"needs": [{"category": "gbv"}, {"category": "shelter"}]}
    contact = {"safe_contact": {"channel": "call", "address": "+50255550199"}}
    person = await registration.register(**an_adult(**hurts, **contact))
    checks = [await made(registration, person, **a_clerk()) for _ in range(3)]
    shown = [
        {one["kind"]: frozenset(option["text"] for option in one["options"]) for one in check["questions"]}
        for check in checks
    ]
    assert shown[0] == shown[1] == shown[2]
    for word in ("GT12", "gbv", "shelter", "50255550199", "Muestra", "restricted"):
        assert word not in str(checks)
    assert "right" not in str(checks)


async def test_of_whom_too_little_is_known_nobody_is_asked_and_nothing_is_counted(registration):
    age = {"group": "adult", "basis": "staff_judgement"}
    profile = {"nationality": "GT", "identity_document": "lost_on_route", "age": age}
    person = await registration.register(profile=profile)
    few = await make(registration, person, **a_clerk())
    assert (few.status_code, few.json()["code"]) == (409, "identity-check-too-little-known")
    rows = await registration.fetch("SELECT 1 FROM identity_check WHERE returnee_id = $1", UUID(person["id"]))
    assert rows == []


@pytest.mark.parametrize("birth_date", ["2015-05-17", None])
async def test_for_a_child_and_in_doubt_only_the_child_desk_asks_and_never_about_an_adult(registration, birth_date):
    child = await registration.register(**an_adult(identity=IDENTITY | {"birth_date": birth_date}))
    refused = await make(registration, child, **a_clerk())
    assert (refused.status_code, refused.json()["code"]) == (403, "child-desk-only")
    check = await proven(registration, child, **AT_CHILD_DESK)
    assert (await report(registration, child, check, **AT_CHILD_DESK)).status_code == 200
    adult = await registration.register(**an_adult())
    assert (await make(registration, adult, **AT_CHILD_DESK)).status_code == 404


async def test_nobody_else_answers_or_uses_a_check_and_it_proves_nothing_of_others_or_later(registration):
    person, other, clerk = (
        await registration.register(**an_adult()),
        await registration.register(**an_adult()),
        a_clerk(),
    )
    check = await made(registration, person, **clerk)
    for claims in (a_clerk(), a_clerk(reception_places=["GT12"]), clerk | {"reception_places": ["GT12"]}):
        assert (await answer(registration, check, answers_to(check), **claims)).status_code == 404
    assert (await answer(registration, check, answers_to(check), **clerk)).json()["proven"]
    refused = [
        await report(registration, person, check, **a_clerk()),
        await report(registration, other, check, **clerk),
        await report(registration, person, {"id": uuid4()}, **clerk),
    ]
    await registration.fetch(
        "UPDATE identity_check SET proven_until = now() - interval '1 second' WHERE id = $1", UUID(check["id"])
    )
    refused.append(await report(registration, person, check, **clerk))
    refused.append(await correct(registration, person, check, **clerk))
    told = [(one.status_code, one.json() | {"instance": "", "trace_id": ""}) for one in refused]
    assert [one[0] for one in told] == [403] * 5
    assert {one[1]["code"] for one in told} == {"identity-not-proven"}


async def test_who_does_not_see_the_person_and_who_has_not_the_scope_get_nothing(registration):
    person = await registration.register(**an_adult())
    assert (await make(registration, person, **a_clerk(reception_places=["GT12"]))).status_code == 404
    assert (await make(registration, {"id": uuid4()}, **a_clerk())).status_code == 404
    assert (await make(registration, person, **a_clerk(scopes="access-reports:read"))).status_code == 403


async def test_a_check_ends_by_itself_and_with_the_next_one(registration):
    person, clerk = await registration.register(**an_adult()), a_clerk()
    first = await made(registration, person, **clerk)
    second = await made(registration, person, **clerk)
    late = await answer(registration, first, answers_to(first), **clerk)
    assert (late.status_code, late.json()["code"]) == (409, "identity-check-ended")
    await registration.fetch(
        "UPDATE identity_check SET answer_by = now() - interval '1 second' WHERE id = $1", UUID(second["id"])
    )
    late = await answer(registration, second, answers_to(second), **clerk)
    assert (late.status_code, late.json()["code"]) == (409, "identity-check-ended")


@pytest.mark.parametrize(
    ("answers", "pointer"),
    [
        ([1, 1, 1], "/answers"), ([1, 1, 1, 1, 1], "/answers"), ([], "/answers"), ([0, 1, 1, 1], "/answers/0"),
        ([1, 7, 1, 1], "/answers/1"), (["x", 1, 1, 1], "/answers/0"), (None, "/answers"), ([1] * 7, "/answers"),
    ],
)  # fmt: skip
async def test_answers_of_a_wrong_form_are_refused_with_the_field_and_the_check_stays_open(
    registration, answers, pointer
):
    person, clerk = await registration.register(**an_adult()), a_clerk()
    check = await made(registration, person, **clerk)
    refused = await answer(registration, check, answers, **clerk)
    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["pointer"] == pointer
    assert (await answer(registration, check, answers_to(check), **clerk)).json()["proven"]


async def test_the_same_request_twice_is_one_try_and_one_judgement(registration):
    person, clerk = await registration.register(**an_adult()), a_clerk()
    headers = registration.headers(**clerk)
    path = f"/v1/returnees/{person['id']}/identity-checks"
    first, again = [await registration.client.post(path, json={"language": "en"}, headers=headers) for _ in range(2)]
    assert first.json() == again.json()
    check, headers = first.json(), registration.headers(**clerk)
    path, body = f"/v1/identity-checks/{check['id']}/answers", {"answers": answers_to(check)}
    results = [(await registration.client.post(path, json=body, headers=headers)).json() for _ in range(2)]
    assert results[0] == results[1]
    assert results[0]["proven"]


async def test_a_correction_names_the_check_and_without_a_proof_nothing_changes(registration):
    person, clerk = await registration.register(**an_adult()), a_clerk()
    unproven = await made(registration, person, **clerk)
    refused = await correct(registration, person, unproven, **clerk)
    assert (refused.status_code, refused.json()["code"]) == (403, "identity-not-proven")
    check = await proven(registration, person, **clerk)
    done = await correct(registration, person, check, **clerk)
    assert (done.status_code, done.json()["version"]) == (200, 2), done.text
    entries = (await registration.get(f"/v1/returnees/{person['id']}/access-log", **OFFICER)).json()["items"]
    (used,) = [one for one in entries if one["action"] == "identity_check.use"]
    assert (used["purpose"], used["kind"]) == ("correction", "write")
    assert f"identity_check.{check['id']}" in used["fields"]


@pytest.mark.parametrize(
    "query",
    ["proof=identity_check", "proof=document_seen&identity_check_id=4f3c1a52-7a0e-4a43-9c35-6d1f0f6b2c11"],
)
async def test_a_check_is_named_with_its_proof_and_only_then(registration, query):
    person = await registration.register(**an_adult())
    answered = await registration.get(f"/v1/returnees/{person['id']}/access-report?{query}", **a_clerk())
    assert answered.status_code == 422, answered.text
    assert answered.json()["errors"][0] | {"detail": ""} == {
        "pointer": "identity_check_id", "rule": "with-its-proof", "detail": "",
    }  # fmt: skip
