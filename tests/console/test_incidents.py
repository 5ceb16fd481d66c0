"""Incidents in the console: recorded in codes, with the time of each duty, and those concerned found by a form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.console.incidents import rules
from services.console.labels import LABELS
from tests.console.told_arrivals import CODE, KEY, PERSON, page
from tests.console.told_directory import organization
from tests.console.world import Browser, World, document_of

INCIDENT = "01956b0e-0000-7a11-8f00-00000000000c"
LIST = "/v1/incidents"
API, PAGE = f"{LIST}/{INCIDENT}", f"/incidents/{INCIDENT}"
READS = ("incidents:read", "directory:read")
OFFICER = (*READS, "incidents:write")
CLIENT, STAFF = "casa-del-migrante", "person:clerk"
ENUMS = {
    "incident_status": "IncidentStatus",
    "incident_kind": "IncidentKind",
    "incident_measure": "Measure",
    "incident_duty": "Duty",
    "incident_set_by": "DutySetBy",
    "incident_not_required": "NotRequired",
}


def in_hours(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def duty(name: str, **more: Any) -> dict[str, Any]:
    """A duty that is still to be done."""
    return {
        "duty": name,
        "due_at": in_hours(40),
        "set_by": "law",
        "overdue": False,
        "settled_at": None,
        "settled_by": None,
        "not_required_because": None,
        **more,
    }


def row(**more: Any) -> dict[str, Any]:
    """An open incident of a client, with both duties still to be done."""
    return {
        "id": INCIDENT,
        "version": 1,
        "kind": "stolen_access",
        "status": "open",
        "client_id": CLIENT,
        "who": None,
        "organization_id": None,
        "began_at": "2026-03-02T08:00:00Z",
        "ended_at": "2026-03-02T11:30:00Z",
        "known_at": "2026-03-02T12:00:00Z",
        "measures": ["access_revoked"],
        "duties": [duty("authority_told"), duty("people_told")],
        "recorded_at": "2026-03-02T12:05:00Z",
        "recorded_by": "person:officer",
        "closed_at": None,
        "closed_by": None,
        **more,
    }


def concerned(**more: Any) -> dict[str, Any]:
    return {
        "returnee_id": PERSON,
        "arrival_batch_id": None,
        "case_code": CODE,
        "first_at": "2026-03-02T08:10:00Z",
        "last_at": "2026-03-02T09:10:00Z",
        "accesses": 3,
        "kinds": ["read"],
        "actions": ["returnee.read"],
        "purposes": ["registration"],
        "fields": ["given_names"],
        **more,
    }


def officer(world: World, *scopes: str) -> Browser:
    world.services.tell("provider_directory", "/v1/organizations", page(organization()))
    return world.client(*(scopes or OFFICER), staff=True)


@pytest.mark.parametrize("table", ENUMS)
def test_each_code_of_the_api_has_its_words(table: str):
    schemas = document_of("registration")["components"]["schemas"]
    assert set(LABELS[table]) == set(schemas[ENUMS[table]]["enum"])


def test_each_list_has_its_words():
    assert set(LABELS["incident_list"]) == set(rules.LISTS)


async def test_the_lists_show_what_is_late_and_the_next_time(world: World):
    late = [duty("authority_told", overdue=True, due_at=in_hours(-2)), duty("people_told")]
    world.services.tell("registration", LIST, page(row(duties=late), after="more"))
    browser = officer(world)
    shown = (await browser.get("/incidents")).text
    assert 'href="/incidents"' in shown.partition("</header>")[0], "the menu has it"
    for words in ("somebody used the access", "tell the authority", "hours late", f'href="{PAGE}"', "after=more"):
        assert words in shown
    await browser.get("/incidents?list=late")
    await browser.get("/incidents?list=closed&after=more")
    asked = [{name: told[0] for name, told in one.query.items()} for one in world.services.sent("GET", LIST)]
    assert asked == [
        {"status": "open", "limit": "50"},
        {"overdue": "true", "limit": "50"},
        {"status": "closed", "limit": "50", "after": "more"},
    ]
    assert (await browser.get("/incidents?list=all")).status_code == 404


async def test_an_incident_is_recorded_with_what_is_known(world: World):
    browser = officer(world)
    world.services.tell("registration", LIST, row(), method="POST", status=201)
    world.services.tell("registration", API, row())
    assert 'name="known_at" type="datetime-local" value="20' in (await browser.get("/incidents/new")).text
    told = {
        "kind": "stolen_access",
        "client_id": CLIENT,
        "began_at": "2026-03-02T02:00",
        "known_at": "2026-03-02T06:00",
    }
    answer = await browser.post(
        "/incidents/new", **told, who="", organization_id="", ended_at="", measures=["access_revoked"], form_key=KEY
    )
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    (sent,) = world.services.sent("POST", LIST)
    assert sent.body == {
        "kind": "stolen_access",
        "client_id": CLIENT,
        "began_at": "2026-03-02T02:00:00-06:00",
        "known_at": "2026-03-02T06:00:00-06:00",
        "measures": ["access_revoked"],
    }
    assert sent.headers["idempotency-key"] == KEY
    assert "The incident is recorded." in (await browser.get(PAGE)).text


async def test_a_refusal_names_the_field_and_keeps_what_was_typed(world: World):
    browser = officer(world)
    errors = [{"pointer": "/ended_at", "rule": "order", "detail": "x"}]
    world.services.refuse("registration", LIST, "invalid-input", status=422, method="POST", errors=errors)
    told = {"kind": "lost_device", "client_id": CLIENT, "began_at": "2026-03-02T02:00", "known_at": "2026-03-02T03:00"}
    answer = await browser.post("/incidents/new", **told)
    assert answer.status_code == 422
    for words in ("These times are in the wrong order.", f'value="{CLIENT}"', 'value="lost_device" selected'):
        assert words in answer.text


async def test_the_page_shows_each_duty_and_offers_what_is_still_possible(world: World):
    done = duty("people_told", settled_at="2026-03-02T13:00:00Z", settled_by="person:officer")
    excused = duty("authority_told", settled_at="2026-03-02T13:00:00Z", not_required_because="nobody_affected")
    world.services.tell("registration", API, row(duties=[duty("authority_told", overdue=True), done]))
    browser = officer(world)
    shown = (await browser.get(PAGE)).text
    assert 'name="measures" value="access_revoked" checked' in shown
    assert 'name="not_required_authority_told"' in shown
    assert 'name="not_required_people_told"' not in shown, "what is done needs no reason"
    assert "set by law" in shown
    closed = row(status="closed", duties=[excused, done], closed_at="2026-03-03T08:00:00Z", closed_by="person:officer")
    world.services.tell("registration", API, closed)
    shown = (await browser.get(PAGE)).text
    assert "nobody was concerned" in shown
    assert f'action="{PAGE}/measures"' not in shown
    reader = (await officer(world, *READS).get(PAGE)).text
    assert f'action="{PAGE}/measures"' not in reader


@pytest.mark.parametrize(("closes", "path"), [({}, "measures"), ({"closes": "true"}, "close")])
async def test_what_was_done_is_sent_as_it_was_read(world: World, closes: dict[str, str], path: str):
    world.services.tell("registration", API, row(version=4))
    world.services.tell("registration", f"{API}/{path}", row(), method="POST")
    reasons = {"not_required_authority_told": "", "not_required_people_told": "no_risk_to_people"}
    answer = await officer(world).post(
        f"{PAGE}/measures",
        measures=["access_revoked", "authority_told"],
        version='"4"',
        form_key=KEY,
        **reasons,
        **closes,
    )
    assert answer.status_code == 303
    (sent,) = world.services.sent("POST", f"{API}/{path}")
    assert sent.body == {
        "measures": ["access_revoked", "authority_told"],
        "not_required": [{"duty": "people_told", "reason": "no_risk_to_people"}],
    }
    assert (sent.headers["if-match"], sent.headers["idempotency-key"]) == ('"4"', KEY)


async def test_a_wrong_reason_is_shown_at_its_duty_and_a_missing_one_is_told(world: World):
    world.services.tell("registration", API, row())
    errors = [{"pointer": "/not_required/0/reason", "rule": "reason-of-duty", "detail": "x"}]
    world.services.refuse("registration", f"{API}/measures", "invalid-input", status=422, method="POST", errors=errors)
    browser, reason = officer(world), {"not_required_authority_told": "no_safe_contact"}
    answer = await browser.post(f"{PAGE}/measures", measures=["keys_rotated"], **reason)
    assert answer.status_code == 422
    field = answer.text.partition('for="not_required_authority_told"')[2].partition("</select>")[0]
    assert "This is no reason for this duty." in field
    assert 'value="no_safe_contact" selected' in field
    assert 'value="keys_rotated" checked' in answer.text
    errors = [{"pointer": "/not_required", "rule": "reason-required", "detail": "x"}]
    world.services.refuse("registration", f"{API}/close", "invalid-input", status=422, method="POST", errors=errors)
    answer = await browser.post(f"{PAGE}/measures", measures=["keys_rotated"], closes="true")
    assert "say why it is not required" in answer.text


async def test_those_concerned_are_found_by_a_form_for_the_time_of_the_incident(world: World):
    """Taken out: the form (a link would record each person when a browser loads it beforehand)."""
    world.services.tell("registration", API, row(who=STAFF))
    manifest = concerned(returnee_id=None, case_code=None, arrival_batch_id="01956b0e-0000-7a11-8f00-00000000000d")
    found = page(concerned(), manifest, concerned(case_code=None), after="more")
    world.services.tell("registration", f"{LIST}/affected", found, method="POST")
    browser = officer(world)
    shown = (await browser.get(PAGE)).text
    assert f'<form method="post" action="{PAGE}/affected">' in shown
    assert (await browser.get(f"{PAGE}/affected")).status_code == 405
    answer = await browser.post(f"{PAGE}/affected")
    assert answer.status_code == 200
    for words in (CODE, "given names", "manifest", "erased person", 'name="after" value="more"'):
        assert words in answer.text
    await browser.post(f"{PAGE}/affected", after="more")
    first, second = world.services.sent("POST", f"{LIST}/affected")
    assert first.body == {
        "client_id": CLIENT,
        "who": STAFF,
        "since": "2026-03-02T08:00:00Z",
        "until": "2026-03-02T11:30:00Z",
    }
    assert (first.query.get("after"), second.query.get("after")) == (None, ["more"])


async def test_an_incident_that_goes_on_is_searched_until_now(world: World):
    world.services.tell("registration", API, row(ended_at=None))
    world.services.tell("registration", f"{LIST}/affected", page(), method="POST")
    before = datetime.now(UTC)
    answer = await officer(world).post(f"{PAGE}/affected")
    assert "Nobody: registration has no look" in answer.text
    (sent,) = world.services.sent("POST", f"{LIST}/affected")
    assert datetime.fromisoformat(sent.body["until"]) >= before - timedelta(seconds=5)


async def test_who_may_not_see_everybody_is_told_why_and_sees_no_part_of_the_list(world: World):
    world.services.tell("registration", API, row())
    world.services.refuse("registration", f"{LIST}/affected", "whole-country-needed", status=403, method="POST")
    answer = await officer(world).post(f"{PAGE}/affected")
    assert answer.status_code == 403
    assert "an incomplete one would look complete" in answer.text


async def test_an_incident_that_names_nobody_has_no_search(world: World):
    world.services.tell("registration", API, row(client_id=None))
    browser = officer(world)
    assert "nobody can be found by it" in (await browser.get(PAGE)).text
    assert (await browser.post(f"{PAGE}/affected")).status_code == 404
    assert world.services.sent("POST", f"{LIST}/affected") == []


async def test_without_the_right_or_outside_the_staff_the_pages_do_not_exist(world: World):
    reader, outside = officer(world, *READS), world.client(*OFFICER, organization_id=organization()["id"])
    nobody = officer(world, "directory:read")
    for browser in (outside, nobody):
        for path in ("/incidents", "/incidents/new", PAGE):
            assert (await browser.get(path)).status_code == 404
        for path in ("/incidents/new", f"{PAGE}/measures", f"{PAGE}/affected"):
            assert (await browser.post(path)).status_code == 404
    assert (await reader.get("/incidents/new")).status_code == 404
    for path in ("/incidents/new", f"{PAGE}/measures"):
        assert (await reader.post(path)).status_code == 404
    assert world.services.sent("POST", LIST) == []
