"""Answers to instruments: saved one by one, sealed, corrected, completed; needs follow and say from which question."""

import itertools
from datetime import timedelta
from uuid import UUID

import pytest

from libs.instruments.model import Instruments
from services.registration.answers.rules import IDLE_MINUTES
from tests.service.registration.answering import (
    CALM,
    CLERK,
    DESK,
    TRIAGE,
    TROUBLED,
    complete,
    judge,
    needs_of,
    path,
    save,
)

DERIVED = [("family_contact", "calls"), ("health", "basic_care"), ("shelter", "temporary_shelter")]


def kinds(needs):
    return sorted((need["category"], need["kind"]) for need in needs)


async def test_instruments_are_shown_in_an_approved_language_and_a_fallback_is_said(registration):
    listed = (await registration.get("/v1/instruments", **CLERK)).json()["items"]
    assert [(one["instrument"], one["questions_count"]) for one in listed if one["use"] == "triage"] == [("triage", 5)]
    assert [one["label"] for one in listed if one["use"] == "reintegration"] == ["UNOFFICIAL-equal-weight"]
    shown = {}
    for language in ("en", "es", "quc", None):
        query = "" if language is None else f"?language={language}"
        view = (await registration.get(f"/v1/instruments/triage{query}", **CLERK)).json()
        shown[language] = view["language"], view["is_fallback"], view["title"]
    assert shown == {
        "en": ("en", False, "First questions"),
        "es": ("es", False, "Primeras preguntas"),
        "quc": ("es", True, "Primeras preguntas"),
        None: ("es", False, "Primeras preguntas"),
    }
    missing = [await registration.get(f"/v1/instruments/{one}", **CLERK) for one in ("nothing", "triage?version=9")]
    assert [one.status_code for one in missing] == [404, 404]


async def test_a_view_of_an_instrument_tells_no_rule(registration):
    view = await registration.get("/v1/instruments/protection_indicators?language=en", **DESK)
    assert all(word not in view.text for word in ("anti_trafficking", "gbv", "in_private", "at_home"))


async def test_a_draft_of_a_translation_is_never_shown(registration, sample_pack, monkeypatch):
    current = sample_pack.instruments.current["triage"]
    languages = {**current.languages, "en": current.languages["en"].model_copy(update={"status": "draft"})}
    draft = current.model_copy(update={"languages": languages})
    monkeypatch.setitem(sample_pack.__dict__, "instruments", Instruments(versions=(draft,)))
    view = (await registration.get("/v1/instruments/triage?language=en", **CLERK)).json()
    assert (view["language"], view["is_fallback"], view["languages"]) == ("es", True, ["es"])


async def test_who_has_answered_nothing_is_asked_the_first_question_in_their_language(registration):
    person = await registration.register()
    view = (await registration.get(f"{path(person)}?language=en", **CLERK)).json()
    assert (view["answers"], view["completed_at"], view["next"]["id"]) == ([], None, "unwell_now")
    assert view["next"]["text"] == "Do you feel unwell or are you injured at this moment?"
    assert view["missing"] == ["unwell_now", "place_tonight", "call_family", "papers_in_hand"]


async def test_each_answer_is_saved_alone_and_decides_what_is_asked_next(registration):
    person = await registration.register()
    asked = []
    for question, value in TRIAGE.items():
        answer = await save(registration, person, **{question: value})
        assert answer.status_code == 200, answer.text
        following = answer.json()["next"]
        asked.append(following and following["id"])
    assert asked == ["place_tonight", "way_home", "call_family", "papers_in_hand", None]
    view = (await registration.get(path(person), **CLERK)).json()
    assert {one["question"]: one["value"] for one in view["answers"]} == TRIAGE


@pytest.mark.parametrize("order", [*itertools.islice(itertools.permutations(TROUBLED), 0, 120, 40)], ids=str)
async def test_any_order_of_partial_saves_leads_to_the_needs_of_one_save(registration, order):
    one, other = await registration.register(), await registration.register()
    assert (await save(registration, one, **TROUBLED)).status_code == 200
    for question in order:
        wrong = "yes" if TROUBLED[question] == "no" else None
        await save(registration, other, **{question: wrong})
        answer = await save(registration, other, **{question: TROUBLED[question]}, replaces=1)
        assert answer.status_code == 200, answer.text
    for person in (one, other):
        assert await needs_of(registration, person) == [], "nothing follows before completion"
        assert (await complete(registration, person)).status_code == 200
    found = [kinds(await needs_of(registration, person)) for person in (one, other)]
    assert found == [DERIVED, DERIVED]


async def test_a_need_says_from_which_questions_it_follows_and_not_what_was_answered(registration):
    person = await registration.register()
    await save(registration, person, **TROUBLED)
    await complete(registration, person)
    (bed,) = [one for one in await needs_of(registration, person) if one["category"] == "shelter"]
    origin = {
        "instrument": "triage",
        "instrument_version": 1,
        "rule": "bed_tonight",
        "questions": ["place_tonight"],
        "stale_since": None,
    }
    assert (bed["origins"], bed["urgency"]) == ([origin], "emergency")
    single = await registration.get(f"/v1/returnees/{person['id']}/needs/{bed['id']}", **CLERK)
    assert single.json()["origins"] == [origin]
    events = await registration.events("need.reported.v1", key=person["id"])
    assert sorted((one["category"], one["kind"]) for one in events) == DERIVED


async def test_a_need_that_was_told_before_is_the_same_need(registration):
    person = await registration.register(needs=[{"category": "health", "kind": "basic_care"}])
    await save(registration, person, **TROUBLED)
    await complete(registration, person)
    needs = await needs_of(registration, person)
    assert kinds(needs) == DERIVED
    (told,) = [one for one in needs if one["category"] == "health"]
    assert (told["origins"][0]["rule"], told["urgency"]) == ("health_now", "emergency")


async def test_completing_twice_and_judging_again_reports_nothing_twice(registration):
    person = await registration.register()
    await save(registration, person, **TROUBLED)
    for _ in range(3):
        assert (await complete(registration, person)).status_code == 200
    await judge(registration)
    assert len(await registration.events("need.reported.v1", key=person["id"])) == len(DERIVED)


async def test_an_instrument_with_required_questions_open_is_not_complete_and_says_which(registration):
    person = await registration.register()
    nothing = await complete(registration, person)
    await save(registration, person, unwell_now="yes", place_tonight="own")
    answer = await complete(registration, person)
    assert [one.status_code for one in (nothing, answer)] == [409, 409]
    assert answer.json()["code"] == "answers-incomplete"
    assert answer.json()["missing"] == ["way_home", "call_family", "papers_in_hand"]
    assert await needs_of(registration, person) == []


async def test_who_does_not_want_to_answer_has_answered(registration):
    person = await registration.register()
    await save(registration, person, **dict.fromkeys(TRIAGE))
    assert (await complete(registration, person)).status_code == 200
    assert await needs_of(registration, person) == []


async def test_a_correction_after_completion_marks_the_need_and_withdraws_nothing(registration):
    person = await registration.register()
    await save(registration, person, **TROUBLED)
    await complete(registration, person)
    await save(registration, person, place_tonight="own", replaces=1)
    (bed,) = [one for one in await needs_of(registration, person) if one["category"] == "shelter"]
    assert bed["status"] == "reported", "a provider may be on the way: a person withdraws it"
    assert bed["origins"][0]["stale_since"] is not None
    assert await registration.events("need.withdrawn.v1", key=person["id"]) == []
    await save(registration, person, place_tonight="none", replaces=2)
    (bed,) = [one for one in await needs_of(registration, person) if one["category"] == "shelter"]
    assert bed["origins"][0]["stale_since"] is None


async def test_a_need_that_a_person_withdrew_is_not_reported_again_until_the_answers_change(registration):
    person = await registration.register()
    await save(registration, person, **TROUBLED)
    await complete(registration, person)
    (bed,) = [one for one in await needs_of(registration, person) if one["category"] == "shelter"]
    await registration.post(f"/v1/returnees/{person['id']}/needs/{bed['id']}/withdraw", **CLERK)
    await save(registration, person, call_family="no", replaces=1)
    await complete(registration, person)
    assert [one["status"] for one in await needs_of(registration, person) if one["category"] == "shelter"] == [
        "withdrawn"
    ]
    await save(registration, person, place_tonight="own", replaces=1)
    await save(registration, person, place_tonight="none", replaces=2)
    states = [one["status"] for one in await needs_of(registration, person) if one["category"] == "shelter"]
    assert states == ["withdrawn", "reported"]


async def test_what_nobody_completes_is_judged_all_the_same(registration):
    person = await registration.register()
    await save(registration, person, place_tonight="none")
    await judge(registration)
    assert await needs_of(registration, person) == [], "the clerk may still be asking"
    later = timedelta(minutes=IDLE_MINUTES, seconds=1)
    await registration.fetch(
        "UPDATE answer_set SET saved_at = saved_at - $1::interval WHERE returnee_id = $2", later, UUID(person["id"])
    )
    await judge(registration)
    assert kinds(await needs_of(registration, person)) == [("shelter", "temporary_shelter")]


async def test_two_who_correct_one_answer_do_not_overwrite_each_other(registration):
    person = await registration.register()
    await save(registration, person, unwell_now="no", call_family="no")
    first = await save(registration, person, unwell_now="yes", replaces=1)
    second = await save(registration, person, unwell_now=None, call_family="yes", replaces=1)
    assert (first.status_code, second.status_code) == (200, 409)
    assert (second.json()["code"], second.json()["questions"]) == ("answer-changed", ["unwell_now"])
    assert '"yes"' not in second.text
    view = (await registration.get(path(person), **CLERK)).json()
    assert {one["question"]: (one["value"], one["version"]) for one in view["answers"]} == {
        "unwell_now": ("yes", 2),
        "call_family": ("no", 1),
    }, "nothing of a refused save is stored"


async def test_the_same_save_again_changes_nothing(registration):
    person = await registration.register()
    for _ in range(2):
        assert (await save(registration, person, **TRIAGE)).status_code == 200
    (row,) = await registration.fetch("SELECT count(*) FROM answer WHERE returnee_id = $1", UUID(person["id"]))
    assert row["count"] == len(TRIAGE)


async def test_a_corrected_answer_keeps_its_history_sealed(registration):
    person = await registration.register()
    await save(registration, person, "vulnerability", which_medicine="Insulina")
    await save(registration, person, "vulnerability", which_medicine="Metformina", replaces=1)
    find = "SELECT question, version, value_sealed FROM answer WHERE returnee_id = $1 ORDER BY version"
    rows = await registration.fetch(find, UUID(person["id"]))
    assert [(row["question"], row["version"]) for row in rows] == [("which_medicine", 1), ("which_medicine", 2)]
    assert len({len(row["value_sealed"]) for row in rows}) == 1, "the length tells nothing"
    assert not any(word in bytes(row["value_sealed"]) for row in rows for word in (b"Insulina", b"Metformina"))


async def test_an_answer_moved_to_another_question_does_not_open(registration):
    person = await registration.register()
    await save(registration, person, unwell_now="yes", call_family="no")
    await registration.fetch(
        "UPDATE answer SET value_sealed = (SELECT value_sealed FROM answer WHERE returnee_id = $1"
        " AND question = 'unwell_now') WHERE returnee_id = $1 AND question = 'call_family'",
        UUID(person["id"]),
    )
    assert (await registration.get(path(person), **CLERK)).status_code == 500


async def test_a_person_keeps_the_version_with_which_they_began(registration, sample_pack, monkeypatch):
    begun, fresh = await registration.register(), await registration.register()
    await save(registration, begun, unwell_now="yes", place_tonight="none")
    current = sample_pack.instruments.current["triage"]
    newer = current.model_copy(update={"version": 2, "questions": current.questions[1:]})
    monkeypatch.setitem(sample_pack.__dict__, "instruments", Instruments(versions=(current, newer)))
    differs = await save(registration, begun, version=2, call_family="yes")
    assert (differs.status_code, differs.json()["code"]) == (409, "instrument-version-differs")
    assert differs.json()["instrument_version"] == 1
    await save(registration, begun, call_family="yes", papers_in_hand="yes")
    done = await complete(registration, begun)
    assert (done.json()["instrument_version"], done.json()["newer_version"]) == (1, 2)
    assert kinds(await needs_of(registration, begun)) == DERIVED, "the question that version 2 lacks still counts"
    assert {one["origins"][0]["instrument_version"] for one in await needs_of(registration, begun)} == {1}
    assert (await registration.get(path(fresh), **CLERK)).json()["instrument_version"] == 2
    offline = await save(registration, fresh, version=1, unwell_now="no")
    assert offline.json()["instrument_version"] == 1, "who asked with the older version keeps it"


async def test_each_access_is_recorded_with_its_questions(registration):
    person = await registration.register()
    await save(registration, person, unwell_now="yes", call_family="no")
    await registration.get(path(person), **CLERK)
    log = (await registration.get(f"/v1/returnees/{person['id']}/access-log", **CLERK)).json()["items"]
    told = {one["action"]: sorted(one["fields"]) for one in log if one["action"].startswith("answers.")}
    fields = ["triage.call_family", "triage.unwell_now"]
    assert told == {"answers.save": fields, "answers.read": fields}


async def test_an_erasure_leaves_no_answer_and_no_origin(registration):
    person = await registration.register()
    await save(registration, person, **TROUBLED)
    await save(registration, person, "protection_indicators", **CALM)
    await complete(registration, person)
    erased = await registration.post(f"/v1/returnees/{person['id']}/erasure")
    assert erased.status_code < 300, erased.text
    left = [
        await registration.fetch("SELECT FROM answer WHERE returnee_id = $1", UUID(person["id"])),
        await registration.fetch("SELECT FROM answer_set WHERE returnee_id = $1", UUID(person["id"])),
        await registration.fetch(
            "SELECT FROM need_origin o JOIN need n ON n.id = o.need_id WHERE n.returnee_id = $1", UUID(person["id"])
        ),
    ]
    assert left == [[], [], []]
    gone = [await registration.get(path(person), **CLERK), await save(registration, person, unwell_now="no")]
    assert [one.status_code for one in gone] == [410, 410]
