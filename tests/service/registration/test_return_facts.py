"""How a person was returned: optional codes. Signs of an unlawful return open a legal need and block nothing."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.service.registration.conftest import a_returnee
from tests.service.registration.test_doubtful_parts import arrive, needs, parts

FACTS = {"kind": "forced", "order": "deportation", "mode": "air", "signs": ["pushback"]}
LEGAL = ("legal", "urgent", 1)
AFRAID = {"nationality": "GT", "identity_document": "held", "protection_flags": ["fears_return"]}


async def test_the_facts_are_kept_at_registration_and_shown_there(registration):
    person = await registration.register(return_facts=FACTS)
    assert person["return_facts"] == FACTS
    told = await registration.events(key=person["id"])
    assert told
    assert not [event for event in told if "pushback" in str(event) or "deportation" in str(event)]
    nothing = await registration.register()
    assert nothing["return_facts"] == {"kind": None, "order": None, "mode": None, "signs": []}


CASES: list[tuple[dict[str, Any], bool]] = [
    ({"return_facts": {"signs": ["collective_expulsion"]}}, True),
    ({"return_facts": {"signs": ["mass_expulsion", "pushback"]}}, True),
    ({"profile": AFRAID}, True),
    ({"profile": AFRAID, "return_facts": FACTS}, True),
    ({"return_facts": FACTS | {"signs": []}}, False),
    ({}, False),
]


@pytest.mark.parametrize(("facts", "legal"), CASES)
async def test_signs_open_a_legal_need_by_either_way(registration, facts, legal):
    food = [{"category": "food"}]
    by_rest = await registration.register(**facts, needs=food)
    by_event = await arrive(registration, **facts, needs=food)
    for person in (by_rest["id"], by_event):
        expected = [("food", "normal", 1), *([LEGAL] if legal else [])]
        assert sorted(await needs(registration, person)) == expected, facts


async def test_a_legal_need_that_was_told_counts(registration):
    told = [{"category": "legal", "urgency": "normal"}]
    person = await registration.register(return_facts=FACTS, needs=told)
    assert await needs(registration, person["id"]) == [("legal", "normal", 1)]


async def test_a_sign_that_is_told_later_opens_it_once_and_the_facts_are_corrected_one_by_one(registration):
    person = (await registration.register(return_facts={"kind": "forced", "mode": "air"}))["id"]
    path = f"/v1/returnees/{person}"
    first = await registration.patch(path, {"return_facts": {"signs": ["pushback"]}}, etag='"1"')
    assert first.json()["return_facts"] == {"kind": "forced", "order": None, "mode": "air", "signs": ["pushback"]}
    second = {"return_facts": {"signs": ["pushback", "mass_expulsion"], "kind": None}}
    assert (await registration.patch(path, second, etag='"2"')).json()["return_facts"]["kind"] is None
    assert await needs(registration, person) == [LEGAL]


async def test_the_same_facts_again_change_nothing_and_others_are_a_contradiction(registration):
    body = a_returnee(sender_reference=f"p-{uuid4()}", return_facts=FACTS)
    person = (await registration.post("/v1/returnees", body)).json()
    assert (await registration.post("/v1/returnees", body)).status_code == 201
    other = body | {"return_facts": FACTS | {"mode": "foot"}}
    assert (await registration.post("/v1/returnees", other)).json()["differing"] == ["/return_facts/mode"]
    assert await needs(registration, person["id"]) == [LEGAL]


@pytest.mark.parametrize(
    ("facts", "pointer"),
    [
        ({"kind": "expelled"}, "/return_facts/kind"),
        ({"signs": ["pushback", "unheard_of"]}, "/return_facts/signs/1"),
        ({"order": 3}, "/return_facts/order"),
        ("forced", "/return_facts"),
    ],
)
async def test_a_wrong_fact_is_refused_by_rest_and_set_aside_by_event(registration, facts, pointer):
    answer = await registration.post("/v1/returnees", a_returnee(return_facts=facts))
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    person = await arrive(registration, return_facts=facts)
    (part,) = await parts(registration, person)
    assert (part["pointer"], part["is_urgent"]) == (pointer, "/signs" in pointer)
    signs = facts["signs"][:1] if isinstance(facts, dict) and "signs" in facts else []
    assert await needs(registration, person) == ([LEGAL] if signs else [])
