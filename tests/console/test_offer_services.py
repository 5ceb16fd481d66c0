"""One offer and the service that follows it: start, completion with its facts, what was not delivered."""

import re

import pytest

from services.console.labels import LABELS
from tests.console.told import entry, referral, taxonomy
from tests.console.told_provider import AT, accepted, id_, page, provider, tell_names, tell_offers
from tests.console.world import Browser, World


@pytest.fixture
def browser(world: World) -> Browser:
    tell_names(world)
    return provider(world)


# ---- one offer, its service


async def test_the_page_of_an_offer_tells_its_history_in_words_and_only_its_own(world: World, browser: Browser):
    offer = accepted(referral_status="completed")
    tell_offers(world, offer)
    own = entry("offer.accept", "accepted", offer_id=offer["id"], by="provider")
    other = entry("offer.decline", "declined", offer_id=id_(), reason="unsafe")
    world.services.tell("referral", f"/v1/offers/{offer['id']}/timeline", page(own, other))
    done = referral(id=offer["referral_id"], status="completed", outcome="need_met", outcome_facts={"nights": 2})
    world.services.tell("referral", f"/v1/referrals/{offer['referral_id']}", done)
    text = (await browser.get(f"/offers/{offer['id']}")).text
    assert "the provider accepted the offer" in text
    assert "declined the offer" not in text
    assert "the need is met" in text
    assert "<dt>nights</dt><dd>2</dd>" in text


async def test_a_service_starts_by_one_tap_and_a_refusal_is_told(world: World, browser: Browser):
    offer = accepted()
    tell_offers(world, offer)
    world.services.tell("referral", f"/v1/referrals/{offer['referral_id']}", referral(id=offer["referral_id"]))
    path = f"/v1/referrals/{offer['referral_id']}/start"
    world.services.tell("referral", path, referral(id=offer["referral_id"]), method="POST")
    assert (await browser.post(f"/offers/{offer['id']}/start", form_key="k")).status_code == 303
    assert world.services.sent("POST", path)[0].headers["idempotency-key"] == "k"
    world.services.refuse("referral", path, "offer-halted")
    shown = await browser.post(f"/offers/{offer['id']}/start", form_key="k")
    assert (shown.status_code, "halted until a desk" in shown.text) == (409, True)


async def test_a_completion_asks_the_facts_of_the_kind_and_sends_them_in_their_form(world: World, browser: Browser):
    choice = [{"code": "full_board", "label": "Full board"}]
    terms = {"at_least": None, "at_most": None, "met_by": []}
    facts = [
        {"code": "nights", "label": "Nights stayed", "form": "number", "values": [], **terms},
        {"code": "met", "label": "Met the family", "form": "yes_no", "values": [], **terms},
        {"code": "board", "label": "Board", "form": "choice", "values": choice, **terms},
    ]
    world.services.tell("provider_directory", "/v1/taxonomy", taxonomy(facts=facts))
    asked = {"completion_facts": {}, "by_kind": {"bed": ["nights", "met", "board"]}, "met_by": {}}
    world.services.tell("referral", "/v1/referrals/completion-facts", asked)
    offer = accepted(referral_status="in_service")
    tell_offers(world, offer)
    form = (await browser.get(f"/offers/{offer['id']}/complete")).text
    for words in ("Nights stayed", "Met the family", "Full board", "the need is met in part"):
        assert words in form
    path = f"/v1/referrals/{offer['referral_id']}/complete"
    fields = {"outcome": "need_met", "number-nights": "3", "yes_no-met": "no", "choice-board": "full_board"}
    fault = {"pointer": "/facts/nights", "rule": "fact-limits", "detail": "x"}
    world.services.refuse("referral", path, "invalid-input", status=422, errors=[fault])
    shown = await browser.post(f"/offers/{offer['id']}/complete", **fields, form_key="k")
    assert shown.status_code == 422
    assert 'id="number-nights-fault1">This number is too small or too large.' in shown.text
    for kept in ('name="number-nights" type="number" value="3"', 'value="need_met" checked', 'value="no" checked'):
        assert kept in shown.text
    world.services.tell("referral", path, referral(), method="POST")
    assert (await browser.post(f"/offers/{offer['id']}/complete", **fields, form_key="k2")).status_code == 303
    sent = world.services.sent("POST", path)[-1]
    assert sent.body == {"outcome": "need_met", "facts": {"nights": 3, "met": False, "board": "full_board"}}
    assert sent.headers["idempotency-key"] == "k2"


async def test_another_kind_that_was_given_has_its_own_questions(world: World, browser: Browser):
    asked = {"completion_facts": {"temporary_shelter": ["nights"]}, "by_kind": {"bed": ["nights"]}, "met_by": {}}
    world.services.tell("referral", "/v1/referrals/completion-facts", asked)
    offer = accepted(referral_status="in_service", offered_kind=None)
    tell_offers(world, offer)
    path = f"/offers/{offer['id']}/complete"
    assert 'name="yes_no-nights"' in (await browser.get(path)).text
    assert 'name="given_kind" value="bed"' in (await browser.get(f"{path}?given_kind=bed")).text
    assert 'name="given_kind" value' not in (await browser.get(f"{path}?given_kind=consultation")).text


async def test_a_service_that_was_not_given_is_reported_with_a_reason(world: World, browser: Browser):
    offer = accepted()
    tell_offers(world, offer)
    world.services.tell("referral", f"/v1/referrals/{offer['referral_id']}", referral(id=offer["referral_id"]))
    form = (await browser.get(f"/offers/{offer['id']}/not-delivered")).text
    assert set(re.findall(r'<button name="reason" value="(\w+)"', form)) == set(LABELS["not_delivered_reason"])
    path = f"/v1/referrals/{offer['referral_id']}/not-delivered"
    world.services.tell("referral", path, referral(), method="POST")
    done = await browser.post(f"/offers/{offer['id']}/not-delivered", reason="person_refused", form_key="k")
    assert done.status_code == 303
    assert world.services.sent("POST", path)[0].body == {"reason": "person_refused"}


async def test_only_staff_let_a_halted_offer_go_on_or_mark_a_mistake(world: World, browser: Browser):
    offer = accepted(halted_since=AT)
    tell_offers(world, offer)
    about = referral(id=offer["referral_id"], status="accepted", halted_since=AT)
    world.services.tell("referral", f"/v1/referrals/{offer['referral_id']}", about)
    staff = world.client("offers:read", "referrals:read", "referrals:write", "directory:read", staff=True)
    for name, field in (("uphold", "reason"), ("enter-in-error", "note")):
        path = f"/v1/referrals/{offer['referral_id']}/{name}"
        world.services.tell("referral", path, about, method="POST")
        assert f"/offers/{offer['id']}/{name}" not in (await browser.get(f"/offers/{offer['id']}")).text
        assert (await browser.post(f"/offers/{offer['id']}/{name}", **{field: "why"})).status_code == 404
        assert f"/offers/{offer['id']}/{name}" in (await staff.get(f"/offers/{offer['id']}")).text
        assert (await staff.post(f"/offers/{offer['id']}/{name}", **{field: "why"})).status_code == 303
        (sent,) = world.services.sent("POST", path)
        assert sent.body == {field: "why"}
