"""The household of a registered person."""

import re

import pytest

from tests.console.told_arrivals import (
    BATCH,
    CODE,
    HOUSEHOLD,
    KEY,
    OTHER,
    PERSON,
    batch,
    clerk,
    entry,
    page,
    person,
    tell_batch,
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


async def test_a_household_is_made_of_people_who_are_found_by_case_code(world: World):
    tell_person(world)
    found = {"items": [{**person(), "id": OTHER, "case_code": "GT-AAAA-BBBB"}], "more": False, "next": None}
    world.services.tell("registration", "/v1/returnees/search", found, method="POST")
    browser = clerk(world)
    typed = {"form_key": KEY, "household": "", "version": "", "member": [PERSON], f"code_{PERSON}": CODE}
    added = await browser.post(
        f"{PAGE}/household", **typed, case_code="gt-aaaa-bbbb", reference=PERSON, expected_size="3", stay_together="yes"
    )
    assert added.status_code == 200
    assert f'name="member" value="{OTHER}" checked' in added.text
    assert "GT-AAAA-BBBB" in added.text
    assert 'name="expected_size" type="number" value="3"' in added.text
    assert world.services.sent("POST", "/v1/households") == []
    world.services.tell("registration", "/v1/households", HOUSEHOLD_ROW, method="POST", status=201)
    typed["member"] = [PERSON, OTHER]
    answer = await browser.post(
        f"{PAGE}/household", **typed, case_code="", reference=PERSON, expected_size="3", stay_together="yes"
    )
    assert answer.headers["location"] == PAGE
    (sent,) = world.services.sent("POST", "/v1/households")
    assert sent.headers["idempotency-key"] == KEY
    assert sent.body == {
        "reference_returnee_id": PERSON,
        "member_ids": [PERSON, OTHER],
        "expected_size": 3,
        "stay_together": True,
    }


async def test_a_namesake_is_confirmed_after_the_warning_and_never_before_it(world: World):
    """Taken out: the condition of the box (whoever ticks it without a warning turns the warning off)."""
    tell_person(world)
    browser = clerk(world)
    assert "namesakes_confirmed" not in (await browser.get(f"{PAGE}/household")).text
    typed = {
        "household": "",
        "member": [PERSON, OTHER],
        "reference": PERSON,
        "expected_size": "2",
        f"code_{OTHER}": CODE,
    }
    world.services.refuse("registration", "/v1/households", "may-be-excluded")
    warned = await browser.post(f"{PAGE}/household", **typed)
    assert warned.status_code == 409
    assert 'type="checkbox" name="namesakes_confirmed" value="yes">' in warned.text
    world.services.tell("registration", "/v1/households", HOUSEHOLD_ROW, method="POST", status=201)
    assert (await browser.post(f"{PAGE}/household", **typed, namesakes_confirmed="yes")).status_code == 303
    first, second = world.services.sent("POST", "/v1/households")
    assert "namesakes_confirmed" not in first.body
    assert second.body["namesakes_confirmed"] is True


async def test_a_household_that_exists_is_changed_with_its_version_and_its_refusal_is_shown(world: World):
    tell_person(world, household_id=HOUSEHOLD)
    world.services.tell("registration", f"/v1/households/{HOUSEHOLD}", HOUSEHOLD_ROW)
    world.services.tell(
        "registration", f"/v1/returnees/{OTHER}", {**person(), "id": OTHER, "case_code": "GT-AAAA-BBBB"}
    )
    browser = clerk(world)
    shown = await browser.get(f"{PAGE}/household")
    assert f'name="household" value="{HOUSEHOLD}"' in shown.text
    assert "GT-AAAA-BBBB" in shown.text
    path = f"/v1/households/{HOUSEHOLD}"
    world.services.refuse("registration", path, "member-of-another-household", method="PATCH")
    answer = await browser.post(
        f"{PAGE}/household",
        household=HOUSEHOLD,
        version='"7"',
        member=[PERSON],
        reference=PERSON,
        expected_size="1",
        **{f"code_{PERSON}": CODE, f"code_{OTHER}": "GT-AAAA-BBBB"},
    )
    assert answer.status_code == 409
    assert "belongs to another household" in answer.text
    assert f'name="member" value="{OTHER}">' in answer.text
    (sent,) = world.services.sent("PATCH", path)
    assert sent.headers["if-match"] == '"7"'
    assert sent.body["stay_together"] is False


async def test_a_case_code_that_nobody_has_says_so_and_keeps_the_list(world: World):
    tell_person(world)
    nothing = {"items": [], "more": False, "next": None}
    world.services.tell("registration", "/v1/returnees/search", nothing, method="POST")
    answer = await clerk(world).post(
        f"{PAGE}/household", member=[PERSON], case_code="GT-ZZZZ-ZZZZ", reference=PERSON, **{f"code_{PERSON}": CODE}
    )
    assert "Nobody has this case code" in answer.text
    assert 'value="GT-ZZZZ-ZZZZ"' in answer.text
    assert f'name="member" value="{PERSON}" checked' in answer.text


async def test_a_household_id_that_is_none_never_becomes_a_part_of_an_address(world: World):
    tell_person(world)
    answer = await clerk(world).post(f"{PAGE}/household", household="../services", member=[PERSON], reference=PERSON)
    assert answer.status_code == 404
    assert not [one for one in world.services.asked if one.method != "GET"]


def _pages() -> list[str]:
    person = [f"{PAGE}{part}" for part in ("", "/slip", "/needs", "/household", "/consents", "/consents/new")]
    forms = [f"{PAGE}/{part}" for part in ("contact", "profile", "identity", "excluded")]
    return ["/reception", f"/reception/batches/{BATCH}", "/reception/register", "/reception/search", *person, *forms]


@pytest.mark.parametrize("path", _pages())
async def test_every_page_of_the_reception_is_well_formed(world: World, path: str):
    tell_person(world)
    world.services.tell("registration", "/v1/arrival-batches", page(batch()))
    tell_batch(world, entry())
    shown = await clerk(world, language="es").get(path)
    assert shown.status_code == 200
    ids = re.findall(r'\sid="([^"]*)"', shown.text)
    assert len(ids) == len(set(ids))
    assert len(re.findall(r"<h1[ >]", shown.text)) == 1
    assert len(re.findall(r"\sautofocus", shown.text)) <= 1
    assert not re.findall(r'\sstyle="|<script(?! src)|\son\w+="', shown.text)
    labels = set(re.findall(r'<label for="([^"]*)"', shown.text))
    fields = re.findall(r'<(?:input|select|textarea) id="([^"]*)"', shown.text)
    assert set(fields) <= labels
