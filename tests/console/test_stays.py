"""Stays of a provider: who must leave when, and what is planned for afterwards."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.console.stays import rules
from tests.console.told_provider import AT, ORGANIZATION, SERVICE, id_, page, provider, tell_names
from tests.console.world import Browser, World

ITEMS = {item: {"status": "open", "at": None, "by": None} for item in rules.ITEMS}
PLAN = {"next_step": "family", **{f"item-{item}": "done" for item in rules.ITEMS}}


def soon(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "referral_id": id_(),
        "need_id": id_(),
        "case_code": "GT-7K3M-9QXC",
        "category": "shelter",
        "organization_id": ORGANIZATION,
        "provider_service_id": SERVICE,
        "people_count": 2,
        "started_at": AT,
        "ends_at": soon(5),
        "leaves_at": soon(5),
        "ended_at": None,
        "next_step": "unknown",
        "open_items": ["money"],
        **changes,
    }


def stay(**changes: Any) -> dict[str, Any]:
    shared = {"case_code", "category", "provider_service_id", "people_count", "started_at", "ends_at", "ended_at"}
    return {
        **{name: value for name, value in entry().items() if name in shared},
        "referral_id": id_(),
        "offer_id": id_(),
        "extended_hours": 0,
        "next_step": "unknown",
        "items": ITEMS,
        "planned": False,
        "version": 4,
        **changes,
    }


@pytest.fixture
def browser(world: World) -> Browser:
    tell_names(world)
    return provider(world)


async def test_the_list_says_who_must_leave_when_and_what_is_still_open(world: World, browser: Browser):
    planned = entry(case_code="GT-AAAA-0002", open_items=[], next_step="family")
    world.services.tell("referral", "/v1/stays", page(entry(), planned, next="more"))
    shown = await browser.get("/stays")
    for part in ("GT-7K3M-9QXC", "5 hours left", "money for the way", "not known yet", "Casa Sample", "after=more"):
        assert part in shown.text
    assert shown.text.count("no plan yet") == 1


async def test_without_referral_the_list_says_so(world: World, browser: Browser):
    world.services.away.add("referral")
    shown = await browser.get("/stays")
    assert (shown.status_code, "does not answer now" in shown.text) == (200, True)


async def test_the_exit_plan_is_saved_for_the_version_that_was_read(world: World, browser: Browser):
    one = stay()
    path = f"/v1/referrals/{one['referral_id']}/stay"
    world.services.tell("referral", path, one)
    form = (await browser.get(f"/stays/{one['referral_id']}")).text
    assert 'etag" value="&#34;4&#34;"' in form
    world.services.tell("referral", path, one, method="PUT")
    done = await browser.post(f"/stays/{one['referral_id']}", etag='"4"', **PLAN)
    assert done.status_code == 303
    (sent,) = world.services.sent("PUT", path)
    assert sent.headers["if-match"] == '"4"'
    assert sent.body == {"next_step": "family", "items": dict.fromkeys(rules.ITEMS, "done")}


async def test_a_plan_that_somebody_else_has_changed_is_shown_with_what_was_typed(world: World, browser: Browser):
    one = stay(version=5)
    path = f"/v1/referrals/{one['referral_id']}/stay"
    world.services.tell("referral", path, one)
    world.services.refuse("referral", path, "version-mismatch", method="PUT", status=412)
    shown = await browser.post(f"/stays/{one['referral_id']}", etag='"4"', **PLAN)
    assert shown.status_code == 412
    assert "Somebody has changed this" in shown.text
    assert 'value="family" selected' in shown.text
    assert shown.text.count('value="done" checked') == len(rules.ITEMS)
    assert "&#34;5&#34;" in shown.text


async def test_a_plan_that_was_sent_twice_is_no_conflict(world: World, browser: Browser):
    items = {item: {"status": "done", "at": AT, "by": None} for item in rules.ITEMS}
    one = stay(version=5, next_step="family", items=items)
    path = f"/v1/referrals/{one['referral_id']}/stay"
    world.services.tell("referral", path, one)
    world.services.refuse("referral", path, "version-mismatch", method="PUT", status=412)
    assert (await browser.post(f"/stays/{one['referral_id']}", etag='"4"', **PLAN)).status_code == 303


async def test_only_staff_extend_a_stay_and_a_refusal_is_shown_with_what_was_typed(world: World, browser: Browser):
    one = stay()
    path = f"/v1/referrals/{one['referral_id']}/stay"
    world.services.tell("referral", path, one)
    world.services.tell("referral", f"{path}/extend", one, method="POST")
    fields = {"hours": "24", "reason": "waits for the bus", "form_key": "k"}
    assert "Extend the stay" not in (await browser.get(f"/stays/{one['referral_id']}")).text
    assert (await browser.post(f"/stays/{one['referral_id']}/extend", **fields)).status_code == 404
    staff = world.client("referrals:read", "referrals:write", "directory:read", staff=True)
    assert (await staff.post(f"/stays/{one['referral_id']}/extend", **fields)).status_code == 303
    (sent,) = world.services.sent("POST", f"{path}/extend")
    assert (sent.body, sent.headers["idempotency-key"]) == ({"hours": 24, "reason": "waits for the bus"}, "k")
    world.services.refuse("referral", f"{path}/extend", "extension-too-long")
    shown = await staff.post(f"/stays/{one['referral_id']}/extend", **fields)
    assert (shown.status_code, "such a long extension" in shown.text) == (409, True)
    assert 'value="waits for the bus"' in shown.text


async def test_the_list_is_for_organisations_and_a_stay_for_those_who_read_referrals(world: World):
    assert (await world.client("offers:answer", "referrals:read", staff=True).get("/stays")).status_code == 404
    assert (await provider(world, without="referrals:read").get("/stays")).status_code == 404
    assert (await provider(world, without="referrals:read").get(f"/stays/{id_()}")).status_code == 404
    assert (await provider(world, without="referrals:write").post(f"/stays/{id_()}", **PLAN)).status_code == 404
    assert world.services.asked == []


def test_a_stay_is_pressing_if_it_ends_soon_without_a_plan():
    assert rules.is_pressing(entry(), seconds_left=3600)
    assert rules.is_pressing(entry(open_items=[]), seconds_left=3600)
    assert not rules.is_pressing(entry(open_items=[], next_step="family"), seconds_left=3600)
    assert not rules.is_pressing(entry(), seconds_left=100 * 3600)
