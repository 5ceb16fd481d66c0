"""What belongs to other roles does not exist: pages typed by hand, and everything about restricted needs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute

from services.console.app import ROUTERS
from services.console.pack import Pack
from services.console.work.rules import LISTS
from tests.console.browser.conftest import OpenWindow
from tests.console.browser.looking import Window
from tests.console.browser.pages import RESTRICTED_DESK, Known, pages_of
from tests.console.browser.preparing import a_person, need, only_need
from tests.console.browser.system import WholeSystem

OPEN = {"/", "/nothing", "/sign-in", "/sign-in/callback", "/sign-out", "/language", "/assets/{hash_of_it}/{name}"}
SHARED = {
    "/directory": {"network-steward"},
    "/cases": {"restricted-desk", "shelter-desk", "child-desk", "network-steward"},
    "/work": {"restricted-desk", "shelter-desk", "child-desk", "network-steward"},
    "/tonight": {"clerk-air-base", "intake-desk", "network-steward"},
    "/reception": {"clerk-air-base", "intake-desk"},
    "/matches": {"clerk-air-base", "intake-desk", "data-protection-officer", "child-desk"},
    "/child-releases": {"child-desk"},
    "/emergencies": {"clerk-air-base", "intake-desk", "data-protection-officer"},
    "/exports": {"intake-desk", "data-protection-officer"},
    "/incidents": {"data-protection-officer"},
    "/stays": {"provider-renap", "provider-casa-del-migrante"},
    "/endpoints": {"provider-renap", "provider-casa-del-migrante"},
    "/places": {"provider-renap", "provider-casa-del-migrante"},
    "/offers": {"provider-renap", "provider-casa-del-migrante"},
}
"""Views that several of the people have: by the beginning of the path, whose they are."""
DESKS = {"restricted-desk", "shelter-desk", "child-desk"}
"""They also report for a provider who cannot, with `referrals:write`."""
STAFF = {*DESKS, "network-steward"}
"""They read each offer and stay of the network."""
CORRECTING = {"data-protection-officer"}
"""Corrects what is recorded of a person, with `returnees:write`."""
READING = {"child-desk", "screener"}
"""They read people, the child desk only those who may be children, as the person of these pages may be."""
READ = ("", "/slip", "/needs", "/consents")
SUBJECTS = (
    "clerk-air-base", "intake-desk", "provider-renap", "provider-casa-del-migrante", "restricted-desk", "shelter-desk",
    "network-steward", "data-protection-officer", "child-desk", "screener",
)  # fmt: skip
READ_BY_ALL = ("/directory", "/directory/organizations", "/directory/services", "/directory/locations")


def _owners(path: str, known: Known) -> set[str]:
    """Who may open a page: whoever opens it in the tests of barriers, and those who share its view."""
    owners = {subject for subject, pages in pages_of(known).items() if path in pages}
    owners |= next((people for view, people in SHARED.items() if _is_below(path, view)), set())
    waiting, serving = f"/offers/{known.waiting['id']}", f"/offers/{known.serving['id']}"
    if path in (waiting, serving, f"/stays/{known.serving['referral_id']}"):
        owners |= STAFF
    if path in (f"{serving}/complete", f"{serving}/not-delivered"):
        owners |= DESKS
    if path.startswith(("/reception/people/", "/reception/search")):
        owners |= CORRECTING
    if path in ("/reception/search", *(f"/reception/people/{known.returnee_id}{part}" for part in READ)):
        owners |= READING
    return owners


def _is_below(path: str, view: str) -> bool:
    return path.split("?")[0] == view or path.startswith((f"{view}/", f"{view}?"))


def _foreign(subject: str, known: Known) -> Iterator[str]:
    for pages in pages_of(known).values():
        for path in pages:
            if subject not in _owners(path, known) and not path.startswith(READ_BY_ALL):
                yield path


@pytest.mark.parametrize("subject", SUBJECTS)
async def test_pages_of_other_roles_do_not_exist(subject: str, as_role: OpenWindow, known: Known) -> None:
    window = await as_role("", subject=subject, to="/")
    foreign = list(_foreign(subject, known))
    assert len(foreign) >= 20
    there = []
    for path in foreign:
        answer = await window.ask(path)
        if answer.status != 404:
            there.append((path, answer.status))
    assert not there


async def test_pages_that_change_the_directory_do_not_exist_for_those_who_only_read_it(
    as_role: OpenWindow, known: Known
) -> None:
    window = await as_role("lead_desk")
    service = f"/directory/services/{known.serving['provider_service_id']}"
    organization = f"/directory/organizations/{known.serving['organization_id']}"
    await window.see(service)
    for path in (f"{service}/edit", f"{service}/suspend", f"{organization}/edit", f"{organization}/suspend"):
        await window.see(path, status=404)
    await window.see(f"/directory/places/{known.serving['provider_service_id']}", status=404)


async def test_another_provider_has_neither_the_offer_nor_its_packet(as_role: OpenWindow, known: Known) -> None:
    window = await as_role("provider", subject="provider-intecap")
    own = f"/offers/{known.serving['id']}"
    for path in (own, f"{own}/packet", f"{own}/decline", f"{own}/complete", f"{own}/not-delivered"):
        await window.see(path, status=404)
    await window.see(f"/stays/{known.serving['referral_id']}", status=404)
    await window.see(f"/endpoints/{known.endpoint_id}", status=404)
    await window.see(f"/endpoints/deliveries/{known.delivery_id}", status=404)
    await window.see(f"/places/{known.serving['provider_service_id']}", status=404)


async def test_nobody_who_is_not_signed_in_sees_any_page(open_window: OpenWindow, known: Known) -> None:
    window = await open_window()
    for pages in pages_of(known).values():
        for path in pages:
            answer = await window.ask(path)
            assert answer.status == 303, path
            assert answer.headers["location"].startswith("/sign-in?to=")


def test_every_page_of_the_console_is_among_the_pages_that_the_tests_open(known: Known) -> None:
    opened = {path.split("?")[0] for pages in pages_of(known).values() for path in pages}
    missing = []
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            is_page = "GET" in (route.methods or ()) and route.path not in OPEN
            if is_page and not any(route.path_regex.fullmatch(path) for path in opened):
                missing.append(route.path)
    assert sorted(missing) == sorted(ELSEWHERE)


ELSEWHERE = {
    "/tonight/now": "a part of /tonight",
    "/emergencies/{emergency_id}/person": "test_emergencies; it needs an approval",
    "/work/hand-overs/{hand_over_id}": "test_deciding",
    "/reception/doubts/{part_id}": "needs a doubtful part of a reception system; tests/console/test_doubts.py",
}
"""Pages that other tests open, and where."""


async def test_restricted_needs_exist_for_the_desk_of_restricted_needs_alone(
    enlace: WholeSystem, as_role: OpenWindow
) -> None:
    person = await a_person(enlace, need("gbv", "survivor_care"))
    found = await only_need(enlace, person, of=RESTRICTED_DESK)
    own = await as_role("restricted_desk", to="/work/reviews")
    assert person["case_code"] in await own.page.inner_text("main")
    names = await _restricted_names(own, enlace)
    await own.see(f"/work/needs/{found['id']}")
    await own.see(f"/cases/{person['id']}")
    shown = await own.page.inner_text("main")
    assert any(name in shown for name in names)
    for role in ("steward_desk", "lead_desk", "operator"):
        window = await as_role(role)
        # The whole text of each answer is searched: rows, counts, filters, attributes.
        for path in (*LISTED, *(["/tonight"] if role == "operator" else [])):
            shown = await _text(window, path)
            assert not [name for name in (*names, "survivors", person["case_code"]) if name in shown], path
        assert (await window.ask(f"/work/needs/{found['id']}")).status == 404
        # The person exists for them; what is restricted about the person does not.
        shown = await _text(window, f"/cases/{person['id']}")
        assert person["case_code"] in shown
        assert not [name for name in (*names, "survivors", "Responsible", "decision") if name in shown]


async def _text(window: Window, path: str) -> str:
    answer = await window.ask(path)
    assert answer.status == 200, path
    return await answer.text()


LISTED = (
    *("/work", *(f"/work/{one}" for one in LISTS)),
    *("/directory", "/directory/services", "/directory/organizations"),
)


async def _restricted_names(window: Window, enlace: WholeSystem) -> list[str]:
    """The names of the restricted categories, as the restricted desk's filter has them."""
    restricted = Pack(enlace.system.installation.pack).restricted
    options = await window.page.locator("#filter-category option").evaluate_all(
        "options => options.map(one => [one.value, one.textContent])"
    )
    names = [name for code, name in options if code in restricted]
    assert len(names) == len(restricted) > 0
    return names


async def test_restricted_reviews_are_not_counted_for_others(enlace: WholeSystem, as_role: OpenWindow) -> None:
    window = await as_role("steward_desk", to="/work")
    before = await window.page.locator('a[href="/work/reviews"]').first.inner_text()
    person = await a_person(enlace, need("gbv", "survivor_care"))
    await only_need(enlace, person, of=RESTRICTED_DESK)
    await window.see("/work")
    assert await window.page.locator('a[href="/work/reviews"]').first.inner_text() == before
