"""A person is found by the case code, by those who may know of the person, and by nobody else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from libs.chassis.rates import Rates
from libs.events.catalogue.registration import ReturneeMerged
from tests.service.referral.world import World

PATH = "cases/search"


async def code_of(world: World, returnee: UUID) -> str:
    return str((await world.row("SELECT case_code FROM journey WHERE returnee_id = $1", returnee))["case_code"])


async def find(world: World, code: str, *, headers: dict[str, str] | None = None) -> httpx.Response:
    return await world.step(PATH, {"case_code": code}, headers=headers or world.staff())


async def test_staff_find_a_person_by_the_code_however_it_is_typed(world: World):
    returnee = await world.person({})
    code = await code_of(world, returnee)
    for typed in (code, code.lower(), f" {code} "):
        answer = await find(world, typed)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"returnee_id": str(returnee), "case_code": code, "merged_into": None}


async def test_a_provider_finds_the_people_of_its_own_offers_only(world: World):
    """Seen to fail with `_is_known` taken out of `case` and the wall of `journey` away; each alone keeps it back."""
    shelter, other = await world.provider(), await world.provider(category="health")
    returnee = await world.person({})
    code = await code_of(world, returnee)
    assert (await find(world, code, headers=world.partner(shelter))).status_code == 404, "not before its offer"
    await world.round()
    assert (await find(world, code, headers=world.partner(shelter))).json()["returnee_id"] == str(returnee)
    assert (await find(world, code, headers=world.partner(other))).status_code == 404


async def test_an_unknown_a_mistyped_and_a_hidden_code_are_the_same_404(world: World):
    shelter = await world.provider()
    hidden = await code_of(world, await world.person({"category": "health"}))
    answers = [
        await find(world, code, headers=world.partner(shelter)) for code in (hidden, "EN-2222-2222", "EN-2222", "x")
    ]
    assert [one.status_code for one in answers] == [404] * 4
    assert len({_told(one) for one in answers}) == 1


def _told(answer: httpx.Response) -> str:
    problem: dict[str, Any] = answer.json()
    return str({name: value for name, value in problem.items() if name not in ("instance", "trace_id")})


async def test_a_merged_record_names_the_one_that_stays(world: World):
    shelter = await world.provider()
    merged = await world.person({})
    await world.round()
    kept = await world.person({"category": "health"})
    code = await code_of(world, merged)
    await world.hear(ReturneeMerged(returnee_id=merged, into_returnee_id=kept))
    assert (await find(world, code)).json()["merged_into"] == str(kept)
    partner = (await find(world, code, headers=world.partner(shelter))).json()
    assert (partner["returnee_id"], partner["merged_into"]) == (str(merged), None), "it has no offer there"


async def test_a_search_is_recorded_as_a_read_of_this_person_and_a_vain_one_is_not(world: World):
    """Seen to fail with `_SEARCH` taken out of `recording`."""
    returnee = await world.person({})
    await find(world, await code_of(world, returnee))
    await find(world, "EN-2222-2222")
    (entry,) = await world.rows("SELECT * FROM access_entry")
    assert (entry["action"], entry["kind"], entry["returnee_ids"]) == ("find_case", "read", [returnee])


async def test_vain_searches_count_as_guesses(world: World, monkeypatch: pytest.MonkeyPatch):
    guesses = []
    monkeypatch.setattr(Rates, "guessed", lambda *_: guesses.append(1))
    await find(world, await code_of(world, await world.person({})))
    assert guesses == []
    await find(world, "EN-2222-2222")
    assert len(guesses) == 1


async def test_the_scope_is_that_of_referrals_and_reception_does_not_search_here(world: World):
    body = {"case_code": "EN-2222-2222"}
    wrong = world.issuer.headers("work-lists:read", client_id="desk")
    assert (await world.step(PATH, body, headers=wrong)).json()["code"] == "insufficient-scope"
    reception = world.issuer.headers("referrals:read", client_id="reception", staff=False, reception_places=["GT01"])
    assert (await world.step(PATH, body, headers=reception)).json()["code"] == "wrong-caller"


@pytest.mark.parametrize("body", [{}, {"case_code": ""}, {"case_code": "x" * 41}, {"case_code": 7}, {"code": "x"}])
async def test_a_search_without_a_code_is_refused(world: World, body: dict[str, Any]):
    answer = await world.step(PATH, body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/c")
