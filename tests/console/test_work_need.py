"""The page of a need, and the reviews: which actions the state and the rights allow."""

import re
from typing import Any

import pytest

from services.console.work.rules import is_searched
from tests.console.desk_world import (
    AT,
    NEED,
    OTHER_NEED,
    REFERRAL,
    REVIEW,
    SERVICE,
    desk,
    need,
    no_mishap,
    referral,
    review,
    tell_lists,
    tell_need,
    words_of,
)
from tests.console.world import World


async def test_the_page_of_a_need_has_the_actions_that_its_state_allows(world: World):
    browser = desk(world)

    async def acts(**told: Any) -> set[str]:
        tell_need(world, **told)
        page = await browser.get(f"/work/needs/{NEED}")
        no_mishap(page)
        found = re.findall(r'action="/work/(?:needs|referrals|reviews|returnees)/[^/]+/([a-z-]+)"', page.text)
        return {*found, *(["hand-over"] if "/work/hand-over?" in page.text else [])}

    always = {"end-journey"}
    open_need = {"assign", "refuse", "close", "acknowledge", "hand-over"}
    live = {"cancel", "enter-in-error"}
    seeking = {*always, *open_need, *live, "seek-again", "set-prerequisite", "services"}
    assert await acts() == seeking
    assert await acts(told=need(after_need_id=OTHER_NEED)) == {*seeking, "remove-prerequisite"}
    assert await acts(told=need(owner=None, owner_reason=None)) == seeking - {"acknowledge", "hand-over"}
    assert await acts(referrals=[]) == {*always, *open_need, "seek-again", "set-prerequisite"}
    assert await acts(told=need(status="closed", end_reason="duplicate"), referrals=[]) == {*always, "reopen"}
    halted = referral(status="accepted", halted_since=AT)
    assert await acts(referrals=[halted]) == {*always, *open_need, *live, "uphold"}
    ended = {"journey_end_reason": "died", "journey_ended_at": AT}
    gone = need(status="closed", end_reason="died")
    assert await acts(told=gone, referrals=[], **ended) == {"reopen-journey"}


@pytest.mark.parametrize(
    ("reason", "acts"), [("policy", {"approve", "reject"}), ("age_unresolved", {"decide-age", "reject"})]
)
async def test_the_page_of_a_need_in_review_has_its_decision(world: World, reason: str, acts: set[str]):
    tell_need(world, referrals=[referral(status="awaiting_review")])
    world.services.tell("referral", "/v1/reviews", {"items": [review(reason=reason)], "next": None})
    page = await desk(world).get(f"/work/needs/{NEED}")
    no_mishap(page)
    assert set(re.findall(rf'action="/work/reviews/{REVIEW}/([a-z-]+)"', page.text)) == acts
    (asked,) = world.services.sent("GET", "/v1/reviews")
    assert asked.query == {"status": ["pending"], "referral_id": [REFERRAL]}


async def test_reviews_that_are_decided_are_shown_without_a_decision_but_an_age_can_be_decided_again(world: World):
    decided = {"status": "approved", "decided_at": AT, "decided_by": "somebody"}
    age = review(id=SERVICE, reason="age_unresolved", **decided) | {"age_group": "child", "age_basis": "assessment"}
    tell_lists(world, {"reviews": [review(**decided), age]})
    page = await desk(world).get("/work/reviews?status=approved")
    no_mishap(page)
    assert world.services.sent("GET", "/v1/reviews")[0].query["status"] == ["approved"]
    assert re.findall(r'action="/work/reviews/[^/]+/([a-z-]+)"', page.text) == ["decide-age"]
    assert "decided: a child, because of an assessment by experts" in words_of(page)


async def test_who_may_not_decide_about_ages_sees_no_such_form(world: World):
    tell_lists(world, {"reviews": [review(reason="age_unresolved")]})
    page = await desk(world, "ages:decide").get("/work/reviews")
    no_mishap(page)
    assert "/decide-age" not in page.text


async def test_a_broken_promise_is_closed_with_a_finding_and_a_refusal_is_beside_it(world: World):
    broken = review(
        reason="promise_broken", referral_id=None, need_id=None, returnee_id=None, case_code=None, category=None
    ) | {"promise": "no_hold_leaks", "subject_id": OTHER_NEED}
    tell_lists(world, {"reviews": [broken]})
    error = {"pointer": "/note", "rule": "string-too-short", "detail": "x"}
    world.services.refuse("referral", f"/v1/reviews/{REVIEW}/resolve", "invalid-input", status=422, errors=[error])
    page = await desk(world).post(f"/work/reviews/{REVIEW}/resolve", note="A restart", need_id="", back="/work/reviews")
    no_mishap(page, 422)
    assert "an ended offer keeps no place" in words_of(page)
    assert "This is too short." in page.text
    assert ">A restart</textarea>" in page.text


def test_a_search_runs_until_somebody_has_found_the_person():
    def step(name: str, reason: str | None = None) -> dict[str, Any]:
        return {"step": name, "reason": reason, "referral_id": REFERRAL}

    begun, missed, found = (
        step("referral.search"),
        step("referral.search_attempt", "not_found"),
        step("referral.search_attempt", "found"),
    )
    assert is_searched([begun, missed], REFERRAL)
    assert not is_searched([begun, missed, found], REFERRAL)
    assert is_searched([begun, found, begun], REFERRAL)
    assert not is_searched([begun], OTHER_NEED)
    assert not is_searched([], None)
