"""Exports of people: asked for without names unless somebody chooses otherwise, decided by a second person, downloaded
by who asked, and ended."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest

from services.console.exports.rules import PURPOSES, months_over, places_by_name
from services.console.labels import LABELS
from tests.console.told_arrivals import KEY, page
from tests.console.told_directory import organization
from tests.console.world import Browser, World, document_of

EXPORT = "01956b0e-0000-7a11-8f00-00000000000a"
ORGANIZATION: str = organization()["id"]
API, PAGE = f"/v1/exports/{EXPORT}", f"/exports/{EXPORT}"
ASKS = ("exports:read", "exports:write", "directory:read", "restricted:read", "returnees:read")
APPROVES = ("exports:read", "exports:approve", "directory:read", "returnees:read")
REASON = "Visits six months after the return (sample)"
PERIOD = {"arrived_from": "2026-01-01", "arrived_until": "2026-02-28"}
ENUMS = {
    "export_kind": "ExportKind",
    "export_state": "ExportState",
    "export_decision": "ExportDecision",
    "export_field": "ExportField",
}


def row(**more: Any) -> dict[str, Any]:
    """A de-identified export that can be downloaded."""
    return {
        "id": EXPORT,
        "version": 1,
        "kind": "deidentified",
        "state": "open",
        "purpose": "statistics",
        "recipient_organization_id": None,
        "recipient_class": None,
        "fields": [],
        **PERIOD,
        "reception_places": ["GT01", "GT0101"],
        "downloads": 0,
        "asked_at": "2026-03-02T14:00:00Z",
        "asked_by": "person:intake-desk",
        "decision": None,
        "decided_at": None,
        "decided_by": None,
        "ends_at": "2099-03-09T14:00:00Z",
        **more,
    }


def whole(**more: Any) -> dict[str, Any]:
    """The same with reason and downloads."""
    return row(**{"reason": None, "downloaded": [], **more})


def named(**more: Any) -> dict[str, Any]:
    """An identified export that waits for a second person."""
    told = {"kind": "identified", "purpose": "follow_up", "state": "waiting", "ends_at": None, "version": 3}
    recipient = {"recipient_organization_id": ORGANIZATION, "recipient_class": "providers"}
    return whole(**{**told, **recipient, "fields": ["case_code", "family_names"], "reason": REASON, **more})


def asker(world: World) -> Browser:
    world.services.tell("provider_directory", "/v1/organizations", page(organization()))
    return world.client(*ASKS, staff=True, reception_places=("GT",))


def officer(world: World) -> Browser:
    world.services.tell("provider_directory", "/v1/organizations", page(organization()))
    return world.client(*APPROVES, staff=True)


async def test_the_list_shows_kinds_states_and_ends_and_no_reason(world: World):
    listed = row(kind="identified", purpose="follow_up", state="waiting", ends_at=None)
    world.services.tell("registration", "/v1/exports", page(row(), listed, after="more"))
    browser = officer(world)
    shown = await browser.get("/exports?waiting=true")
    assert shown.status_code == 200
    for words in ("without names", "waits for a second person", "January 1, 2026", f'href="{PAGE}"', "after=more"):
        assert words in shown.text
    assert 'href="/exports"' in shown.text.partition("</header>")[0], "the menu has it"
    assert "/exports/new" not in shown.text, "who approves does not ask"
    await browser.get("/exports")
    asked = world.services.sent("GET", "/v1/exports")
    assert [one.query.get("waiting") for one in asked] == [["true"], None]


async def test_a_new_form_asks_for_a_file_without_names(world: World):
    shown = (await asker(world).get("/exports/new")).text
    assert 'name="kind" value="deidentified"' in shown
    assert "statistics" in shown
    for name in ("organization_id", "reason", "fields"):
        assert f'name="{name}"' not in shown
    assert "asking later how the person is" not in shown
    assert world.services.sent("GET", "/v1/organizations") == []


async def test_a_file_without_names_is_asked_for_with_whole_months_and_all_codes_of_a_place(world: World):
    browser = asker(world)
    world.services.tell("registration", "/v1/exports", row(), method="POST", status=201)
    world.services.tell("registration", API, whole())
    fields = {"kind": "deidentified", "purpose": "statistics", **PERIOD, "places": "GT01,GT0101", "form_key": KEY}
    answer = await browser.post("/exports/new", **fields, reason=REASON, organization_id=ORGANIZATION)
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    (sent,) = world.services.sent("POST", "/v1/exports")
    told = {"kind": "deidentified", "purpose": "statistics", **PERIOD, "reception_places": ["GT01", "GT0101"]}
    assert sent.body == told
    assert sent.headers["idempotency-key"] == KEY
    shown = await browser.get(PAGE)
    assert "The export is ready." in shown.text
    assert 'class="clock"' in shown.text, "the end is shown"
    assert shown.text.count("Reception centre at the Air Force base") == 1
    assert "GT01" not in shown.text


async def test_a_file_with_names_is_asked_for_with_recipient_reason_and_fields(world: World):
    browser = asker(world)
    shown = (await browser.get("/exports/new?kind=identified")).text
    for words in (f'<option value="{ORGANIZATION}">', 'name="reason" rows="3" required', 'value="family_names"'):
        assert words in shown
    assert 'value="statistics"' not in shown
    world.services.tell("registration", "/v1/exports", row(kind="identified"), method="POST", status=201)
    told = {"kind": "identified", "purpose": "follow_up", **PERIOD}
    recipient = {"organization_id": ORGANIZATION, "recipient_class": "providers"}
    answer = await browser.post(
        "/exports/new", **told, **recipient, reason=REASON, fields=["case_code", "family_names"], places="GT12,GT1217"
    )
    assert answer.headers["location"] == PAGE
    (sent,) = world.services.sent("POST", "/v1/exports")
    more = {"recipient": recipient, "reason": REASON, "fields": ["case_code", "family_names"]}
    assert sent.body == {**told, **more, "reception_places": ["GT12", "GT1217"]}
    assert (await browser.get("/exports/new?kind=everything")).status_code == 404
    assert (await browser.post("/exports/new", **{**told, "kind": "everything"})).status_code == 404


async def test_a_refusal_names_field_and_rule_and_keeps_what_was_chosen(world: World):
    browser = asker(world)
    errors = [
        {"pointer": "/arrived_until", "rule": "not-before-from", "detail": "x"},
        {"pointer": "/recipient/organization_id", "rule": "active-organization", "detail": "x"},
        {"pointer": "/fields", "rule": "required-if-identified", "detail": "x"},
    ]
    world.services.refuse("registration", "/v1/exports", "invalid-input", status=422, errors=errors)
    told = {"kind": "identified", "purpose": "follow_up", **PERIOD, "places": "GT12,GT1217"}
    recipient = {"organization_id": ORGANIZATION, "recipient_class": "providers"}
    refused = await browser.post("/exports/new", **told, **recipient, reason=REASON, fields=["case_code"])
    assert refused.status_code == 422
    for words in (
        "The last day is before the first one.",
        "This organisation does not take part at present.",
        "A file with names needs this.",
        REASON,
        '<option value="follow_up" selected>',
        'value="GT12,GT1217" checked',
    ):
        assert words in refused.text
    world.services.refuse("registration", "/v1/exports", "restricted-sight-needed", status=403)
    refused = await browser.post("/exports/new", **told, **recipient, reason=REASON, fields=["case_code"])
    assert refused.status_code == 403
    assert "Only people who may see all protected needs" in refused.text


@pytest.mark.parametrize("decision", ["approve", "reject"])
async def test_a_second_person_reads_the_reason_and_decides_with_the_version_that_was_read(world: World, decision: str):
    browser = officer(world)
    world.services.tell("registration", API, named())
    shown = (await browser.get(PAGE)).text
    for words in (REASON, organization()["name"], "family names", f'action="{PAGE}/decision"', "&#34;3&#34;"):
        assert words in shown
    assert f'action="{PAGE}/file"' not in shown
    head = shown.partition("</head>")[0]
    assert REASON not in head
    world.services.tell("registration", f"{API}/{decision}", row(version=4), method="POST")
    answer = await browser.post(f"{PAGE}/decision", decision=decision, version='"3"', form_key=KEY)
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    (sent,) = world.services.sent("POST", f"{API}/{decision}")
    assert (sent.headers["if-match"], sent.headers["idempotency-key"]) == ('"3"', KEY)
    assert (await browser.post(f"{PAGE}/decision", decision="file", version='"3"')).status_code == 404


async def test_who_asked_for_it_waits_and_cannot_decide(world: World):
    browser = asker(world)
    world.services.tell("registration", API, named())
    shown = (await browser.get(PAGE)).text
    assert "It cannot be you." in shown
    assert f'action="{PAGE}' not in shown
    assert (await browser.post(f"{PAGE}/decision", decision="approve", version='"3"')).status_code == 404
    assert {one.method for one in world.services.asked} == {"GET"}


async def test_a_decision_about_ones_own_export_is_refused_in_words(world: World):
    browser = officer(world)
    world.services.tell("registration", API, named())
    world.services.refuse("registration", f"{API}/approve", "second-person-needed")
    refused = await browser.post(f"{PAGE}/decision", decision="approve", version='"3"')
    assert refused.status_code == 409
    assert "Another person must do this step." in refused.text


async def test_the_file_is_downloaded_by_a_form_and_kept_by_nobody(world: World):
    browser = asker(world)
    world.services.tell("registration", API, whole())
    assert f'<form method="post" action="{PAGE}/file">' in (await browser.get(PAGE)).text
    named_so = f'attachment; filename="enlace-deidentified-{EXPORT}-until-2026-03-09.csv"'
    content = b"\xef\xbb\xbfexport,for\r\n"
    file = httpx.Response(200, content=content, headers={"content-disposition": named_so, "content-type": "text/csv"})
    world.services.tell("registration", f"{API}/file", lambda _: file)
    got = await browser.post(f"{PAGE}/file")
    assert (got.status_code, got.content) == (200, content)
    assert got.headers["content-disposition"] == named_so
    assert got.headers["content-type"] == "text/csv; charset=utf-8"
    assert (got.headers["cache-control"], got.headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert (await browser.get(f"{PAGE}/file")).status_code == 405, "a link would download it before somebody wants it"
    assert len(world.services.sent("GET", f"{API}/file")) == 1


async def test_a_name_that_is_no_name_of_a_file_is_not_passed_on(world: World):
    strange = {"content-disposition": 'attachment; filename="../x"; filename*=y'}
    file = httpx.Response(200, content=b"a,b\r\n", headers=strange)
    world.services.tell("registration", f"{API}/file", lambda _: file)
    got = await asker(world).post(f"{PAGE}/file")
    assert got.headers["content-disposition"] == 'attachment; filename="file"'


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("export-ended", 410, "there is no file any more"),
        ("export-downloads-used", 409, "as often as it may be"),
        ("export-not-approved", 403, "has not approved this export"),
    ],
)
async def test_without_a_file_the_page_says_why(world: World, code: str, status: int, words: str):
    browser = asker(world)
    world.services.tell("registration", API, whole(state="ended"))
    world.services.refuse("registration", f"{API}/file", code, method="GET", status=status)
    refused = await browser.post(f"{PAGE}/file")
    assert refused.status_code == status
    assert words in refused.text
    assert f'action="{PAGE}/file"' not in refused.text


async def test_after_the_end_the_reason_is_on_no_page_and_the_downloads_stay(world: World):
    download = {"at": "2026-03-03T14:00:00Z", "who": "intake-desk", "people_count": 12, "left_out": None}
    ended = named(state="ended", reason=None, decision="approved", decided_by="officer", downloaded=[download])
    world.services.tell("registration", API, ended | {"decided_at": "2026-03-02T15:00:00Z"})
    shown = (await officer(world).get(PAGE)).text
    for words in ("deleted, because the export has ended", "12 people", "Approved", "intake-desk"):
        assert words in shown
    assert f'action="{PAGE}' not in shown


async def test_without_the_right_or_outside_the_staff_the_pages_do_not_exist(world: World):
    for browser in (
        world.client("returnees:read", "exports:write", "exports:approve", "directory:read", staff=True),
        world.client(*ASKS, *APPROVES, reception_places=("GT",)),
    ):
        for path in ("/exports", "/exports/new", PAGE):
            assert (await browser.get(path)).status_code == 404
        for path in ("/exports/new", f"{PAGE}/decision", f"{PAGE}/file"):
            assert (await browser.post(path, decision="approve", kind="deidentified")).status_code == 404
        assert 'href="/exports"' not in (await browser.get("/nothing")).text
    assert world.services.asked == []
    reads = world.client("exports:read", staff=True)
    assert (await reads.get("/exports/new")).status_code == 404
    assert (await reads.post(f"{PAGE}/file")).status_code == 404


@pytest.mark.parametrize("table", ENUMS)
def test_every_code_of_an_export_has_words(table: str):
    assert set(LABELS[table]) == set(document_of("registration")["components"]["schemas"][ENUMS[table]]["enum"])


def test_the_forms_offer_every_purpose_once_and_each_has_words():
    offered = [one for kind in PURPOSES.values() for one in kind]
    document = document_of("registration")["components"]["schemas"]
    assert sorted(offered) == sorted(document["ExportPurpose"]["enum"])
    assert set(offered) <= set(LABELS["consent_purpose"])


def test_months_that_are_over_are_whole():
    months = months_over(date(2026, 3, 2))
    assert months[:2] == [(date(2026, 2, 1), date(2026, 2, 28)), (date(2026, 1, 1), date(2026, 1, 31))]


def test_a_place_with_two_codes_is_offered_once_with_both():
    assert places_by_name({"GT0101": "Base", "GT01": "Base", "GT12": "Border"}) == [
        ("GT01,GT0101", "Base"),
        ("GT12", "Border"),
    ]
