"""Hand-overs and absences of desks."""

from urllib.parse import urlencode

import httpx
import pytest

from tests.console.desk_world import (
    AT,
    DESK,
    NEED,
    OTHER,
    OTHER_NEED,
    RETURNEE,
    REVIEW,
    SOON,
    desk,
    item,
    no_mishap,
    tell_lists,
    words_of,
)
from tests.console.world import Asked, World


async def test_chosen_needs_are_handed_over_and_the_page_shows_how_far_it_is(world: World):
    tell_lists(world, {"mine": [item(), item(need_id=OTHER_NEED, owner=OTHER)]})
    browser = desk(world)
    listed = await browser.get("/work/mine")
    assert f'name="need" value="{DESK}:{NEED}" form="chosen"' in listed.text
    asked = urlencode([("need", f"{DESK}:{NEED}"), ("need", f"{OTHER}:{OTHER_NEED}")])
    page = await browser.get(f"/work/hand-over?{asked}")
    no_mishap(page)
    assert "the 2 needs that you chose" in page.text
    assert "needs of several desks" in page.text
    assert f'<option value="{DESK}" selected>' in page.text
    view = {"id": REVIEW, "from_desk": DESK, "to_desk": OTHER, "made_at": AT, "moved_count": 1, "finished_at": None}
    world.services.tell("referral", "/v1/work-lists/hand-over", view, method="POST", status=201)
    world.services.tell("referral", f"/v1/work-lists/hand-overs/{REVIEW}", view)
    fields = {"from": DESK, "to": OTHER, "reason": "We close for the week", "which": "chosen"}
    needs = [f"{DESK}:{NEED}", f"{OTHER}:{OTHER_NEED}"]
    sent = await browser.post("/work/hand-over", form_key="the-key", need=needs, **fields)
    assert sent.headers["location"] == f"/work/hand-overs/{REVIEW}"
    (call,) = world.services.sent("POST", "/v1/work-lists/hand-over")
    assert call.body == {"from": DESK, "to": OTHER, "reason": "We close for the week", "need_ids": [NEED]}
    assert call.headers["idempotency-key"] == "the-key"
    page = await browser.get(f"/work/hand-overs/{REVIEW}")
    no_mishap(page)
    assert "1 need has been handed over." in page.text
    assert "hx-get" in page.text
    world.services.tell("referral", f"/v1/work-lists/hand-overs/{REVIEW}", view | {"finished_at": AT})
    assert "hx-get" not in (await browser.get(f"/work/hand-overs/{REVIEW}")).text


@pytest.mark.parametrize(("which", "more"), [("person", {"returnee_id": RETURNEE}), ("all", {})])
async def test_the_needs_of_a_person_or_all_of_a_desk_are_handed_over(world: World, which: str, more: dict[str, str]):
    view = {"id": REVIEW, "from_desk": DESK, "to_desk": OTHER, "made_at": AT, "moved_count": 0, "finished_at": None}
    world.services.tell("referral", "/v1/work-lists/hand-over", view, method="POST", status=201)
    fields = {"from": DESK, "to": OTHER, "reason": "Their case", "which": which, "returnee_id": RETURNEE}
    await desk(world).post("/work/hand-over", **fields)
    (call,) = world.services.sent("POST", "/v1/work-lists/hand-over")
    assert call.body == {"from": DESK, "to": OTHER, "reason": "Their case", **more}


async def test_a_refused_hand_over_keeps_the_choice_and_names_the_field(world: World):
    tell_lists(world)
    error = {"pointer": "/to", "rule": "invalid-input", "detail": "x"}
    world.services.refuse("referral", "/v1/work-lists/hand-over", "invalid-input", status=422, errors=[error])
    fields = {"from": DESK, "to": DESK, "reason": "We close", "which": "chosen", "need": f"{DESK}:{NEED}"}
    page = await desk(world).post("/work/hand-over", **fields)
    no_mishap(page, 422)
    assert "This is not possible here." in page.text
    assert f'name="need" value="{DESK}:{NEED}"' in page.text
    assert 'value="chosen" checked' in page.text
    assert ">We close</textarea>" in page.text


ABSENCE = {
    "id": REVIEW,
    "desk": DESK,
    "deputy": OTHER,
    "starts_at": AT,
    "ends_at": SOON,
    "reason": "holiday",
    "made_by": "somebody",
    "made_at": AT,
}


async def test_absences_are_listed_recorded_in_the_local_time_and_ended(world: World):
    tell_lists(world)
    path = f"/v1/desks/{DESK}/absences"
    world.services.tell("referral", path, {"items": [ABSENCE], "next": None})
    browser = desk(world)
    page = await browser.get("/work/absences")
    no_mishap(page)
    for told in ("public holiday", "Deputy: Steward of the network"):
        assert told in words_of(page)
    world.services.tell("referral", path, ABSENCE, method="POST", status=201)
    fields = {"deputy": OTHER, "reason": "leave", "starts_at": "2026-12-24T18:00", "ends_at": "2026-12-27T08:00"}
    sent = await browser.post(f"/work/desks/{DESK}/absences", form_key="the-key", **fields)
    assert sent.headers["location"] == f"/work/absences?desk={DESK}"
    (call,) = world.services.sent("POST", path)
    times = {"starts_at": "2026-12-24T18:00:00-06:00", "ends_at": "2026-12-27T08:00:00-06:00"}
    assert call.body == {"deputy": OTHER, "reason": "leave", **times}
    world.services.tell("referral", f"{path}/{REVIEW}", httpx.Response(204), method="DELETE")
    for _ in range(2):
        assert (await browser.post(f"/work/desks/{DESK}/absences/{REVIEW}/remove")).status_code == 303
        world.services.refuse("referral", f"{path}/{REVIEW}", "not-found", method="DELETE", status=404)


async def test_a_refused_absence_keeps_what_was_typed(world: World):
    tell_lists(world)
    path = f"/v1/desks/{DESK}/absences"
    world.services.tell("referral", path, {"items": [], "next": None})
    error = {"pointer": "/ends_at", "rule": "moment", "detail": "x"}

    def refuse(_: Asked) -> httpx.Response:
        body = {"title": "x", "status": 422, "code": "invalid-input", "detail": "x", "errors": [error]}
        return httpx.Response(422, json=body)

    world.services.tell("referral", path, refuse, method="POST")
    fields = {"deputy": OTHER, "reason": "leave", "starts_at": "2026-12-24T18:00", "ends_at": "2026-12-20T18:00"}
    page = await desk(world).post(f"/work/desks/{DESK}/absences", **fields)
    no_mishap(page, 422)
    assert "This is not a time." in page.text
    assert 'value="2026-12-20T18:00"' in page.text
    assert f'<option value="{OTHER}" selected>' in page.text
    world.services.refuse("referral", path, "deputies-in-a-circle")
    page = await desk(world).post(f"/work/desks/{DESK}/absences", **fields)
    assert "Choose another deputy." in page.text
