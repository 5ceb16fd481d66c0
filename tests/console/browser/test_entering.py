"""Everybody who signs in sees their own views and no others; the pages that everybody sees have no barriers."""

import asyncio
import os
import signal

import pytest

from services.console.menu import VIEWS
from services.console.words import all_words
from tests.console.browser.conftest import OpenWindow
from tests.console.browser.looking import Scheme, axe
from tests.console.browser.system import WholeSystem, eventually

DESK_VIEWS = ["/work", "/cases", "/directory"]
PROVIDER_VIEWS = ["/offers", "/stays", "/places", "/endpoints", "/directory"]
STAFF_VIEWS = ["/tonight", "/work", "/cases", "/directory"]
VIEWS_OF = {
    "reception_clerk": ["/tonight", "/reception", "/directory", "/matches", "/emergencies"],
    "intake_desk": [
        *("/tonight", "/reception", "/reception/doubts", "/directory", "/matches", "/emergencies", "/exports"),
    ],
    "lead_desk": DESK_VIEWS,
    "child_desk": [*DESK_VIEWS, "/matches", "/child-releases"],
    "child_authority": ["/child-releases"],
    "restricted_desk": DESK_VIEWS,
    "steward_desk": DESK_VIEWS,
    "network_steward": STAFF_VIEWS,
    "operator": STAFF_VIEWS,
    "data_protection_officer": ["/directory", "/people-data", "/matches", "/emergencies", "/exports", "/incidents"],
    "screener": ["/directory", "/screening"],
    "provider": PROVIDER_VIEWS,
    "restricted_provider": PROVIDER_VIEWS,
}


def test_every_role_of_the_sample_people_is_looked_at(enlace: WholeSystem) -> None:
    assert {role for person in enlace.people for role in person.roles} == VIEWS_OF.keys()


@pytest.mark.parametrize("role", VIEWS_OF)
async def test_a_person_sees_their_own_views_and_no_others(role: str, as_role: OpenWindow) -> None:
    window = await as_role(role)
    assert await window.menu() == VIEWS_OF[role]
    assert window.path == VIEWS_OF[role][0]
    assert await window.page.locator("h1").count() == 1
    for view in VIEWS:
        if view.path not in VIEWS_OF[role]:
            await window.see(view.path, status=404)
    await window.sign_out()
    assert await window.page.locator('a[href="/sign-in"]').is_visible()
    await window.page.goto(f"{window.console_url}{VIEWS_OF[role][0]}")
    assert await window.page.locator('button[name="subject"]').count() > 0, "the session is still there"


NOT_FOUND = "This page does not exist"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "es"])
async def test_the_pages_that_everybody_sees_have_no_barriers(
    language: str, scheme: Scheme, open_window: OpenWindow
) -> None:
    window = await open_window(language=language, scheme=scheme)
    await window.see("/")
    await axe(window.page)
    await window.see("/no-such-page", status=404)
    heading = await window.page.locator("h1").inner_text()
    assert heading == all_words()[language](NOT_FOUND)
    assert (heading == NOT_FOUND) is (language == "en")
    assert await window.page.locator("html").get_attribute("lang") == language
    await axe(window.page)


FORBIDDEN_SCRIPT = "document.body.append(Object.assign(document.createElement('script'), {text: '1'}))"


async def test_what_goes_wrong_in_a_window_and_what_is_a_barrier_is_noticed(open_window: OpenWindow) -> None:
    """Without this, each of the other tests could pass because nobody looks."""
    window = await open_window()
    await window.see("/")
    window.no_mishaps()
    await window.page.evaluate(FORBIDDEN_SCRIPT)
    await window.page.evaluate("setTimeout(() => { throw new Error('a fault of a script') })")
    await window.page.goto(f"{window.console_url}/no-such-page")
    await eventually(lambda: asyncio.sleep(0, len(window.mishaps) >= 3), within_seconds=60)
    told = "\n".join(window.mishaps)
    assert "Content Security Policy" in told
    assert "a fault of a script" in told
    assert "404" in told
    with pytest.raises(AssertionError, match="a fault of a script"):
        window.no_mishaps()
    window.mishaps.clear()
    await window.page.evaluate("document.querySelector('main').append(document.createElement('input'))")
    with pytest.raises(AssertionError, match="label"):
        await axe(window.page)


async def test_a_console_whose_process_has_ended_is_started_again_and_people_sign_in_again(
    as_role: OpenWindow, enlace: WholeSystem
) -> None:
    window = await as_role("operator", to="/nothing")
    await window.page.wait_for_load_state("networkidle")
    await window.page.goto("about:blank")  # so that nothing is fetched while the process is away
    part = enlace.system.parts["console"]
    before, restarts = part.child.pid, part.restarts
    os.kill(before, signal.SIGKILL)
    await eventually(lambda: asyncio.sleep(0, part.restarts > restarts and part.running_pid not in (None, before)))
    await window.page.goto(f"{window.console_url}/nothing")
    await window.page.locator('button[name="subject"][value="operator-day"]').click()
    await window.page.wait_for_url(f"{window.console_url}/nothing")
    assert await window.page.locator('form[action="/sign-out"]').is_visible()
