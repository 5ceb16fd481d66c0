"""What a desk decides: each action is one call, and a refusal is shown where it was sent."""

from typing import Any
from urllib.parse import urlencode

import httpx

from services.console.work.actions import ACTS
from tests.console.desk_world import (
    AT,
    DESK,
    NEED,
    ORGANIZATION,
    OTHER,
    OTHER_NEED,
    REFERRAL,
    RETURNEE,
    REVIEW,
    SERVICE,
    desk,
    item,
    need,
    no_mishap,
    referral,
    review,
    stay,
    tell_lists,
    tell_need,
    words_of,
)
from tests.console.world import World

PLAN = {"money": "done", "family_reached": "open", "transport": "open", "next_address": "open", "documents": "open"}
DONE: dict[tuple[str, str], tuple[str, dict[str, str], Any]] = {
    ("needs", "acknowledge"): (f"POST /v1/needs/{NEED}/acknowledge", {}, None),
    ("needs", "assign"): (f"POST /v1/needs/{NEED}/assign", {"owner": OTHER}, {"owner": OTHER}),
    ("needs", "refuse"): (f"POST /v1/needs/{NEED}/refuse", {}, None),
    ("needs", "close"): (f"POST /v1/needs/{NEED}/close", {"reason": "duplicate"}, {"reason": "duplicate"}),
    ("needs", "reopen"): (f"POST /v1/needs/{NEED}/reopen", {}, None),
    ("needs", "seek-again"): (f"POST /v1/needs/{NEED}/seek-again", {}, None),
    ("needs", "set-prerequisite"): (
        f"PUT /v1/needs/{NEED}/prerequisite",
        {"need_id": OTHER_NEED},
        {"need_id": OTHER_NEED},
    ),
    ("needs", "remove-prerequisite"): (f"DELETE /v1/needs/{NEED}/prerequisite", {}, None),
    ("referrals", "override"): (
        f"POST /v1/referrals/{REFERRAL}/override",
        {"provider_service_id": SERVICE, "reason": "They called us", "text": "casa"},
        {"provider_service_id": SERVICE, "reason": "They called us"},
    ),
    ("referrals", "cancel"): (
        f"POST /v1/referrals/{REFERRAL}/cancel",
        {"reason": "duplicate"},
        {"reason": "duplicate"},
    ),
    ("referrals", "enter-in-error"): (f"POST /v1/referrals/{REFERRAL}/enter-in-error", {"note": ""}, {}),
    ("referrals", "uphold"): (
        f"POST /v1/referrals/{REFERRAL}/uphold",
        {"reason": "All is well"},
        {"reason": "All is well"},
    ),
    ("referrals", "search-attempt"): (
        f"POST /v1/referrals/{REFERRAL}/search-attempts",
        {"channel": "call", "result": "found", "note": ""},
        {"channel": "call", "result": "found"},
    ),
    ("referrals", "plan"): (
        f"PUT /v1/referrals/{REFERRAL}/stay",
        {"next_step": "family", "etag": '"4"', **PLAN},
        {"next_step": "family", "items": PLAN},
    ),
    ("referrals", "extend"): (
        f"POST /v1/referrals/{REFERRAL}/stay/extend",
        {"hours": "24", "reason": "The bus leaves tomorrow"},
        {"hours": 24, "reason": "The bus leaves tomorrow"},
    ),
    ("reviews", "approve"): (f"POST /v1/reviews/{REVIEW}/approve", {"note": "Seen"}, {"note": "Seen"}),
    ("reviews", "reject"): (f"POST /v1/reviews/{REVIEW}/reject", {"note": ""}, {}),
    ("reviews", "resolve"): (f"POST /v1/reviews/{REVIEW}/resolve", {"note": "A restart"}, {"note": "A restart"}),
    ("reviews", "decide-age"): (
        f"POST /v1/reviews/{REVIEW}/decide-age",
        {"group": "child", "basis": "assessment"},
        {"group": "child", "basis": "assessment"},
    ),
    ("returnees", "end-journey"): (
        f"POST /v1/returnees/{RETURNEE}/journey/end",
        {"reason": "died"},
        {"reason": "died"},
    ),
    ("returnees", "reopen-journey"): (f"POST /v1/returnees/{RETURNEE}/journey/reopen", {}, None),
}
IDS = {"needs": NEED, "referrals": REFERRAL, "reviews": REVIEW, "returnees": RETURNEE}


def context(of: str) -> dict[str, str]:
    """The hidden fields of an action's form."""
    return {"back": "/work/mine?urgency=urgent", **({} if of == "needs" else {"need_id": NEED})}


async def test_each_action_is_one_call_with_the_key_of_its_form_and_leads_back(world: World):
    answers = {"needs": need(), "referrals": referral(), "reviews": review()}
    browser = desk(world)
    for of, name in ACTS:
        call, fields, body = DONE[of, name]
        method, path = call.split()
        answer: Any = stay() if "stay" in path else answers.get(of)
        if "journey" in path or "search-attempts" in path:
            answer = httpx.Response(200, json={})
        world.services.tell("referral", path, answer, method=method)
        sent = await browser.post(f"/work/{of}/{IDS[of]}/{name}", form_key=f"the-key-{name}", **context(of) | fields)
        assert (sent.status_code, sent.headers["location"]) == (303, "/work/mine?urgency=urgent"), name
        (asked,) = world.services.asked
        assert (asked.method, asked.path, asked.body) == (method, path, body)
        assert asked.headers["idempotency-key"] == f"the-key-{name}"
        assert asked.headers.get("if-match") == ('"4"' if name == "plan" else None)
        tell_lists(world)
        assert ACTS[of, name].done in (await browser.get("/work/mine")).text
        world.services.asked.clear()


async def test_a_refused_action_is_shown_in_words_on_the_page_of_the_need(world: World):
    tell_need(world)
    world.services.tell("provider_directory", "/v1/services/search", {"items": [], "next": None}, method="POST")
    for of, name in ACTS:
        call, fields, _ = DONE[of, name]
        method, path = call.split()
        world.services.refuse("referral", path, "step-not-allowed", method=method)
        page = await desk(world).post(f"/work/{of}/{IDS[of]}/{name}", **context(of) | fields)
        no_mishap(page, 409)
        assert "because the state has changed" in page.text, name
        assert "step-not-allowed" not in page.text
        assert 'href="/work/mine?urgency=urgent"' in page.text


async def test_a_refused_form_keeps_what_was_typed_and_names_the_field(world: World):
    tell_need(world, referrals=[referral(status="in_service")])
    world.services.tell("referral", f"/v1/referrals/{REFERRAL}/stay", stay())
    error = {"pointer": "/reason", "rule": "string-too-short", "detail": "x"}
    path = f"/v1/referrals/{REFERRAL}/stay/extend"
    world.services.refuse("referral", path, "invalid-input", status=422, errors=[error])
    fields = {**context("referrals"), "hours": "48", "reason": "They wait"}
    page = await desk(world).post(f"/work/referrals/{REFERRAL}/extend", **fields)
    no_mishap(page, 422)
    assert "This is too short." in page.text
    assert 'value="48"' in page.text
    assert ">They wait</textarea>" in page.text
    assert f'<details class="act" id="extend-{REFERRAL}" open>' in page.text


async def test_an_extension_that_is_too_long_says_how_many_hours_are_left(world: World):
    tell_need(world, referrals=[referral(status="in_service")])
    world.services.tell("referral", f"/v1/referrals/{REFERRAL}/stay", stay())
    world.services.refuse("referral", f"/v1/referrals/{REFERRAL}/stay/extend", "extension-too-long", hours_left=12)
    page = await desk(world).post(
        f"/work/referrals/{REFERRAL}/extend", **context("referrals"), hours="48", reason="Long enough"
    )
    assert "At most 12 hours more are allowed." in words_of(page)


async def test_a_plan_that_somebody_else_has_changed_is_shown_with_the_new_version_and_what_was_typed(world: World):
    tell_need(world, referrals=[referral(status="in_service")])
    path = f"/v1/referrals/{REFERRAL}/stay"
    world.services.tell("referral", path, stay(version=5))
    world.services.refuse("referral", path, "version-mismatch", method="PUT", status=412)
    fields = {**context("referrals"), "etag": '"4"', "next_step": "family", **PLAN}
    page = await desk(world).post(f"/work/referrals/{REFERRAL}/plan", **fields)
    no_mishap(page, 412)
    assert "Somebody has changed this in the meantime." in page.text
    assert 'name="etag" value="&#34;5&#34;"' in page.text
    assert '<option value="family" selected>' in page.text


async def test_a_plan_that_was_sent_twice_is_no_fault(world: World):
    path = f"/v1/referrals/{REFERRAL}/stay"
    items = {item: {"status": status, "at": None, "by": None} for item, status in PLAN.items()}
    world.services.tell("referral", path, stay(version=5, next_step="family", items=items))
    world.services.refuse("referral", path, "version-mismatch", method="PUT", status=412)
    fields = {**context("referrals"), "etag": '"4"', "next_step": "family", **PLAN}
    assert (await desk(world).post(f"/work/referrals/{REFERRAL}/plan", **fields)).status_code == 303


async def test_an_action_never_leads_to_another_site(world: World):
    world.services.tell("referral", f"/v1/needs/{NEED}/acknowledge", need(), method="POST")
    sent = await desk(world).post(f"/work/needs/{NEED}/acknowledge", back="//evil.example/x")
    assert sent.headers["location"] == "/work"
    tell_need(world)
    assert "evil" not in (await desk(world).get(f"/work/needs/{NEED}?{urlencode({'back': '//evil.example'})}")).text


async def test_who_only_watches_sees_no_button_and_can_send_nothing(world: World):
    tell_need(world)
    tell_lists(world, {"mine": [item()], "reviews": [review()]})
    watcher = world.client("work-lists:read", "referrals:read", "directory:read", staff=True)
    for path in ("/work/mine", "/work/reviews", f"/work/needs/{NEED}"):
        page = await watcher.get(path)
        no_mishap(page)
        assert "/acknowledge" not in page.text
        assert "/approve" not in page.text
        assert "/close" not in page.text
    for of, name in ACTS:
        assert (await watcher.post(f"/work/{of}/{NEED}/{name}")).status_code == 404
    assert (await watcher.post("/work/hand-over")).status_code == 404
    assert (await watcher.post(f"/work/desks/{DESK}/absences")).status_code == 404
    assert not [one for one in world.services.asked if one.method != "GET"]


def found_service(name: str, available: int | None) -> dict[str, Any]:
    service = {"id": SERVICE, "name": name, "organization_id": ORGANIZATION}
    return {"service": service, "organization_name": "Casa Nuestra", "available": available, "as_of": AT}


async def test_a_service_is_found_by_name_and_a_refused_choice_says_which_rule_forbids_it(world: World):
    tell_need(world)
    found = httpx.Response(200, json={"items": [found_service("Night shelter", 4)], "next": None})
    world.services.tell("provider_directory", "/v1/services/search", found, method="POST")
    browser = desk(world)
    page = await browser.post(f"/work/needs/{NEED}/services", text="night", back="/work/mine")
    no_mishap(page)
    assert "Night shelter · Casa Nuestra" in page.text
    assert "4 free places" in words_of(page)
    (asked,) = world.services.sent("POST", "/v1/services/search")
    assert asked.body == {"category": "shelter", "text": "night"}
    world.services.refuse(
        "referral", f"/v1/referrals/{REFERRAL}/override", "not-a-candidate", reasons=["not_licensed_for_children"]
    )
    fields = {"provider_service_id": SERVICE, "reason": "They have called us", "text": "night"}
    page = await browser.post(f"/work/referrals/{REFERRAL}/override", **context("referrals") | fields)
    no_mishap(page, 409)
    assert "it has no licence for children" in page.text
    assert "They have called us</textarea>" in page.text
    assert f'value="{SERVICE}" required checked' in page.text


async def test_the_search_for_a_service_says_when_the_directory_is_away(world: World):
    tell_need(world)
    world.services.away.add("provider_directory")
    page = await desk(world).post(f"/work/needs/{NEED}/services", text="night")
    assert page.status_code == 200
    assert "The service “directory” does not answer now" in page.text
