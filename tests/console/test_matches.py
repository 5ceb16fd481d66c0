"""Two records that may be one person: the list, the comparison, the decision of a person, and its undoing."""

from __future__ import annotations

from typing import Any

import pytest

from services.console.labels import LABELS
from services.console.matches.rules import differs, merged_record, reason_in_words
from services.console.words import all_words
from services.registration.linkage.evidence import Guard
from services.registration.linkage.levels import Field, Level
from tests.console.told_arrivals import CLERK, CODE, KEY, OTHER, PERSON, page, tell_person
from tests.console.world import Browser, World, document_of

MATCH = "01956b0e-0000-7a11-8f00-000000000007"
OTHER_CODE = "GT-4H8T-2WXM"
READS = (*CLERK, "matches:read")
DECIDES = (*READS, "matches:decide")
API, PAGE = f"/v1/matches/{MATCH}", f"/matches/{MATCH}"
ENUMS = {
    "match_status": "MatchStatus",
    "match_band": "MatchBand",
    "merge_reason": "MergeReason",
    "different_reason": "DifferentReason",
}


def record(**more: Any) -> dict[str, Any]:
    """One of the two people, as the list has it."""
    return {
        "registered_on": "2026-03-02",
        "reception_place": "GT01",
        "returnee_id": PERSON,
        "case_code": CODE,
        "arrived_at": "2026-03-02T14:00:00Z",
        "version": 4,
        "merged": False,
        **more,
    }


def identity(**more: Any) -> dict[str, Any]:
    """What the page compares."""
    names = {"given_names": "Marta Ixchel", "family_names": "Canario Tuj"}
    return {
        "identity": {**names, "birth_date": "1995-01-31", "document_number": None, **more},
        "sex": "female",
        "destination": "GT09",
    }


HIDDEN = record(returnee_id=None, case_code=None, arrived_at=None, version=None, merged=None)
OF_HIDDEN = {"identity": None, "sex": None, "destination": None}


def match(one: dict[str, Any], other: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A pair."""
    return {
        "id": MATCH,
        "version": 3,
        "status": "open",
        "band": "review",
        "weight": 21.5,
        "reasons": ["family_names.exact", "birth_date.swapped", "guard.other_sex"],
        "found_at": "2026-03-02T14:31:00Z",
        "can_be_decided": True,
        "people": [one, other],
        **more,
    }


def listed(**more: Any) -> dict[str, Any]:
    return match(record(), record(returnee_id=OTHER, case_code=OTHER_CODE, version=7), **more)


def compared(*, merged: bool = False, **more: Any) -> dict[str, Any]:
    other = record(returnee_id=OTHER, case_code=OTHER_CODE, version=7, merged=merged)
    return match(record() | identity(), other | identity(birth_date="1995-02-11"), **more)


def half_seen() -> dict[str, Any]:
    """A pair of which the reader may see one record."""
    return match(record() | identity(), HIDDEN | OF_HIDDEN, can_be_decided=False, weight=None, reasons=[])


def who_decides(world: World) -> Browser:
    return world.client(*DECIDES, reception_places=("GT01",))


async def test_the_list_shows_days_and_places_and_nobodys_name(world: World):
    hidden = match(record(), HIDDEN, can_be_decided=False, weight=None, reasons=[])
    world.services.tell("registration", "/v1/matches", page(hidden, after="more"))
    browser = world.client(*READS, reception_places=("GT01",))
    shown = await browser.get("/matches")
    assert shown.status_code == 200
    for words in (CODE, "registered on March 2, 2026 at", "may be one person", f'href="{PAGE}"', "after=more"):
        assert words in shown.text
    assert 'href="/matches"' in (await browser.get("/reception/search")).text, "the menu has it"
    await browser.get("/matches?status=merged&after=x")
    asked = [one.query for one in world.services.asked]
    assert [one["status"] for one in asked] == [["open"], ["merged"]]
    assert asked[1]["after"] == ["x"]
    assert (await browser.get("/matches?status=strange")).status_code == 404


async def test_two_records_are_compared_in_words_and_what_differs_is_marked(world: World):
    world.services.tell("registration", API, compared())
    shown = await who_decides(world).get(PAGE)
    assert shown.status_code == 200
    for words in (
        CODE,
        OTHER_CODE,
        "Canario Tuj",
        "January 31, 1995",
        "February 11, 1995",
        "birth date: two parts have changed places",
        "they may be brother and sister",
        "It is recorded that you have looked",
    ):
        assert words in shown.text
    assert shown.text.count(">differs<") == 1, "the birth dates, and nothing that only one record says"
    for code in ("birth_date.swapped", "guard.other_sex", "21.5"):
        assert code not in shown.text
    head = shown.text.partition("</head>")[0]
    assert "Canario" not in head
    assert CODE not in head


async def test_of_a_record_that_the_reader_may_not_see_only_day_and_place_are_shown_and_nobody_decides(world: World):
    world.services.tell("registration", API, half_seen())
    shown = await who_decides(world).get(PAGE)
    assert shown.text.count("you may not see this record") == 6
    assert "You may not see both records" in shown.text
    assert f'action="{PAGE}/' not in shown.text


async def test_who_only_reads_gets_no_form_and_sends_none(world: World):
    world.services.tell("registration", API, compared())
    browser = world.client(*READS, reception_places=("GT01",))
    assert f'action="{PAGE}/' not in (await browser.get(PAGE)).text
    for path in ("merge", "different", f"unmerge/{PERSON}"):
        assert (await browser.post(f"{PAGE}/{path}", version='"3"')).status_code == 404
    assert {one.method for one in world.services.asked} == {"GET"}


async def test_without_the_right_the_pages_do_not_exist(world: World):
    browser = world.client(*CLERK, "matches:decide", reception_places=("GT01",))
    assert [(await browser.get(path)).status_code for path in ("/matches", PAGE)] == [404, 404]
    assert (await browser.post(f"{PAGE}/merge", into=PERSON, reason="document_seen")).status_code == 404
    assert world.services.asked == []
    assert 'href="/matches"' not in (await browser.get("/reception/search")).text


async def test_a_person_decides_that_they_are_one_person_with_a_reason_and_the_version_that_was_compared(world: World):
    world.services.tell("registration", API, compared())
    world.services.tell("registration", f"{API}/merge", listed(status="merged", version=4), method="POST")
    browser = who_decides(world)
    assert 'value="&#34;3&#34;"' in (await browser.get(PAGE)).text
    answer = await browser.post(f"{PAGE}/merge", form_key=KEY, version='"3"', into=OTHER, reason="document_seen")
    assert answer.headers["location"] == PAGE
    (sent,) = world.services.sent("POST", f"{API}/merge")
    assert sent.body == {"into": OTHER, "reason": "document_seen"}
    assert (sent.headers["if-match"], sent.headers["idempotency-key"]) == ('"3"', KEY)


async def test_a_person_decides_that_they_are_two_people(world: World):
    world.services.tell("registration", API, compared())
    world.services.tell("registration", f"{API}/different", listed(status="different"), method="POST")
    answer = await who_decides(world).post(f"{PAGE}/different", version='"3"', different_reason="relatives")
    assert answer.headers["location"] == "/matches"
    (sent,) = world.services.sent("POST", f"{API}/different")
    assert (sent.body, sent.headers["if-match"]) == ({"reason": "relatives"}, '"3"')


async def test_a_merge_is_undone_with_the_version_of_the_record_that_ended(world: World):
    world.services.tell("registration", API, compared(merged=True, status="merged"))
    browser = who_decides(world)
    shown = (await browser.get(PAGE)).text
    assert f'action="{PAGE}/unmerge/{OTHER}"' in shown
    assert "&#34;7&#34;" in shown or "'\"7\"'" in shown
    assert f'action="{PAGE}/merge"' not in shown
    path = f"/v1/returnees/{OTHER}/unmerge"
    world.services.refuse("registration", path, "later-merge-stands")
    refused = await browser.post(f"{PAGE}/unmerge/{OTHER}", version='"7"', different_reason="mistake")
    assert refused.status_code == 409
    assert "Undo that merge first." in refused.text
    (sent,) = world.services.sent("POST", path)
    assert (sent.body, sent.headers["if-match"]) == ({"reason": "mistake"}, '"7"')


async def test_a_refusal_is_shown_with_the_present_version_and_keeps_what_was_chosen(world: World):
    world.services.tell("registration", API, compared() | {"version": 5})
    world.services.refuse("registration", f"{API}/merge", "version-mismatch", status=412)
    refused = await who_decides(world).post(f"{PAGE}/merge", version='"3"', into=OTHER, reason="family_confirms")
    assert refused.status_code == 412
    assert "Somebody has changed this in the meantime." in refused.text
    assert '<option value="family_confirms" selected>' in refused.text
    assert f'value="{OTHER}" checked' in refused.text
    assert "&#34;5&#34;" in refused.text
    assert "&#34;3&#34;" not in refused.text


async def test_after_a_registration_the_clerk_is_told_who_may_be_the_same(world: World):
    tell_person(world)
    hidden = match(record(), HIDDEN, can_be_decided=False, weight=None, reasons=[])
    told = {"compared": True, "items": [hidden]}
    world.services.tell("registration", f"/v1/returnees/{PERSON}/matches", told)
    path = f"/reception/people/{PERSON}"
    shown = (await world.client(*READS, reception_places=("GT01",)).get(f"{path}?new=yes")).text
    assert "This may be somebody who was registered on March 2, 2026" in shown
    assert f'href="{PAGE}"' in shown
    without = await world.client(*CLERK, reception_places=("GT01",)).get(path)
    assert without.status_code == 200
    assert "This may be somebody" not in without.text
    world.services.tell("registration", f"/v1/returnees/{PERSON}/matches", {"compared": False, "items": []})
    again = (await world.client(*READS, reception_places=("GT01",)).get(path)).text
    assert "has not been compared with others yet" in again


@pytest.mark.parametrize("table", ENUMS)
def test_every_code_of_a_decision_has_words(table: str):
    assert set(LABELS[table]) == set(document_of("registration")["components"]["schemas"][ENUMS[table]]["enum"])


def test_every_reason_of_a_match_has_words():
    assert set(LABELS["match_field"]) == set(Field)
    assert set(LABELS["match_level"]) == set(Level)
    assert set(LABELS["match_guard"]) == {*Guard, "group.same"}
    told = reason_in_words(all_words()["es"], "document_number.exact")
    assert told == "número del documento de identidad: igual"


def test_a_fact_differs_only_if_both_records_say_it():
    one, other = record() | identity(), record() | identity(document_number="2987654320101", family_names="Tuj")
    assert differs([one, other], "family_names")
    assert not differs([one, other], "document_number")
    assert not differs([one, HIDDEN | OF_HIDDEN], "family_names")


def test_only_of_a_merged_pair_is_there_a_record_that_ended():
    assert merged_record(compared(merged=True)) is None
    ended = merged_record(compared(merged=True, status="merged"))
    assert ended is not None
    assert ended["returnee_id"] == OTHER
