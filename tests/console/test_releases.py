"""Releases of children in the console: each step with what is missing and who may do it, and no step of two people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.console.labels import LABELS
from services.console.releases.rules import missing_to_hand_over, missing_to_sign
from services.registration.releases.rules import Missing
from tests.console.told_arrivals import CODE, KEY, PERSON, page, person
from tests.console.world import Browser, World, document_of

RELEASE = "01956b0e-0000-7a11-8f00-00000000000d"
LIST = "/v1/child-releases"
API, PAGE = f"{LIST}/{RELEASE}", f"/child-releases/{RELEASE}"
DESK = ("child-releases:read", "child-releases:write", "returnees:read")
AUTHORITY = ("child-releases:read", "child-releases:sign-off")
ME = "person:test-person"
CHILDS_WORDS = "Wants to live with the grandmother (sample)"
ENUMS = {
    "release_status": "ReleaseStatus",
    "release_verified": "Verified",
    "release_wish": "Wish",
    "release_not_heard": "NotHeard",
    "release_withdrawal": "Withdrawal",
    "release_cancellation": "Cancellation",
    "release_shown": "RelativeShown",
}
STEPS = ("child-view", "verification", "sign-off", "sign-off-withdrawal", "handover", "cancellation")
OF_AUTHORITY = ("sign-off", "sign-off-withdrawal")


def row(**more: Any) -> dict[str, Any]:
    """A release whose relative is named and nothing else."""
    told = dict.fromkeys(
        (
            *("wish", "not_heard_because", "heard_at", "heard_language", "verified_at", "authority", "signed_at"),
            *("sign_off_valid_until", "sign_off_withdrawn_at", "sign_off_withdrawn_because", "released_at"),
            *("released_to_place", "relative_shown_by", "cancelled_at", "cancelled_because"),
        )
    )
    named = {"status": "open", "relation": "grandparent", "named_at": "2026-03-02T14:00:00Z", "verified": []}
    return {"id": RELEASE, "version": 1, "returnee_id": PERSON, **told, **named, **more}


def whole(**more: Any) -> dict[str, Any]:
    """The same with the relative and who did what."""
    told = dict.fromkeys(("heard_by", "heard_words", "sign_off_reference", "verified_by", "signed_by", "released_by"))
    relative = {"given_names": "Muestra Abuela", "family_names": "Ejemplo Mayor", "document_number": None}
    return {**row(), **told, "relative": relative, "named_by": "person:colleague", **more}


HEARD = {"wish": "wants_to_go", "heard_at": "2026-03-02T15:00:00Z", "heard_language": "quc"}
VERIFIED = {"verified": ["home_visit"], "verified_at": "2026-03-03T15:00:00Z"}


def signed(*, days: int = 5) -> dict[str, Any]:
    until = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    return {**HEARD, **VERIFIED, "signed_at": "2026-03-03T16:00:00Z", "sign_off_valid_until": until, "authority": "pgn"}


def desk(world: World) -> Browser:
    return world.client(*DESK, staff=True, desks=("pgn-child-desk",))


def authority(world: World) -> Browser:
    return world.client(*AUTHORITY, staff=True)


def found(*people: dict[str, Any]) -> dict[str, Any]:
    """The answer to a search."""
    return {"items": list(people), "more": False, "next": None}


async def test_the_list_says_what_each_release_waits_for_and_nobodys_name(world: World):
    ready = row(**signed(), id="01956b0e-0000-7a11-8f00-00000000000e")
    world.services.tell("registration", LIST, page(row(), ready, after="more"))
    browser = authority(world)
    shown = await browser.get("/child-releases")
    for words in (
        "grandmother or grandfather",
        "the child is not heard",
        "the handover",
        f'href="{PAGE}"',
        "after=more",
    ):
        assert words in shown.text
    assert "/child-releases/new" not in shown.text
    await browser.get("/child-releases?status=cancelled")
    assert [one.query["status"] for one in world.services.sent("GET", LIST)] == [["open"], ["cancelled"]]
    assert (await browser.get("/child-releases?status=strange")).status_code == 404


async def test_a_relative_is_named_for_the_child_with_a_case_code(world: World):
    browser = desk(world)
    world.services.tell("registration", "/v1/returnees/search", found(person()), method="POST")
    world.services.tell("registration", LIST, row(), method="POST", status=201)
    names = {"given_names": "Muestra Abuela", "family_names": "Ejemplo Mayor"}
    answer = await browser.post("/child-releases/new", case_code=CODE.lower(), relation="grandparent", **names)
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    (sent,) = world.services.sent("POST", LIST)
    assert sent.body == {"returnee_id": PERSON, "relation": "grandparent", "relative": names}
    world.services.tell("registration", "/v1/returnees/search", found(), method="POST")
    refused = await browser.post("/child-releases/new", case_code=CODE, relation="grandparent", **names)
    assert refused.status_code == 422
    assert "No person has this case code" in refused.text


async def test_a_similar_name_of_somebody_excluded_must_be_checked_before_it_is_confirmed(world: World):
    browser = desk(world)
    assert "namesake_confirmed" not in (await browser.get("/child-releases/new")).text
    world.services.tell("registration", "/v1/returnees/search", found(person()), method="POST")
    world.services.refuse("registration", LIST, "may-be-excluded")
    names = {"given_names": "Muestra Abuela", "family_names": "Ejemplo Mayor"}
    refused = await browser.post("/child-releases/new", case_code=CODE, relation="grandparent", **names)
    assert refused.status_code == 409
    assert 'name="namesake_confirmed" value="yes">' in refused.text, "it is not ticked"


async def test_each_step_says_what_is_missing_and_who_may_do_it(world: World):
    world.services.tell("registration", API, whole())
    shown = (await desk(world).get(PAGE)).text
    for words in (
        "Ejemplo Mayor",
        "somebody of the child desk who did not name the relative.",
        "the authority that the law names, never the child desk.",
        "Missing: the child is not heard, the relative is not verified, the authority has not signed off.",
        f'action="{PAGE}/child-view"',
        f'action="{PAGE}/verification"',
        f'action="{PAGE}/cancellation"',
    ):
        assert words in shown
    for step in ("sign-off", "sign-off-withdrawal", "handover"):
        assert f'action="{PAGE}/{step}"' not in shown
    assert "Ejemplo" not in shown.partition("</head>")[0]


async def test_who_took_a_step_gets_no_form_for_the_step_that_checks_it(world: World):
    world.services.tell("registration", API, whole(named_by=ME))
    shown = (await desk(world).get(PAGE)).text
    assert "You named the relative, so another person verifies them." in shown
    assert f'action="{PAGE}/verification"' not in shown
    world.services.tell("registration", API, whole(**signed(), verified_by=ME))
    shown = (await desk(world).get(PAGE)).text
    assert "You verified the relative, so another person hands the child over." in shown
    assert f'action="{PAGE}/handover"' not in shown
    world.services.tell("registration", API, whole(**signed(), verified_by="person:colleague"))
    assert f'action="{PAGE}/handover"' in (await desk(world).get(PAGE)).text


async def test_the_authority_signs_off_when_nothing_is_missing_and_may_withdraw_it(world: World):
    browser = authority(world)
    world.services.tell("registration", API, whole(**HEARD))
    assert f'action="{PAGE}' not in (await browser.get(PAGE)).text
    world.services.tell("registration", API, whole(**HEARD, **VERIFIED, heard_words=CHILDS_WORDS))
    shown = (await browser.get(PAGE)).text
    assert CHILDS_WORDS in shown
    assert shown.count(f'action="{PAGE}') == shown.count(f'action="{PAGE}/sign-off"') == 1
    world.services.tell("registration", API, whole(**signed()))
    shown = (await browser.get(PAGE)).text
    assert shown.count(f'action="{PAGE}') == shown.count(f'action="{PAGE}/sign-off-withdrawal"') == 1


async def test_a_child_who_is_afraid_is_never_ready(world: World):
    world.services.tell("registration", API, whole(**signed() | {"wish": "is_afraid"}))
    shown = (await desk(world).get(PAGE)).text
    assert "the child is afraid, so there is no release" in shown
    assert f'action="{PAGE}/handover"' not in shown


@pytest.mark.parametrize(
    ("step", "fields", "body"),
    [
        (
            "child-view",
            {"wish": "wants_to_go", "heard_by": "psychologist-2", "heard_at": "2026-03-02T09:00", "language": "quc",
             "about_person": CHILDS_WORDS},
            {"wish": "wants_to_go", "heard_by": "psychologist-2", "heard_at": "2026-03-02T09:00:00-06:00",
             "language": "quc", "words": CHILDS_WORDS},
        ),
        (
            "verification",
            {"verified": ["home_visit", "birth_certificate"], "verified_at": "2026-03-03T09:00"},
            {"verified": ["home_visit", "birth_certificate"], "verified_at": "2026-03-03T09:00:00-06:00"},
        ),
        ("sign-off", {"reference": "PGN-2026-0142"}, {"reference": "PGN-2026-0142"}),
        ("sign-off-withdrawal", {"withdrawal_reason": "danger"}, {"reason": "danger"}),
        (
            "handover",
            {"handed_over_at": "2026-03-04T09:00", "relative_shown_by": "document_seen", "place": "GT14"},
            {"handed_over_at": "2026-03-04T09:00:00-06:00", "relative_shown_by": "document_seen", "place": "GT14"},
        ),
        ("cancellation", {"cancellation_reason": "danger"}, {"reason": "danger"}),
    ],
    ids=STEPS,
)  # fmt: skip
async def test_a_step_is_sent_with_the_version_that_was_read(world: World, step: str, fields: Any, body: Any):
    browser = authority(world) if step in OF_AUTHORITY else desk(world)
    world.services.tell("registration", f"{API}/{step}", row(version=4), method="POST")
    answer = await browser.post(f"{PAGE}/{step}", **fields, version='"3"', form_key=KEY)
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    (sent,) = world.services.sent("POST", f"{API}/{step}")
    assert (sent.body, sent.headers["if-match"], sent.headers["idempotency-key"]) == (body, '"3"', KEY)


async def test_a_refused_step_says_why_beside_its_own_form(world: World):
    browser = desk(world)
    world.services.tell("registration", API, whole(**signed()))
    world.services.refuse("registration", f"{API}/handover", "child-release-not-ready", missing=["sign-off-too-old"])
    told = {"handed_over_at": "2026-03-04T09:00", "relative_shown_by": "document_seen", "place": "GT14"}
    refused = await browser.post(f"{PAGE}/handover", **told, version='"3"')
    assert refused.status_code == 409
    for words in ("may not be handed over yet", "Missing: the sign-off is too old.", 'value="GT14" selected'):
        assert words in refused.text
    errors = [{"pointer": "/reason", "rule": "missing", "detail": "x"}]
    world.services.refuse("registration", f"{API}/cancellation", "invalid-input", status=422, errors=errors)
    refused = await browser.post(f"{PAGE}/cancellation", cancellation_reason="danger", version='"3"')
    assert 'id="cancellation_reason-fault1"' in refused.text


async def test_the_words_of_a_child_are_on_no_page_after_the_session_has_ended(world: World):
    browser = desk(world)
    fields = {"wish": "wants_to_go", "about_person": CHILDS_WORDS}
    browser.http.cookies.clear()
    ended = await browser.post(f"{PAGE}/child-view", **fields)
    assert ended.status_code == 401
    assert CHILDS_WORDS not in ended.text
    assert "wants_to_go" in ended.text


async def test_nobody_takes_a_step_of_others_and_without_the_right_there_is_no_page(world: World):
    for browser, steps in ((desk(world), OF_AUTHORITY), (authority(world), set(STEPS) - {*OF_AUTHORITY})):
        for step in steps:
            assert (await browser.post(f"{PAGE}/{step}", version='"3"')).status_code == 404, step
    both = world.client(*DESK, *AUTHORITY, staff=True)
    assert (await both.post(f"{PAGE}/sign-off", reference="x", version='"3"')).status_code == 404
    assert (await authority(world).post("/child-releases/new", case_code=CODE)).status_code == 404
    assert (await authority(world).get("/child-releases/new")).status_code == 404
    for other in (world.client("returnees:read", staff=True), world.client(*DESK, reception_places=("GT",))):
        for path in ("/child-releases", "/child-releases/new", PAGE):
            assert (await other.get(path)).status_code == 404, path
        for step in (*STEPS, "everything"):
            assert (await other.post(f"{PAGE}/{step}")).status_code == 404, step
        assert "child-releases" not in (await other.get("/nothing")).text
    assert world.services.asked == []


@pytest.mark.parametrize("table", ENUMS)
def test_every_code_of_a_release_has_words(table: str):
    assert set(LABELS[table]) == set(document_of("registration")["components"]["schemas"][ENUMS[table]]["enum"])


def test_every_relation_has_words():
    schemas = document_of("registration")["components"]["schemas"]
    name = schemas["ReleaseView"]["properties"]["relation"]["$ref"].rpartition("/")[2]
    assert set(LABELS["release_relation"]) == set(schemas[name]["enum"])


def test_what_is_missing_has_words_and_is_what_registration_would_say():
    assert set(LABELS["release_missing"]) == set(Missing)
    now = datetime.now(UTC)
    assert missing_to_sign(row(not_heard_because="infant", **VERIFIED)) == []
    assert missing_to_hand_over(row(**signed()), at=now) == []
    assert missing_to_hand_over(row(**signed(days=-1)), at=now) == ["sign-off-too-old"]
    withdrawn = row(**signed(), sign_off_withdrawn_at="2026-03-03T17:00:00Z")
    assert missing_to_hand_over(withdrawn, at=now) == ["sign-off-withdrawn"]
