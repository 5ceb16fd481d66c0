"""What a provider sees and does: offers, answers, the data of the person, outcomes, requests to delete data."""

import re
from typing import Any

import pytest

from services.console.labels import LABELS
from services.console.offers import rules
from tests.console.told import taxonomy
from tests.console.told_provider import AT, accepted, id_, own_offer, positions, provider, soon, tell_names, tell_offers
from tests.console.world import Browser, World


@pytest.fixture
def browser(world: World) -> Browser:
    tell_names(world)
    return provider(world)


# ---- the list


async def test_what_waits_is_shown_in_the_order_of_the_service_with_what_is_needed_for_whom_and_how_long(
    world: World, browser: Browser
):
    first = own_offer(case_code="GT-AAAA-0003", urgency="emergency", answer_by=soon(600), people_count=3)
    sooner = own_offer(case_code="GT-AAAA-0002", urgency="urgent", answer_by=soon(20), status="acknowledged")
    later = own_offer(case_code="GT-AAAA-0001", urgency="urgent", answer_by=soon(300))
    tell_offers(world, first, sooner, later)
    shown = await browser.get("/offers")
    assert shown.status_code == 200
    assert positions(shown.text, "GT-AAAA-0003", "GT-AAAA-0002", "GT-AAAA-0001") == sorted(
        positions(shown.text, "GT-AAAA-0003", "GT-AAAA-0002", "GT-AAAA-0001")
    )
    for part in ("A bed", "Casa Sample", "emergency", "3 offers wait", "20 minutes left", "data-clock="):
        assert part in shown.text
    assert "most urgent ones are shown" not in shown.text
    assert f"/offers/{later['id']}/acknowledge" in shown.text
    assert f"/offers/{sooner['id']}/acknowledge" not in shown.text
    assert f"/offers/{sooner['id']}/accept" in shown.text
    (asked,) = world.services.sent("GET", "/v1/offers")
    assert asked.query["order"] == ["most_urgent"]


async def test_of_many_offers_some_are_shown_until_more_are_asked_for(world: World, browser: Browser):
    """The list refreshes itself over the slow line of a shelter, so it is short unless somebody wants it long."""
    tell_offers(world, *[own_offer() for _ in range(rules.AT_ONCE + 20)])
    few, many = [(await browser.get(f"/offers{query}")).text for query in ("", "?many=1")]
    assert (few.count('name="offer"'), many.count('name="offer"')) == (rules.FEW, rules.AT_ONCE)
    for text, shown in ((few, rules.FEW), (many, rules.AT_ONCE)):
        assert "120 offers wait for your answer." in text
        assert f"The {shown} most urgent ones are shown." in text
    assert 'href="/offers?many=1"' in few
    assert "Show up to 100" not in many
    # What refreshes itself stays as long as it was, and so does the page that answers to a form.
    assert 'hx-get="/offers?many=1"' in many
    assert (await browser.get("/offers?many=1", **{"hx-request": "true"})).text.count('name="offer"') == rules.AT_ONCE
    for given, kept in (({}, rules.FEW), ({"many": "1"}, rules.AT_ONCE)):
        nothing_chosen = await browser.post("/offers/answers", answer="accept", form_key="a", **given)
        assert (nothing_chosen.status_code, nothing_chosen.text.count('name="offer"')) == (422, kept)
    assert (await browser.get("/offers?many=1&every=1")).text.count(" checked") == rules.AT_ONCE


async def test_the_list_is_there_when_nobody_can_tell_how_long_it_is(world: World, browser: Browser):
    tell_offers(world, own_offer(case_code="GT-AAAA-0001"))
    world.services.tell("referral", "/v1/offers/counts", {"waiting": {"count": 1000, "more": True}})
    assert "More than 1000 offers wait" in (await browser.get("/offers")).text
    world.services.tell("referral", "/v1/offers/counts", None, status=503)
    shown = await browser.get("/offers")
    assert (shown.status_code, "GT-AAAA-0001" in shown.text) == (200, True)
    assert "for your answer" not in shown.text


async def test_details_and_a_stand_in_are_told_in_words(world: World, browser: Browser):
    details: list[dict[str, Any]] = [
        {"code": "nights", "label": "Nights", "form": "number", "values": [], "at_least": 1, "at_most": 9},
        {"code": "cot", "label": "Cot needed", "form": "yes_no", "values": [], "at_least": None, "at_most": None},
    ]
    world.services.tell("provider_directory", "/v1/taxonomy", taxonomy(details=details))
    asked = [{"detail": "nights", "value": 2}, {"detail": "cot", "value": True}]
    tell_offers(world, own_offer(kind="bed", offered_kind="consultation", detail_values=asked))
    text = (await browser.get("/offers")).text
    assert "You would give instead" in text
    assert "Doctor" in text
    assert "<dt>Nights</dt><dd>2</dd>" in text
    assert "<dt>Cot needed</dt><dd>yes</dd>" in text


async def test_the_list_refreshes_itself_and_keeps_the_ticked_boxes_and_what_was_said(world: World, browser: Browser):
    one, other = own_offer(), own_offer()
    tell_offers(world, one, other)
    world.services.tell("referral", f"/v1/offers/{one['id']}/acknowledge", one, method="POST")
    await browser.post(f"/offers/{one['id']}/acknowledge", form_key="a")
    part = await browser.get(f"/offers?offer={one['id']}", **{"hx-request": "true"})
    assert part.text.lstrip().startswith('<div id="waiting"')
    assert "<html" not in part.text
    boxes = dict(re.findall(r'id="tick-([0-9a-f-]+)"[^>]*?( checked)?>', part.text))
    assert boxes == {one["id"]: " checked", other["id"]: ""}
    assert "You have confirmed" not in part.text
    assert "You have confirmed" in (await browser.get("/offers")).text


@pytest.mark.parametrize(("kind", "query"), [("served", "referral_status"), ("declined", "status")])
async def test_what_has_ended_is_listed_with_the_newest_first(world: World, browser: Browser, kind: str, query: str):
    tell_offers(
        world,
        own_offer(case_code="GT-AAAA-0001", status="declined", reason="full", ended_at=AT),
        accepted(case_code="GT-AAAA-0002", referral_status="completed"),
        accepted(case_code="GT-AAAA-0003", referral_status="in_service"),
    )
    text = (await browser.get(f"/offers?tab=ended&kind={kind}")).text
    assert ("GT-AAAA-0002" if kind == "served" else "GT-AAAA-0001") in text
    assert text.count("GT-AAAA-") == 2  # once for the eye, once for the button's own name
    (asked,) = world.services.sent("GET", "/v1/offers")
    assert query in asked.query
    assert asked.query["order"] == ["newest"]


async def test_the_tab_of_running_services_has_the_next_step_of_each(world: World, browser: Browser):
    to_start, running = accepted(), accepted(referral_status="in_service")
    halted = accepted(halted_since=AT)
    tell_offers(world, to_start, running, halted)
    text = (await browser.get("/offers?tab=serving")).text
    assert f"/offers/{to_start['id']}/start" in text
    assert f"/offers/{running['id']}/complete" in text
    assert f"/offers/{halted['id']}/start" not in text
    assert "halted until a desk" in text


async def test_without_referral_the_page_says_so_and_stands(world: World, browser: Browser):
    tell_offers(world)
    world.services.away.add("referral")
    for tab in ("waiting", "serving", "ended"):
        shown = await browser.get(f"/offers?tab={tab}")
        assert shown.status_code == 200
        assert "does not answer now" in shown.text


@pytest.mark.parametrize("without", ["offers:answer", "offers:read"])
async def test_without_the_right_to_answer_there_is_no_page(world: World, without: str):
    browser = provider(world, without=without)
    assert (await browser.get("/offers")).status_code == 404
    assert (await browser.post(f"/offers/{id_()}/accept")).status_code == 404
    assert world.services.asked == []


async def test_staff_have_no_list_of_offers_and_cannot_answer(world: World):
    staff = world.client("offers:read", "offers:answer", "referrals:read", staff=True)
    assert (await staff.get("/offers")).status_code == 404
    assert (await staff.post(f"/offers/{id_()}/accept")).status_code == 404


# ---- one answer


@pytest.mark.parametrize("answer", ["acknowledge", "accept"])
async def test_one_tap_answers_an_offer_once_with_the_key_of_its_form(world: World, browser: Browser, answer: str):
    offer = own_offer()
    tell_offers(world, offer)
    path = f"/v1/offers/{offer['id']}/{answer}"
    world.services.tell("referral", path, offer, method="POST")
    done = await browser.post(f"/offers/{offer['id']}/{answer}", form_key="the-key")
    assert done.status_code == 303
    (sent,) = world.services.sent("POST", path)
    assert sent.headers["idempotency-key"] == "the-key"
    assert offer["case_code"] in (await browser.get(done.headers["location"])).text


async def test_a_refused_answer_is_shown_beside_the_buttons_with_the_present_state(world: World, browser: Browser):
    offer = own_offer(status="expired", ended_at=AT)
    tell_offers(world, offer)
    world.services.refuse("referral", f"/v1/offers/{offer['id']}/accept", "offer-expired")
    shown = await browser.post(f"/offers/{offer['id']}/accept", form_key="k")
    assert shown.status_code == 409
    assert "The time for this offer is over" in shown.text
    assert "not answered in time" in shown.text
    assert f"/offers/{offer['id']}/accept" not in shown.text


async def test_declining_takes_two_taps_one_of_them_on_a_reason(world: World, browser: Browser):
    offer = own_offer()
    tell_offers(world, offer)
    asked = await browser.get(f"/offers/{offer['id']}/decline")
    assert set(re.findall(r'<button name="reason" value="(\w+)"', asked.text)) == set(LABELS["decline_reason"])
    path = f"/v1/offers/{offer['id']}/decline"
    world.services.tell("referral", path, offer, method="POST")
    assert (await browser.post(f"/offers/{offer['id']}/decline", reason="full", form_key="k")).status_code == 303
    (sent,) = world.services.sent("POST", path)
    assert sent.body == {"reason": "full"}


async def test_another_reason_without_words_is_asked_for_beside_the_field_and_nothing_is_lost(
    world: World, browser: Browser
):
    offer = own_offer()
    tell_offers(world, offer)
    fault = {"pointer": "/note", "rule": "required-with-other", "detail": "x"}
    path = f"/v1/offers/{offer['id']}/decline"
    world.services.refuse("referral", path, "invalid-input", status=422, errors=[fault])
    shown = await browser.post(f"/offers/{offer['id']}/decline", reason="other", note="too vague", form_key="k")
    assert shown.status_code == 422
    assert 'id="note-fault1">Write the reason in a few words' in shown.text
    assert ">too vague</textarea>" in shown.text


# ---- many answers


def result(offer: dict[str, Any], code: str | None = None) -> dict[str, Any]:
    problem = {"type": "x", "title": "x", "status": 409, "code": code, "detail": "x", "errors": []}
    refused = {"status": 409, "offer": None, "problem": problem}
    return {"offer_id": offer["id"], **({"status": 200, "offer": offer, "problem": None} if code is None else refused)}


async def test_many_offers_are_accepted_by_one_call(world: World, browser: Browser):
    offers = [own_offer(), own_offer()]
    tell_offers(world, *offers)
    told = {"taken_count": 2, "refused_count": 0, "results": [result(one) for one in offers]}
    world.services.tell("referral", "/v1/offers/answers", told, method="POST")
    ids = [one["id"] for one in offers]
    done = await browser.post("/offers/answers", offer=[*ids, ids[0]], answer="accept", form_key="k")
    assert done.status_code == 303
    (sent,) = world.services.sent("POST", "/v1/offers/answers")
    assert sent.body == {"answers": [{"offer_id": one, "answer": "accept"} for one in ids]}
    assert sent.headers["idempotency-key"] == "k"
    assert "2 offers: accepted." in (await browser.get("/offers")).text


async def test_what_was_refused_of_many_is_told_by_case_and_stays_chosen(world: World, browser: Browser):
    taken, late = own_offer(case_code="GT-AAAA-0001"), own_offer(case_code="GT-AAAA-0002")
    tell_offers(world, late)
    told = {"taken_count": 1, "refused_count": 1, "results": [result(taken), result(late, "offer-halted")]}
    world.services.tell("referral", "/v1/offers/answers", told, method="POST")
    fields = {f"case-{one['id']}": one["case_code"] for one in (taken, late)}
    ids = [taken["id"], late["id"]]
    shown = await browser.post("/offers/answers", offer=ids, answer="decline", reason="full", form_key="k", **fields)
    assert shown.status_code == 200
    rows = re.findall(r"<tr><td data-label=\"Case\">.*?</tr>", shown.text, re.S)
    assert "GT-AAAA-0001" in rows[0]
    assert "declined" in rows[0]
    assert "GT-AAAA-0002" in rows[1]
    assert "halted until a desk" in rows[1]
    assert re.search(rf'id="tick-{late["id"]}"[^>]* checked>', shown.text)
    assert 'value="full" selected' in shown.text


async def test_choosing_nothing_or_no_reason_is_told_before_anything_happens(world: World, browser: Browser):
    offer = own_offer()
    tell_offers(world, offer)
    shown = await browser.post("/offers/answers", answer="decline", reason="unsafe", note="a note", form_key="k")
    assert shown.status_code == 422
    assert "Choose at least one offer first." in shown.text
    assert 'value="unsafe" selected' in shown.text
    assert "a note</textarea>" in shown.text
    assert world.services.sent("POST", "/v1/offers/answers") == []
