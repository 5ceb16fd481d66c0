"""A child who is alone is released only to a verified relative, after the child was heard and the authority signed off
(domain P13, P14)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.service.registration.releasing import (
    ADULT,
    AUTHORITY,
    CHILD,
    DESK,
    HEARD,
    MARK,
    OTHER,
    SIGNED,
    STEPS,
    VERIFIED,
    a_handover,
    a_release,
    begun,
    ready,
    step,
)

PATH = "/v1/child-releases"


def a_profile(**facts):
    return {"nationality": "GT", "identity_document": "lost_on_route"} | facts


async def a_child(registration, **changes):
    return await registration.register(**({"identity": CHILD} | changes))


async def test_a_child_who_was_heard_goes_to_a_verified_relative_after_the_sign_off(registration):
    child = await a_child(registration)
    release = await ready(registration, child)
    answer = await step(registration, release, "handover", a_handover())
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["status"], told["authority"], told["verified"]) == (
        "released", "pgn", ["birth_certificate", "home_visit"],
    )  # fmt: skip
    assert MARK not in answer.text
    whole = await registration.get(f"{PATH}/{release['id']}", **AUTHORITY)
    assert whole.headers["Cache-Control"] == "no-store"
    told = whole.json()
    assert (told["relative"]["given_names"], told["heard_words"]) == (MARK, HEARD["words"])
    assert (told["sign_off_reference"], told["heard_by"]) == (SIGNED["reference"], "psychologist-2")
    assert (told["named_by"], told["verified_by"], told["signed_by"], told["released_by"]) == (
        "desk-one", "desk-two", "pgn-child-authority", "desk-one",
    )  # fmt: skip
    for name, body, claims in [*STEPS, ("handover", a_handover(), DESK), ("cancellation", {"reason": "danger"}, DESK)]:
        again = await step(registration, release, name, body, **claims)
        assert (again.status_code, again.json()["code"]) == (409, "child-release-ended"), name
    events = await registration.events(key=child["id"])
    assert not [one for one in events if "release" in one["type"]], "no other service needs it"


@pytest.mark.parametrize(
    ("without", "missing"),
    [
        ("child-view", ["child-view", "sign-off"]),
        ("verification", ["verification", "sign-off"]),
        ("sign-off", ["sign-off"]),
    ],
)
async def test_no_step_may_be_left_out(registration, without, missing):
    release = await ready(registration, await a_child(registration), without=without)
    answer = await step(registration, release, "handover", a_handover())
    assert (answer.status_code, answer.json()["code"]) == (409, "child-release-not-ready")
    assert answer.json()["missing"] == missing
    signed = await step(registration, release, "sign-off", SIGNED, **AUTHORITY)
    assert signed.status_code == (200 if without == "sign-off" else 409), "the authority signs no half release"


async def test_a_sign_off_that_was_withdrawn_or_is_too_old_or_was_for_another_view_releases_nobody(registration):
    release = await ready(registration, await a_child(registration))
    answer = await step(registration, release, "sign-off-withdrawal", {"reason": "relative_in_doubt"}, **AUTHORITY)
    assert answer.json()["sign_off_withdrawn_because"] == "relative_in_doubt"
    again = await step(registration, release, "sign-off-withdrawal", {"reason": "danger"}, **AUTHORITY)
    assert again.json()["code"] == "step-already-taken"
    refused = await step(registration, release, "handover", a_handover())
    assert refused.json()["missing"] == ["sign-off-withdrawn"]
    assert (await step(registration, release, "sign-off", SIGNED, **AUTHORITY)).status_code == 200
    days = registration.pack.reception.child_releases.sign_off_days
    passed = "UPDATE child_release SET signed_at = signed_at - $2::interval WHERE id = $1"
    await registration.fetch(passed, UUID(release["id"]), timedelta(days=days))
    refused = await step(registration, release, "handover", a_handover())
    assert refused.json()["missing"] == ["sign-off-too-old"]
    assert (await step(registration, release, "sign-off", SIGNED, **AUTHORITY)).status_code == 200
    assert (await step(registration, release, "child-view", HEARD | {"wish": "unsure"})).status_code == 200
    refused = await step(registration, release, "handover", a_handover())
    assert refused.json()["missing"] == ["sign-off"]


async def test_a_child_who_is_afraid_is_not_released_and_after_danger_never_to_this_relative(registration):
    child = await a_child(registration)
    release = await ready(registration, child, without="sign-off")
    assert (await step(registration, release, "child-view", HEARD | {"wish": "is_afraid"})).status_code == 200
    signed = await step(registration, release, "sign-off", SIGNED, **AUTHORITY)
    assert (signed.status_code, signed.json()["missing"]) == (409, ["child-is-afraid"])
    refused = await step(registration, release, "handover", a_handover())
    assert "child-is-afraid" in refused.json()["missing"]
    assert (await step(registration, release, "cancellation", {"reason": "danger"})).status_code == 200
    same = a_release(child)
    same["relative"] = {"given_names": "  muestra ABUELA", "family_names": "Ejemplo Mayor"}
    again = await registration.post(PATH, same, **OTHER)
    assert (again.status_code, again.json()["code"]) == (409, "relative-excluded")
    other = a_release(child, relation="mother", relative={"given_names": "Muestra", "family_names": "Ejemplo"})
    assert (await registration.post(PATH, other, **DESK)).status_code == 201
    assert (await registration.post(PATH, other, **DESK)).json()["code"] == "child-release-open"


async def test_one_person_takes_no_two_of_the_steps(registration):
    release = await begun(registration, await a_child(registration))
    assert (await step(registration, release, "child-view", HEARD)).status_code == 200
    named = await step(registration, release, "verification", VERIFIED, **DESK)
    assert (named.status_code, named.json()["code"], named.json()["step"]) == (409, "four-eyes", "named")
    assert (await step(registration, release, "verification", VERIFIED, **OTHER)).status_code == 200
    for client, taken in (("desk-one", "named"), ("desk-two", "verified")):
        signed = await step(registration, release, "sign-off", SIGNED, **(AUTHORITY | {"client_id": client}))
        assert (signed.json()["code"], signed.json()["step"]) == ("four-eyes", taken)
    assert (await step(registration, release, "sign-off", SIGNED, **AUTHORITY)).status_code == 200
    for client, taken in (("desk-two", "verified"), ("pgn-child-authority", "signed_off")):
        given = await step(registration, release, "handover", a_handover(), **(DESK | {"client_id": client}))
        assert (given.json()["code"], given.json()["step"]) == ("four-eyes", taken)
    (row,) = await registration.fetch("SELECT status FROM child_release WHERE id = $1", UUID(release["id"]))
    assert row["status"] == "open"


async def test_only_the_authoritys_own_caller_signs_off_and_withdraws(registration):
    release = await ready(registration, await a_child(registration), without="sign-off")
    both = AUTHORITY | {"scopes": f"{DESK['scopes']} child-releases:sign-off", "client_id": "desk-three"}
    for name, body in (("sign-off", SIGNED), ("sign-off-withdrawal", {"reason": "danger"})):
        desk = await step(registration, release, name, body, **DESK)
        assert (desk.status_code, desk.json()["code"]) == (403, "insufficient-scope")
        mixed = await step(registration, release, name, body, **both)
        assert (mixed.status_code, mixed.json()["code"]) == (403, "not-the-authority")
    for name, body in (("child-view", HEARD), ("verification", VERIFIED), ("handover", a_handover())):
        assert (await step(registration, release, name, body, **AUTHORITY)).status_code == 403


CASES = [
    ({"identity": CHILD}, None),
    ({"profile": a_profile(age={"group": "unsure", "basis": "own_word"})}, None),
    ({"identity": ADULT, "profile": a_profile(protection_flags=["age_disputed"])}, None),
    ({"profile": a_profile(protection_flags=["unaccompanied_child"])}, None),
    ({"identity": ADULT, "profile": a_profile(protection_flags=["unaccompanied_child"])}, "adult"),
]


@pytest.mark.parametrize(("facts", "because"), CASES)
async def test_an_unsure_age_counts_as_a_childs_and_an_adult_is_not_released(registration, facts, because):
    person = await registration.register(**facts)
    answer = await registration.post(PATH, a_release(person), **DESK)
    assert answer.status_code == (201 if because is None else 409), answer.text
    assert answer.json().get("because") == because


async def test_a_child_who_lives_with_an_adult_is_not_alone(registration):
    family = {"household_reference": f"family-{uuid4()}", "household_size": 3}
    child = await registration.register(identity=CHILD, **family)
    await registration.register(identity=CHILD | {"birth_date": "2012-01-01"}, **family)
    release = await ready(registration, child)
    await registration.register(identity=ADULT, **family)
    answer = await step(registration, release, "handover", a_handover())
    assert (answer.status_code, answer.json()["code"], answer.json()["because"]) == (
        409, "not-a-child-alone", "with-an-adult",
    )  # fmt: skip
    assert (await step(registration, release, "cancellation", {"reason": "other_measure"})).status_code == 200
    other = await registration.post(PATH, a_release(child), **DESK)
    assert other.json()["code"] == "not-a-child-alone"


@pytest.mark.parametrize(
    ("name", "body", "pointer"),
    [
        ("child-view", {}, "/heard_by"),
        ("child-view", HEARD | {"not_heard_because": "illness"}, "/wish"),
        ("child-view", {"heard_by": "nurse-1", "heard_at": HEARD["heard_at"]}, "/wish"),
        ("child-view", {name: HEARD[name] for name in ("wish", "heard_by", "heard_at")}, "/language"),
        ("child-view", HEARD | {"heard_at": "2099-01-01T00:00:00Z"}, "/heard_at"),
        (
            "child-view",
            {"not_heard_because": "infant", "heard_by": "n", "heard_at": HEARD["heard_at"]},
            "/not_heard_because",
        ),
        ("child-view", HEARD | {"wish": "whatever"}, "/wish"),
        ("verification", VERIFIED | {"verified": []}, "/verified"),
        ("verification", VERIFIED | {"verified_at": "2099-01-01T00:00:00Z"}, "/verified_at"),
        ("verification", VERIFIED | {"verified_by": "me"}, "/verified_by"),
        ("handover", {"handed_over_at": "2099-01-01T00:00:00Z"}, "/handed_over_at"),
        ("handover", {"handed_over_at": "2026-03-02T15:00:00Z"}, "/handed_over_at"),
        ("handover", {"place": "GT1202"}, "/place"),
        ("handover", {"place": "my village"}, "/place"),
        ("cancellation", {"reason": "because"}, "/reason"),
    ],
)
async def test_bad_input_names_its_field_and_stores_nothing(registration, name, body, pointer):
    child = await a_child(registration, profile=a_profile(avoid_places=["GT12"]))
    release = await begun(registration, child)
    if name == "handover":
        body = a_handover(**body)
        for one, told, claims in STEPS:
            await step(registration, release, one, told, **claims)
    claims = OTHER if name == "verification" else DESK
    before = await registration.fetch("SELECT * FROM child_release WHERE id = $1", UUID(release["id"]))
    answer = await step(registration, release, name, body, **claims)
    assert answer.status_code == 422, answer.text
    assert pointer in [fault["pointer"] for fault in answer.json()["errors"]]
    assert before == await registration.fetch("SELECT * FROM child_release WHERE id = $1", UUID(release["id"]))


async def test_the_database_itself_refuses_one_person_with_two_steps_and_a_release_without_a_step(registration):
    release = await ready(registration, await a_child(registration))
    for change in ("signed_by = verified_by", "verified_by = named_by", "status = 'released'"):
        with pytest.raises(asyncpg.CheckViolationError):
            await registration.fetch(f"UPDATE child_release SET {change} WHERE id = $1", UUID(release["id"]))


async def test_a_step_on_an_older_version_is_refused_and_the_same_one_sent_twice_is_one(registration):
    release = await ready(registration, await a_child(registration), without="sign-off")
    stale = await step(registration, release, "sign-off", SIGNED, version=1, **AUTHORITY)
    assert stale.status_code == 412, "the authority signs what it has read"
    headers = registration.headers(**AUTHORITY) | {"If-Match": '"3"'}
    two = [
        await registration.client.post(f"{PATH}/{release['id']}/sign-off", json=SIGNED, headers=headers)
        for _ in range(2)
    ]
    assert [one.status_code for one in two] == [200, 200]
    assert two[0].json() == two[1].json()
    assert datetime.fromisoformat(two[0].json()["sign_off_valid_until"]) > datetime.now(UTC)
