"""A case: found by its code, shown with reasons in words, and who waited for whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.console.cases import rules
from tests.console import told
from tests.console.world import World

DESK = ("referrals:read", "offers:read", "work-lists:read", "directory:read", "needs:write")
BEGUN = datetime(2026, 11, 28, 5, 0, tzinfo=UTC)


def at(minutes: float) -> str:
    return (BEGUN + timedelta(minutes=minutes)).isoformat()


@pytest.fixture
def case(world: World) -> dict[str, Any]:
    """One need: declined by a first service, accepted by a second one."""
    need = told.need()
    first = told.offer(status="declined", reason="full", made_at=at(1), ended_at=at(5), category="shelter")
    second = told.offer(status="accepted", made_at=at(6), ended_at=at(9), organization_id=first["organization_id"])
    referral = told.referral(need_id=need["id"], status="accepted", offer_id=second["id"])
    for offer in (first, second):
        offer["referral_id"] = referral["id"]
    about = {"need_id": need["id"], "referral_id": referral["id"]}
    steps = [
        told.step("need.report", "open", need_id=need["id"], at=at(0)),
        told.step("referral.open", "seeking", **about, at=at(0)),
        told.step("referral.offer", "offered", **about, offer_id=first["id"], at=at(1)),
        told.step("offer.decline", "declined", **about, offer_id=first["id"], at=at(5), reason="full"),
        told.step("referral.seek_again", "seeking", **about, at=at(5)),
        told.step("referral.offer", "offered", **about, offer_id=second["id"], at=at(6)),
        told.step("referral.accept", "accepted", **about, offer_id=second["id"], at=at(9)),
    ]
    journey = told.journey(needs=[need], referrals=[referral], offers=[first, second], steps=steps, trace_id="ab" * 16)
    returnee = journey["returnee_id"]
    world.services.tell("referral", f"/v1/returnees/{returnee}/journey", journey)
    entries = [told.entry("offer.decline", "declined", reason="full", by="provider")]
    world.services.tell("referral", f"/v1/returnees/{returnee}/timeline", told.page(*entries))
    best = {"provider_service_id": second["provider_service_id"], "score": 0.8, "parts": {"distance": 0.9}}
    other = {"provider_service_id": first["provider_service_id"], "reasons": ["declined_before"]}
    why = told.explanation(second["id"], ranked=[best], excluded=[other])
    world.services.tell("referral", f"/v1/offers/{second['id']}/explanation", why)
    world.services.tell("referral", f"/v1/offers/{second['id']}", second)
    world.services.tell("referral", f"/v1/offers/{first['id']}/explanation", told.explanation(first["id"]))
    world.services.tell("referral", "/v1/desks", {"desks": []})
    world.services.tell("provider_directory", "/v1/taxonomy", told.taxonomy())
    return {"journey": journey, "returnee": returnee, "need": need, "offers": [first, second]}


async def test_a_case_is_found_by_its_code_which_is_in_no_address(world: World, case: dict[str, Any]):
    found = {"returnee_id": case["returnee"], "case_code": "GT-7K3M-9QXC", "merged_into": None}
    world.services.tell("referral", "/v1/cases/search", found, method="POST")
    answer = await world.client(*DESK, staff=True).post("/cases", case_code="gt-7k3m-9qxc")
    assert answer.headers["location"] == f"/cases/{case['returnee']}"
    assert world.services.sent("POST", "/v1/cases/search")[0].body == {"case_code": "gt-7k3m-9qxc"}


async def test_an_unknown_code_is_told_beside_the_field_and_stays_in_it(world: World):
    answer = await world.client(*DESK, staff=True).post("/cases", case_code="GT-XXXX-XXXX")
    assert answer.status_code == 404
    assert "No case has this code" in answer.text
    assert 'value="GT-XXXX-XXXX"' in answer.text


async def test_the_page_leads_to_why_this_service_and_why_not_the_other(world: World, case: dict[str, Any]):
    """The reasons are read when they are opened: a case with many offers would need a call for each."""
    browser = world.client(*DESK, staff=True)
    page = await browser.get(f"/cases/{case['returnee']}")
    assert page.status_code == 200
    for text in ("A bed", "Act on this need", "Why this service and not another"):
        assert text in page.text, text
    for code in ("declined_before", "seek_again", "in_service", "offer.decline"):
        assert code not in page.text, code
    first, second = (one["id"] for one in case["offers"])
    for offer_id in (first, second):
        assert f'hx-get="/cases/offers/{offer_id}"' in page.text
        assert f'href="/cases/offers/{offer_id}"' in page.text, "a browser without scripts needs a link"
    assert not any(one.path.endswith("/explanation") for one in world.services.asked)
    reasons = (await browser.get(f"/cases/offers/{second}", **{"hx-request": "true"})).text
    assert 'id="why"' in reasons
    for text in ("near the person", "it has already declined this need"):
        assert text in reasons, text


async def test_a_provider_has_no_cases(world: World, case: dict[str, Any]):
    browser = world.client(*DESK, organization_id=told.id_())
    for path in ("/cases", f"/cases/{case['returnee']}", f"/cases/offers/{case['offers'][0]['id']}"):
        assert (await browser.get(path)).status_code == 404
    assert (await browser.post("/cases", case_code="x")).status_code == 404


async def test_the_trace_is_a_link_where_there_is_a_trace_back_end(case: dict[str, Any], world: World):
    page = await world.client(*DESK, staff=True).get(f"/cases/{case['returnee']}")
    assert "Trace" not in page.text
    settings = world.app.state.console.settings.model_copy(update={"trace_url": "http://127.0.0.1:9411/t/{trace_id}"})
    object.__setattr__(world.app.state.console, "settings", settings)
    page = await world.client(*DESK, staff=True).get(f"/cases/{case['returnee']}")
    assert f"http://127.0.0.1:9411/t/{'ab' * 16}" in page.text


def test_the_waterfall_says_who_waited_for_whom_and_how_long(case: dict[str, Any]):
    found = rules.waterfall(case["journey"], now=BEGUN + timedelta(minutes=19))
    assert found is not None
    segments = [(one.waits_for, one.seconds(found.ends) / 60) for one in found.lanes[0].segments]
    assert segments == [("router", 1), ("provider", 4), ("router", 1), ("provider", 3), ("provider", 10)]
    services = [one.provider_service_id for one in found.lanes[0].segments]
    first, second = (one["provider_service_id"] for one in case["offers"])
    assert services == [None, first, None, second, second]
    widths = sum(found.width(one) for one in found.lanes[0].segments)
    assert 99 < widths <= 100.1


def test_an_ended_referral_ends_the_waterfall():
    need = told.need(status="met")
    about = {"need_id": need["id"], "referral_id": told.id_()}
    steps = [
        told.step("referral.open", "seeking", **about, at=at(0)),
        told.step("referral.offer", "offered", **about, at=at(2)),
        told.step("referral.accept", "accepted", **about, at=at(3)),
        told.step("referral.start", "in_service", **about, at=at(4)),
        told.step("referral.complete", "completed", **about, at=at(10)),
    ]
    found = rules.waterfall(told.journey(needs=[need], steps=steps), now=BEGUN + timedelta(days=9))
    assert found is not None
    assert found.ends == BEGUN + timedelta(minutes=10)
    assert found.lanes[0].segments[-1].waits_for == "service"
    assert rules.waterfall(told.journey(needs=[need]), now=BEGUN) is None
