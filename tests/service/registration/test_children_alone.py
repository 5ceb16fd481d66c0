"""A child who is alone gets one need of child protection by itself, as an emergency."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.events.catalogue.referral import AgeDecided, NeedMet
from tests.service.registration.conftest import a_returnee
from tests.service.registration.test_doubtful_parts import arrive, needs

NAMES = {"given_names": "Muestra Uno", "family_names": "Ejemplo Menor"}
CHILD = NAMES | {"birth_date": "2015-05-17"}
ADULT = NAMES | {"birth_date": "1990-05-17"}
PROTECTION = ("child_protection", "emergency", 1)


def a_profile(**facts: Any) -> dict[str, Any]:
    return {"nationality": "GT", "identity_document": "lost_on_route"} | facts


TOLD_CHILD = a_profile(age={"group": "child", "basis": "own_word"})
TOLD_ADULT = a_profile(age={"group": "adult", "basis": "own_word"})
MARKED = a_profile(protection_flags=["unaccompanied_child"])
IN_A_HOUSEHOLD = {"household_reference": "family-1", "household_size": 2}

CASES: list[tuple[dict[str, Any], bool]] = [
    ({"identity": CHILD}, True),
    ({"profile": TOLD_CHILD}, True),
    ({"identity": CHILD, "profile": MARKED} | IN_A_HOUSEHOLD, True),
    ({"profile": MARKED}, True),
    ({"identity": CHILD} | IN_A_HOUSEHOLD, False),
    ({"identity": ADULT}, False),
    ({"identity": ADULT, "profile": MARKED}, False),
    ({"profile": TOLD_ADULT}, False),
    ({}, False),
]


@pytest.mark.parametrize(("facts", "alone"), CASES)
async def test_the_need_is_reported_by_either_way(registration, facts, alone):
    by_rest = await registration.register(**facts)
    by_event = await arrive(registration, **facts)
    for person in (by_rest["id"], by_event):
        assert await needs(registration, person) == ([PROTECTION] if alone else []), facts


async def test_it_comes_beside_other_needs_and_not_beside_one_that_was_told(registration):
    food = {"category": "food"}
    person = await registration.register(identity=CHILD, needs=[food])
    assert sorted(await needs(registration, person["id"])) == [PROTECTION, ("food", "normal", 1)]
    told = {"category": "child_protection", "urgency": "urgent"}
    other = await registration.register(identity=CHILD, needs=[told, food])
    assert sorted(await needs(registration, other["id"])) == [("child_protection", "urgent", 1), ("food", "normal", 1)]


async def test_the_same_arrival_again_reports_nothing_more(registration):
    body = a_returnee(sender_reference=f"p-{uuid4()}", identity=CHILD)
    for _ in range(2):
        person = (await registration.post("/v1/returnees", body)).json()
    assert await needs(registration, person["id"]) == [PROTECTION]
    more = body | {"needs": [{"category": "food"}]}
    assert (await registration.post("/v1/returnees", more)).status_code == 201
    assert [category for category, _, _ in await needs(registration, person["id"])] == ["child_protection", "food"]


async def test_who_becomes_a_child_by_a_correction_gets_it_once(registration):
    person = (await registration.register(identity=ADULT))["id"]
    path = f"/v1/returnees/{person}"
    assert await needs(registration, person) == []
    for version, birth_date in enumerate(("2015-05-17", "1990-05-17", "2012-01-01", "2013-01-01"), start=1):
        answer = await registration.patch(path, {"identity": {"birth_date": birth_date}}, etag=f'"{version}"')
        assert answer.status_code == 200
    assert await needs(registration, person) == [PROTECTION]
    log = (await registration.get(f"{path}/access-log")).json()["items"]
    assert [one["action"] for one in log].count("need.report") == 1


async def test_who_becomes_a_child_by_a_decision_gets_it_and_again_after_the_first_has_ended(registration):
    person = (await registration.register(profile=TOLD_ADULT))["id"]

    async def decided(group: str) -> None:
        values: dict[str, Any] = {"basis": "assessment", "desk": "pgn-child-desk", "at": datetime.now(UTC)}
        await registration.hear(AgeDecided(returnee_id=UUID(person), age_group=group, **values))

    await decided("child")
    assert await needs(registration, person) == [PROTECTION]
    (first,) = [one for one in await registration.events("need.reported.v1") if one["returnee_id"] == person]
    met = {"category": "child_protection", "at": datetime.now(UTC), "case_code": ""}
    await registration.hear(NeedMet(returnee_id=UUID(person), need_id=UUID(first["need_id"]), **met))
    await decided("child")
    assert await needs(registration, person) == [PROTECTION], "nothing has changed"
    await decided("adult")
    await decided("child")
    told = [one["need_id"] for one in await registration.events("need.reported.v1") if one["returnee_id"] == person]
    assert len(set(told)) == len(told) == 2


async def test_a_child_who_leaves_the_household_is_alone(registration):
    reference = {
        "household_reference": f"family-{uuid4()}",
        "household_size": 2,
        "arrived_at": a_returnee()["arrived_at"],
    }
    mother = await registration.register(identity=ADULT, **reference)
    child = await registration.register(identity=CHILD, **reference)
    assert mother["household_id"] == child["household_id"] is not None
    path = f"/v1/households/{mother['household_id']}"
    etag = (await registration.get(path)).headers["ETag"]
    left = {"member_ids": [mother["id"]], "reference_returnee_id": mother["id"]}
    assert (await registration.patch(path, left, etag=etag)).status_code == 200
    assert await needs(registration, child["id"]) == [PROTECTION]
    assert await needs(registration, mother["id"]) == []
