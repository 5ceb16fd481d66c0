"""A need names its kind and coded details: told by REST and by event, refined later, refused where the pack knows
better."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from libs.events.catalogue.arrivals import ReturneeArrived
from libs.events.catalogue.referral import NeedMet, ReferralCompleted
from tests.service.registration.conftest import RECEPTION, a_returnee

LEG = [{"detail": "limb", "value": "leg"}, {"detail": "side", "value": "left"}]
PROSTHESIS = {"category": "health", "kind": "prosthesis", "detail_values": LEG}


def limb(value, *, detail="limb"):
    return {**PROSTHESIS, "detail_values": [{"detail": detail, "value": value}]}


CARD = {"category": "documents", "kind": "identity_document"}
BIRTH = {"category": "documents", "kind": "birth_certificate"}
RIGHT = {"scopes": f"{RECEPTION} restricted:read", "client_id": "restricted-desk"}


async def tell(registration, person, need, **claims):
    return await registration.post(f"/v1/returnees/{person['id']}/needs", need, **claims)


async def refine(registration, person, need, body, **claims):
    return await registration.post(f"/v1/returnees/{person['id']}/needs/{need['id']}/refine", body, **claims)


async def needs_of(registration, person, **claims):
    return (await registration.get(f"/v1/returnees/{person['id']}/needs", **claims)).json()["items"]


async def reported(registration, person):
    told = await registration.events("need.reported.v1", key=person["id"])
    return [(one["category"], one["kind"], one["detail_values"]) for one in told]


async def heard(registration, needs):
    """A person who came by event with these needs."""
    source = f"urn:reception:{uuid4()}"
    body = a_returnee(sender_reference="person", needs=needs)
    await registration.hear(ReturneeArrived.model_validate(body), source=source)
    (row,) = await registration.fetch("SELECT id FROM returnee WHERE source = $1", source)
    return {"id": str(row["id"])}


@pytest.mark.parametrize("way", ["arrival", "need", "event"])
async def test_kind_and_details_go_from_whoever_tells_them_to_the_event(registration, way):
    if way == "event":
        person = await heard(registration, [PROSTHESIS])
    else:
        person = await registration.register(needs=[PROSTHESIS] if way == "arrival" else [])
    if way == "need":
        answer = await tell(registration, person, PROSTHESIS)
        assert (answer.status_code, answer.json()["kind"], answer.json()["detail_values"]) == (201, "prosthesis", LEG)
    (seen,) = await needs_of(registration, person)
    assert (seen["category"], seen["kind"], seen["detail_values"]) == ("health", "prosthesis", LEG)
    assert await reported(registration, person) == [("health", "prosthesis", LEG)]


@pytest.mark.parametrize("restricted", [False, True])
async def test_a_person_has_one_open_need_of_each_kind_and_one_of_the_category_alone(registration, restricted):
    category, kinds = ("gbv", ["survivor_care", "survivor_shelter"]) if restricted else (
        "documents", ["identity_document", "birth_certificate"],
    )  # fmt: skip
    person = await registration.register()
    told = [{"category": category}, *({"category": category, "kind": kind} for kind in kinds)]
    for expected in (201, 200):
        answers = [await tell(registration, person, need, **RIGHT) for need in told]
        assert [answer.status_code for answer in answers] == [expected] * 3
    assert len(await needs_of(registration, person, **RIGHT)) == 3
    assert {kind for _, kind, _ in await reported(registration, person)} == {None, *kinds}


@pytest.mark.parametrize("category", ["health", "gbv"])
async def test_a_repeat_adds_details_and_changes_none(registration, category):
    need = {"category": "health", "kind": "prosthesis"} if category == "health" else {
        "category": "gbv", "kind": "survivor_care",
    }  # fmt: skip
    person = await registration.register()
    first = LEG[:1] if category == "health" else []
    await tell(registration, person, {**need, "detail_values": first}, **RIGHT)
    more = [{"detail": "limb", "value": "arm"}, LEG[1]] if category == "health" else []
    again = await tell(registration, person, {**need, "detail_values": more, "urgency": "urgent"}, **RIGHT)
    assert (again.status_code, again.json()["urgency"]) == (200, "urgent")
    assert again.json()["detail_values"] == (LEG if category == "health" else [])


@pytest.mark.parametrize(
    ("need", "pointer", "rule", "near"),
    [
        ({"category": "health", "kind": "prostesis"}, "/kind", "unknown-kind", "prosthesis"),
        ({"category": "food", "kind": "prosthesis"}, "/kind", "kind-of-another-category", "food"),
        ({"category": "health", "detail_values": LEG}, "/detail_values", "details-without-kind", "kind"),
        (limb("leg", detail="limbs"), "/detail_values/0/detail", "unknown-detail", "limb"),
        ({**PROSTHESIS, "detail_values": [LEG[0], LEG[0]]}, "/detail_values/1/detail", "detail-repeated", "once"),
        (limb("lag"), "/detail_values/0/value", "unknown-value", "leg"),
        (limb(3), "/detail_values/0/value", "detail-form", "one code"),
        (limb(["leg"]), "/detail_values/0/value", "detail-form", "code"),
        ({"category": "shelter", "kind": "temporary_shelter", "detail_values": [{"detail": "nights", "value": 99}]},
         "/detail_values/0/value", "detail-limits", "30"),
        ({"category": "shelter", "kind": "temporary_shelter", "detail_values": [{"detail": "nights", "value": True}]},
         "/detail_values/0/value", "detail-form", "whole number"),
        ({"category": "employment", "after_kind": "identity_card"}, "/after_kind", "unknown-kind", "identity_document"),
        ({"category": "employment", "after_kind": "identity_document"}, "/after_kind", "need-known", "kind"),
        ({"category": "employment", "after_kind": "identity_document", "after_category": "documents"},
         "/after_kind", "one-prerequisite", "category"),
        ({"category": "food", "after_kind": "survivor_care"}, "/after_kind", "ordinary-prerequisite", "restricted"),
        ({**CARD, "after_kind": "identity_document"}, "/after_kind", "no-circle", "itself"),
    ],
)  # fmt: skip
async def test_what_the_pack_does_not_have_is_refused_with_the_nearest_codes(registration, need, pointer, rule, near):
    """Nothing is stored; by REST in an arrival as well."""
    person = await registration.register()
    answer = await tell(registration, person, need)
    (fault, *_) = answer.json()["errors"]
    assert (answer.status_code, fault["pointer"], fault["rule"]) == (422, pointer, rule)
    if not pointer.startswith("/after"):
        assert near in fault["detail"]
    arriving = await registration.post("/v1/returnees", a_returnee(needs=[need]))
    assert arriving.status_code == 422
    assert arriving.json()["errors"][0]["pointer"] == f"/needs/0{pointer}"
    assert await needs_of(registration, person) == []


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ("Ana Paz", "/detail_values/0/value"),
        (1.5, "/detail_values/0/value"),
        (None, "/detail_values/0/value"),
        ({"a": 1}, "/detail_values/0/value"),
        (["leg", "Ana Paz"], "/detail_values/0/value"),
        ([], "/detail_values/0/value"),
        ("x" * 41, "/detail_values/0/value"),
    ],
)
async def test_a_value_is_a_code_a_number_a_list_of_codes_or_yes_or_no(registration, value, pointer):
    person = await registration.register()
    answer = await tell(registration, person, {**PROSTHESIS, "detail_values": [{"detail": "limb", "value": value}]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)
    assert "Ana" not in answer.text


async def test_by_event_a_doubtful_kind_is_set_aside_and_the_need_is_told_with_its_category(registration):
    needs = [
        {"category": "health", "kind": "prostesis", "detail_values": LEG, "urgency": "emergency"},
        {**PROSTHESIS, "detail_values": [LEG[0], {"detail": "side", "value": "middle"}]},
        {"category": "employment", "after_kind": "identity_document"},
    ]
    person = await heard(registration, needs)
    seen = [(one["category"], one["kind"], one["detail_values"]) for one in await needs_of(registration, person)]
    assert seen == [("health", None, []), ("health", "prosthesis", LEG[:1]), ("employment", None, [])]
    answer = await registration.get("/v1/doubtful-parts", **RIGHT)
    parts = {
        (one["pointer"], one["rule"], one["is_urgent"])
        for one in answer.json()["items"]
        if one["returnee_id"] == person["id"]
    }
    assert parts == {
        ("/needs/0/kind", "unknown-kind", True),
        ("/needs/0/detail_values", "details-without-kind", False),
        ("/needs/1/detail_values/1", "unknown-value", False),
        ("/needs/2/after_kind", "need-known", False),
    }


async def test_a_need_waits_for_another_one_that_it_names_by_kind(registration):
    needs = [{"category": "employment", "after_kind": "identity_document"}, {"category": "documents"}, BIRTH, CARD]
    person = await registration.register(needs=needs)
    by_kind = {one["kind"] or one["category"]: one for one in await needs_of(registration, person)}
    assert by_kind["employment"]["after_need_id"] == by_kind["identity_document"]["id"]
    later = await tell(registration, person, {"category": "training", "after_kind": "birth_certificate"})
    assert later.json()["after_need_id"] == by_kind["birth_certificate"]["id"]
    vague = await tell(registration, person, {"category": "legal", "after_category": "documents"})
    assert vague.json()["after_need_id"] in {one["id"] for one in by_kind.values() if one["category"] == "documents"}


@pytest.mark.parametrize("category", ["documents", "gbv"])
async def test_what_a_desk_finds_out_about_a_need_is_told_under_the_same_id(registration, category):
    kind, other = ("identity_document", "birth_certificate") if category == "documents" else (
        "survivor_care", "survivor_shelter",
    )  # fmt: skip
    person = await registration.register()
    need = (await tell(registration, person, {"category": category}, **RIGHT)).json()
    refined = await refine(registration, person, need, {"kind": kind}, **RIGHT)
    assert (refined.status_code, refined.json()["id"], refined.json()["kind"]) == (200, need["id"], kind)
    assert await reported(registration, person) == [(category, None, []), (category, kind, [])]
    assert (await refine(registration, person, need, {"kind": kind}, **RIGHT)).status_code == 200
    another = await refine(registration, person, need, {"kind": other}, **RIGHT)
    assert (another.status_code, another.json()["code"]) == (409, "need-kind-known")
    second = (await tell(registration, person, {"category": category}, **RIGHT)).json()
    assert second["id"] != need["id"]
    same = await refine(registration, person, second, {"kind": kind}, **RIGHT)
    assert (same.status_code, same.json()["code"]) == (409, "need-of-kind-open")
    wrong = await refine(registration, person, second, {"kind": "prosthesis"}, **RIGHT)
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/kind")
    await registration.post(f"/v1/returnees/{person['id']}/needs/{second['id']}/withdraw", **RIGHT)
    ended = await refine(registration, person, second, {"kind": other}, **RIGHT)
    assert (ended.status_code, ended.json()["code"]) == (409, "need-ended")


async def test_nobody_refines_a_restricted_need_that_they_may_not_know(registration):
    person = await registration.register()
    need = (await tell(registration, person, {"category": "gbv"}, **RIGHT)).json()
    assert (await refine(registration, person, need, {"kind": "survivor_care"})).status_code == 404


@pytest.mark.parametrize("way", ["need", "event"])
@pytest.mark.parametrize("category", ["documents", "gbv"])
async def test_a_report_under_the_same_reference_may_add_the_kind(registration, way, category):
    """Seen to be lost while a known reference carried only a higher urgency."""
    kind = "identity_document" if category == "documents" else "survivor_care"
    vague = {"category": category, "sender_reference": "n-1"}
    exact = vague | {"kind": kind}
    if way == "event":
        source, body = f"urn:reception:{uuid4()}", a_returnee(sender_reference="person")
        for need in (vague, exact, vague):
            await registration.hear(ReturneeArrived.model_validate(body | {"needs": [need]}), source=source)
        (row,) = await registration.fetch("SELECT id FROM returnee WHERE source = $1", source)
        person = {"id": str(row["id"])}
    else:
        person = await registration.register()
        for need in (vague, exact, vague):
            assert (await tell(registration, person, need, **RIGHT)).status_code in {200, 201}
    (seen,) = await needs_of(registration, person, **RIGHT)
    assert seen["kind"] == kind
    assert (category, kind, []) in await reported(registration, person)
    if way == "need":
        other = "birth_certificate" if category == "documents" else "survivor_shelter"
        taken = await tell(registration, person, exact | {"kind": other}, **RIGHT)
        assert (taken.status_code, taken.json()["code"]) == (409, "need-reference-taken")


async def test_a_need_that_has_ended_may_be_told_again_beside_another_kind(registration):
    person = await registration.register(needs=[CARD, BIRTH])
    card, _ = await needs_of(registration, person)
    case = {"returnee_id": person["id"], "case_code": person["case_code"], "category": "documents"}
    await registration.hear(NeedMet.model_validate(case | {"need_id": card["id"], "at": "2026-03-02T20:00:00Z"}))
    assert [(await tell(registration, person, need)).status_code for need in (CARD, BIRTH)] == [201, 200]


def completed(person, **changes):
    told = {
        "returnee_id": person["id"], "case_code": person["case_code"], "need_id": uuid4(), "category": "documents",
        "kind": "identity_document", "at": datetime.now(UTC), "referral_id": uuid4(), "offer_id": uuid4(),
        "organization_id": uuid4(), "provider_service_id": uuid4(), "outcome": "need_met",
        "given_kind": "identity_document", "facts": [{"fact": "document_issued", "value": True}],
    }  # fmt: skip
    return ReferralCompleted.model_validate(told | changes)


async def held(registration, person):
    return (await registration.get(f"/v1/returnees/{person['id']}")).json()["profile"]["documents_held"]


async def test_what_a_completed_service_issued_is_held_from_then_and_published(registration):
    """A document, a job, a bank account, money: what waits for it is woken by the changed profile."""
    person = await registration.register()
    hired = [{"fact": "hired", "value": True}]
    for event in (
        completed(person),
        completed(person, category="employment", kind="job_placement", given_kind="job_placement", facts=hired),
        completed(person),
    ):
        await registration.hear(event)
    assert await held(registration, person) == ["identity_card", "job"]
    changed = await registration.events("returnee.changed.v1", key=person["id"])
    assert [one["documents_held"] for one in changed] == [["identity_card"], ["identity_card", "job"]]


@pytest.mark.parametrize(
    "changes",
    [
        {"facts": [{"fact": "document_issued", "value": False}], "outcome": "need_partly_met"},
        {"facts": []},
        {"given_kind": None},
        {"given_kind": "later_kind"},
        {"given_kind": "document_guidance", "facts": [{"fact": "advice_given", "value": True}]},
    ],
)
async def test_what_was_not_issued_is_not_held(registration, changes):
    person = await registration.register()
    await registration.hear(completed(person, **changes))
    assert await held(registration, person) == []
    assert await registration.events("returnee.changed.v1", key=person["id"]) == []
