"""What a registered person needs."""

from html import unescape

from tests.console.told_arrivals import (
    CONSENT,
    INTAKE_DESK,
    KEY,
    NEED,
    PERSON,
    TAXONOMY,
    clerk,
    need,
    page,
    tell_person,
)
from tests.console.world import World

PAGE = f"/reception/people/{PERSON}"
NEEDS = f"/v1/returnees/{PERSON}/needs"
CONSENTS = f"/v1/returnees/{PERSON}/consents"


async def test_the_needs_are_shown_in_words_with_what_may_be_done(world: World):
    tell_person(world)
    details = [{"detail": "limb", "value": "leg"}, {"detail": "urgent_fit", "value": True}]
    row = need(kind="prosthesis", detail_values=details, urgency="emergency")
    other = need(id=CONSENT, status="withdrawn", withdrawn_at="2026-03-02T15:00:00Z")
    world.services.tell("registration", NEEDS, page(row, other, need(id=PERSON)))
    text = unescape((await clerk(world).get(f"{PAGE}/needs")).text)
    assert "Health: Prosthesis" in text
    assert "Limb: Leg; Old one broken: yes" in text
    assert "withdrawn" in text
    assert f"{PAGE}/needs/{PERSON}/refine" in text
    assert f"{PAGE}/needs/{NEED}/refine" not in text
    assert f"{PAGE}/needs/{CONSENT}/withdraw" not in text


async def test_a_kind_with_details_asks_for_them_once_and_then_is_reported(world: World):
    tell_person(world)
    browser = clerk(world)
    chosen = {"form_key": KEY, "what": "health/prosthesis", "urgency": "urgent", "people_count": "1"}
    asked = await browser.post(f"{PAGE}/needs", **chosen)
    assert asked.status_code == 200
    assert 'id="detail_limb"' in asked.text
    assert 'name="asked" value="health/prosthesis"' in asked.text
    assert '<option value="urgent" selected>' in asked.text
    assert KEY in asked.text
    assert world.services.sent("POST", NEEDS) == []
    world.services.tell("registration", NEEDS, need(kind="prosthesis"), method="POST", status=201)
    answer = await browser.post(
        f"{PAGE}/needs",
        **chosen,
        asked="health/prosthesis",
        detail_limb="leg",
        detail_pieces="2",
        detail_urgent_fit="no",
        detail_spoken=["quc"],
    )
    assert answer.headers["location"] == f"{PAGE}/needs"
    (sent,) = world.services.sent("POST", NEEDS)
    assert sent.headers["idempotency-key"] == KEY
    assert sent.body == {
        "category": "health",
        "kind": "prosthesis",
        "urgency": "urgent",
        "people_count": 1,
        "detail_values": [
            {"detail": "limb", "value": "leg"},
            {"detail": "pieces", "value": 2},
            {"detail": "urgent_fit", "value": False},
            {"detail": "spoken", "value": ["quc"]},
        ],
    }


async def test_a_need_of_which_only_the_category_is_known_is_reported_at_once(world: World):
    tell_person(world)
    world.services.tell("registration", NEEDS, need(told_again=True), method="POST", status=200)
    browser = clerk(world)
    await browser.post(f"{PAGE}/needs", what="health/", urgency="normal", people_count="1")
    (sent,) = world.services.sent("POST", NEEDS)
    assert sent.body == {"category": "health", "urgency": "normal", "people_count": 1}
    assert "This need was known already" in (await browser.get(f"{PAGE}/needs")).text


async def test_a_refused_need_shows_the_fault_at_the_question_and_keeps_the_answers(world: World):
    tell_person(world)
    fault = {"pointer": "/detail_values/0/value", "rule": "detail", "detail": "x"}
    world.services.refuse("registration", NEEDS, "invalid-input", status=422, errors=[fault])
    answer = await clerk(world).post(
        f"{PAGE}/needs",
        what="health/prosthesis",
        asked="health/prosthesis",
        urgency="normal",
        people_count="1",
        detail_pieces="9",
    )
    assert answer.status_code == 422
    assert 'id="detail_pieces-fault1"' in answer.text
    assert "This answer does not fit the question." in answer.text
    assert 'value="9"' in answer.text


async def test_what_a_person_needs_is_never_in_an_address(world: World):
    tell_person(world)
    await clerk(world).post(f"{PAGE}/needs", what="health/prosthesis")
    shown = await clerk(world).get(f"{PAGE}/needs")
    assert "?what" not in shown.text
    assert "=health" not in shown.text.replace('value="health', "")


async def test_answers_are_not_lost_while_the_words_for_needs_are_away(world: World):
    tell_person(world)
    world.services.away.add("provider_directory")
    shown = await clerk(world).get(f"{PAGE}/needs")
    assert shown.status_code == 200
    assert "The list of needs is missing now" in shown.text
    answer = await clerk(world).post(
        f"{PAGE}/needs", what="health/prosthesis", asked="health/prosthesis", detail_limb="leg"
    )
    assert answer.status_code == 503
    assert 'name="detail_limb" value="leg"' in answer.text
    assert world.services.sent("POST", NEEDS) == []


async def test_restricted_categories_are_offered_only_to_those_who_may_see_them(world: World):
    tell_person(world)
    hidden = {**TAXONOMY["categories"][0], "code": "gbv", "label": "Hidden category"}
    taxonomy = {**TAXONOMY, "categories": [*TAXONOMY["categories"], hidden]}
    world.services.tell("provider_directory", "/v1/taxonomy", taxonomy)
    assert "Hidden category" not in (await clerk(world).get(f"{PAGE}/needs")).text
    desk = world.client(*INTAKE_DESK, "restricted:read")
    assert "Hidden category" in (await desk.get(f"{PAGE}/needs")).text


async def test_a_kind_is_found_out_later(world: World):
    tell_person(world)
    world.services.tell("registration", f"{NEEDS}/{NEED}", need())
    browser = clerk(world)
    shown = await browser.get(f"{PAGE}/needs/{NEED}/refine")
    assert 'value="health/check"' in shown.text
    assert 'value="health/"' not in shown.text
    asked = await browser.post(f"{PAGE}/needs/{NEED}/refine", what="health/prosthesis")
    assert 'id="detail_limb"' in asked.text
    world.services.tell("registration", f"{NEEDS}/{NEED}/refine", need(kind="check"), method="POST")
    await browser.post(f"{PAGE}/needs/{NEED}/refine", what="health/check", form_key=KEY)
    (sent,) = world.services.sent("POST", f"{NEEDS}/{NEED}/refine")
    assert (sent.body, sent.headers["idempotency-key"]) == ({"kind": "check"}, KEY)
    world.services.refuse("registration", f"{NEEDS}/{NEED}/refine", "need-kind-known")
    refused = await browser.post(f"{PAGE}/needs/{NEED}/refine", what="health/check")
    assert refused.status_code == 409
    assert "It is known already what exactly is needed." in refused.text


async def test_a_need_is_withdrawn_and_a_refusal_is_shown_at_its_row(world: World):
    tell_person(world)
    browser = clerk(world)
    path = f"{NEEDS}/{NEED}/withdraw"
    world.services.tell("registration", path, need(status="withdrawn"), method="POST")
    answer = await browser.post(f"{PAGE}/needs/{NEED}/withdraw", form_key=KEY)
    assert answer.headers["location"] == f"{PAGE}/needs"
    assert world.services.sent("POST", path)[0].headers["idempotency-key"] == KEY
    world.services.refuse("registration", path, "need-already-withdrawn")
    refused = await browser.post(f"{PAGE}/needs/{NEED}/withdraw")
    assert refused.status_code == 409
    assert "This need was withdrawn already." in refused.text


async def test_only_the_intake_desk_may_say_that_a_need_exists_twice(world: World):
    tell_person(world)
    assert "second_reason" not in (await clerk(world).get(f"{PAGE}/needs")).text
    assert "second_reason" in (await world.client(*INTAKE_DESK).get(f"{PAGE}/needs")).text


async def test_needs_and_consents_need_their_rights(world: World):
    tell_person(world)
    reader = world.client("returnees:read", "directory:read")
    shown = await reader.get(f"{PAGE}/needs")
    assert "Record a need" not in shown.text
    assert "/withdraw" not in shown.text
    assert "/withdraw" not in (await reader.get(f"{PAGE}/consents")).text
    for path in (
        "needs",
        f"needs/{NEED}/withdraw",
        f"needs/{NEED}/refine",
        "consents/new",
        f"consents/{CONSENT}/withdraw",
    ):
        assert (await reader.post(f"{PAGE}/{path}")).status_code == 404, path
    assert (await reader.get(f"{PAGE}/consents/new")).status_code == 404
    assert {one.method for one in world.services.asked} == {"GET"}


def test_the_taxonomy_of_these_tests_has_every_form_that_they_answer():
    assert {one["form"] for one in TAXONOMY["details"]} == {"choice", "number", "yes_no", "languages"}
