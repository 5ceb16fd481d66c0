"""The lists of the desks: what a row says, filters, counts, and who sees them."""

import httpx

from services.console.work.rules import LISTS
from tests.console.desk_world import (
    AT,
    DESK,
    NEED,
    ONE,
    ORGANIZATION,
    PARTIES,
    RETURNEE,
    SCOPES,
    SERVICE,
    SOON,
    desk,
    item,
    no_mishap,
    queue_row,
    review,
    search_row,
    stay_row,
    tell_lists,
    tell_need,
    words_of,
)
from tests.console.world import World


async def test_the_overview_has_the_length_of_each_list_and_the_queue_of_each_stage(world: World):
    tell_lists(world)
    counts = dict.fromkeys(("overdue", "escalations", "halted", "unmet"), ONE)
    stage = {"stage": 2, "name": "Urgent needs", "mine": True, "waiting": dict.fromkeys(PARTIES, ONE), **counts}
    world.services.tell("referral", "/v1/work-lists/stages", {"stages": [stage]})
    page = await desk(world).get("/work")
    no_mishap(page)
    for told in ("Mine 1", "Waiting 5", "Reviews 1000+", "Exits today 7", "No next step 8", "2. Urgent needs yours"):
        assert told in words_of(page)
    assert 'href="/work/waiting?party=router&amp;stage=2"' in page.text
    assert 'href="/work/overdue?stage=2"' in page.text


async def test_each_list_has_a_page_that_says_when_it_is_empty(world: World):
    tell_lists(world)
    for name in LISTS:
        page = await desk(world).get(f"/work/{name}")
        no_mishap(page)
        assert "Nothing is here now." in page.text, name


async def test_a_row_says_what_is_needed_for_how_many_who_is_responsible_why_and_how_much_time_is_left(world: World):
    tell_lists(world, {"mine": [item()]})
    page = await desk(world).get("/work/mine")
    no_mishap(page)
    for told in (
        "shelter",
        "urgent",
        "3 people",
        "goes to Quetzaltenango",
        "a service is being looked for",
        "Migration institute, shelter",
        "every possible service has been asked",
        "left",
    ):
        assert told in words_of(page)
    assert f'href="/cases/{RETURNEE}"' in page.text
    assert f'href="/work/needs/{NEED}?back=%2Fwork%2Fmine"' in page.text


async def test_the_other_lists_show_what_is_theirs(world: World):
    rows = {
        "exits": [stay_row()],
        "leaving": [stay_row()],
        "follow-up": [search_row()],
        "waitlists": [queue_row()],
        "reviews": [review(), review(id=SERVICE, reason="age_unresolved")],
        "halted": [item(halted_since=AT, halted_for=["not_active"], referral_status="accepted")],
        "waiting": [item(waiting_since=AT)],
        "due": [item(subject_id=NEED, due="routing_deadline", due_at=SOON)],
    }
    tell_lists(world, rows)
    told = {
        "exits": ("over, and still there", "not known yet", "money for the way"),
        "follow-up": ("2 attempts", "phone call, not found", "Record an attempt"),
        "waitlists": ("emergency", "2 people", "2 hours"),
        "reviews": ("the rules of the country ask for a decision", "Approve", "Decide about the age"),
        "halted": ("it does not work now",),
        "waiting": ("waits for",),
        "due": ("an offer must be made",),
    }
    browser = desk(world)
    for name, texts in told.items():
        page = await browser.get(f"/work/{name}")
        no_mishap(page)
        for text in texts:
            assert text in words_of(page), f"{text} on {name}"


async def test_filters_go_to_the_api_and_stay_chosen_on_the_next_page(world: World):
    tell_lists(world)
    world.services.tell("referral", "/v1/work-lists/mine", {"items": [item()], "next": "more"})
    page = await desk(world).get(f"/work/mine?urgency=urgent&desk={DESK}&stage=2&area=GT09&colour=red")
    no_mishap(page)
    (asked,) = world.services.sent("GET", "/v1/work-lists/mine")
    assert asked.query == {"limit": ["50"], "urgency": ["urgent"], "desk": [DESK], "stage": ["2"], "area": ["GT09"]}
    assert f"after=more&amp;urgency=urgent&amp;desk={DESK}&amp;stage=2&amp;area=GT09" in page.text
    await desk(world).get(f"/work/follow-up?desk={DESK}")
    assert world.services.sent("GET", "/v1/work-lists/follow-up")[0].query["owner"] == [DESK]


async def test_a_wrong_filter_is_a_refusal_in_its_place_and_no_mishap(world: World):
    tell_lists(world)
    world.services.refuse("referral", "/v1/work-lists/mine", "invalid-input", method="GET", status=422)
    page = await desk(world).get("/work/mine?stage=x")
    assert page.status_code == 200
    assert "Some fields need a correction." in page.text


async def test_small_numbers_of_unmet_needs_are_not_said(world: World):
    row = {"category": "shelter", "reason": "no_candidate", "count": 12, "suppressed": False}
    hidden = {"category": "shelter", "reason": "lost_contact", "count": None, "suppressed": True}
    rows = {
        "summary": [{**row, "area": "GT09"}, {**hidden, "area": None}],
        "kinds": [{**row, "kind": None}],
    }
    tell_lists(world, rows)
    page = await desk(world).get("/work/unmet")
    no_mishap(page)
    for told in ("Quetzaltenango", "12", "too few to say", "contact with the person is lost"):
        assert told in words_of(page)


async def test_a_service_that_is_away_is_missing_in_its_place_and_the_page_works(world: World):
    tell_lists(world, {"mine": [item()]})
    world.services.away.add("provider_directory")
    no_mishap(await desk(world).get("/work/mine"))
    world.services.away.add("referral")
    for path in ("/work", "/work/mine", "/work/unmet"):
        page = await desk(world).get(path)
        assert page.status_code == 200
        assert "does not answer now" in page.text
    assert (await desk(world).get(f"/work/needs/{NEED}")).status_code == 503


async def test_the_pages_do_not_exist_without_the_right_or_for_a_partner(world: World):
    tell_need(world)
    paths = ("/work", "/work/mine", f"/work/needs/{NEED}", "/work/hand-over", "/work/absences")
    for browser in (
        world.client("referrals:read", staff=True),
        world.client(*SCOPES, organization_id=ORGANIZATION),
    ):
        for path in paths:
            assert (await browser.get(path)).status_code == 404, path
    assert (await desk(world).get("/work/no-such-list")).status_code == 404
    assert (await desk(world, "needs:write").get("/work/hand-over")).status_code == 404


async def test_restricted_categories_are_in_no_filter_for_those_who_may_not_see_them(world: World):
    tell_lists(world)
    terms = [
        {"code": code, "label": name, "definition": "", "dimension": "social", "level": "individual"}
        for code, name in (("shelter", "Shelter"), ("gbv", "Violence"))
    ]
    document = {"categories": terms, "kinds": [], "documents": [], "details": [], "facts": []}
    world.services.tell("provider_directory", "/v1/taxonomy", httpx.Response(200, json=document))
    page = await desk(world).get("/work/mine")
    assert "Shelter" in page.text
    assert "Violence" not in page.text
    seeing = world.client(*SCOPES, "restricted:read", staff=True, desks=(DESK,))
    assert "Violence" in (await seeing.get("/work/mine")).text
