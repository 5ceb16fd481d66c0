"""A service that is away costs its own part of a page only; a form that was sent meanwhile is sent again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.console.labels import LABELS
from tests.console.browser.conftest import OpenWindow
from tests.console.browser.looking import Window
from tests.console.browser.pages import DOCUMENTS, SHELTER, Known, pages_of
from tests.console.browser.preparing import a_person, an_offer, away, need, offer_now, service_id
from tests.console.browser.system import WholeSystem, eventually

Holds = Callable[[], Awaitable[Any]]
"""Whether the form has had its effect, asked at the service."""


async def _a_registration(enlace: WholeSystem, window: Window, known: Known) -> Holds:
    await window.see("/reception/register")
    await window.page.fill("#given_names", "Tomasa Eulalia")
    await window.page.fill("#family_names", "Ajanel Quib")
    await window.page.select_option("#identity_document", "held")

    async def holds() -> bool:
        body = {"names": "Tomasa Eulalia Ajanel Quib"}
        reception, url = enlace.callers.of("reception-system"), enlace.url("REGISTRATION")
        found = (await reception.call("POST", f"{url}/v1/returnees/search", body=body)).json()
        return len(found["items"]) == 1

    return holds


async def _an_answer(enlace: WholeSystem, window: Window, known: Known) -> Holds:
    person = await a_person(enlace, need("documents", "identity_document"))
    offer = await an_offer(enlace, person, DOCUMENTS)
    await window.see(f"/offers/{offer['id']}/decline")
    await window.page.fill("#note", "We have no paper today.")

    async def holds() -> bool:
        return bool((await offer_now(enlace, offer, DOCUMENTS))["reason"] == "other")

    return holds


async def _a_declaration(enlace: WholeSystem, window: Window, known: Known) -> Holds:
    id = service_id(enlace, "casa-del-migrante-guatemala-calls")
    await window.see(f"/places/{id}")
    await window.page.locator('input[name^="available-"]').first.fill("17")

    async def holds() -> bool:
        url = f"{enlace.url('DIRECTORY')}/v1/services/{id}/capacity"
        return bool((await enlace.callers.of(SHELTER).get(url))["pools"][0]["available"] == 17)

    return holds


async def _a_connection(enlace: WholeSystem, window: Window, known: Known) -> Holds:
    await window.see("/endpoints")
    await window.page.fill("#url", "http://127.0.0.1:9/lost-and-found")

    async def holds() -> bool:
        found = await enlace.callers.of(SHELTER).get(f"{enlace.url('NOTIFICATIONS')}/v1/endpoints", limit=100)
        return [one["url"] for one in found["items"]].count("http://127.0.0.1:9/lost-and-found") == 1

    return holds


CASES = {
    "registration": ("clerk-air-base", _a_registration, "main form button.main", ["clerk-air-base"]),
    "referral": ("provider-renap", _an_answer, 'button[value="other"]', ["restricted-desk", "provider-renap"]),
    "provider_directory": (
        "provider-casa-del-migrante", _a_declaration, "main form button.main",
        ["network-steward", "provider-casa-del-migrante"],
    ),
    "notifications": (
        "provider-casa-del-migrante", _a_connection, 'form[action="/endpoints"] button',
        ["provider-casa-del-migrante"],
    ),
}  # fmt: skip
"""By the service that is away: who sends which form with which button, and whose pages are opened meanwhile."""


@pytest.mark.parametrize("service", CASES)
async def test_without_a_service_pages_say_what_is_missing_and_forms_are_sent_later(
    service: str, enlace: WholeSystem, as_role: OpenWindow, known: Known
) -> None:
    sender, fill, button, readers = CASES[service]
    window = await as_role("", subject=sender)
    others = {subject: await as_role("", subject=subject) for subject in readers}
    holds = await fill(enlace, window, known)
    async with away(enlace, service):
        async with _refused(window):
            await window.page.click(button)
        assert _missing(service) in await window.page.inner_text("h1")
        for subject, other in others.items():
            await _every_page_answers(other, pages_of(known)[subject], service)
    async with window.page.expect_navigation():
        await window.page.get_by_role("button", name="Send it again").click()
    assert await holds()
    for subject, other in others.items():
        for path in pages_of(known)[subject]:
            await eventually(lambda: _is_whole(other, path, service))  # noqa: B023 (awaited at once)


@asynccontextmanager
async def _refused(window: Window) -> AsyncIterator[None]:
    """The page that follows says that the service does not answer."""
    async with window.page.expect_navigation() as navigation:
        yield
    answer = await navigation.value
    assert answer is not None
    assert answer.status == 503
    window.mishaps[:] = [one for one in window.mishaps if "503" not in one]


async def _every_page_answers(window: Window, paths: Any, service: str) -> None:
    named = 0
    menu = set(await window.menu())
    for path in paths:
        answer = await window.ask(path)
        text = await answer.text()
        assert answer.status in ((200,) if path in menu else (200, 503)), f"{path} answered {answer.status}"
        assert "<h1" in text
        named += _missing(service) in text
        if answer.status == 503:
            assert _missing(service) in text, path
    assert named, "no page says that the service is away"


async def _is_whole(window: Window, path: str, service: str) -> bool:
    answer = await window.ask(path)
    return answer.status == 200 and _missing(service) not in await answer.text()


def _missing(service: str) -> str:
    return f"“{LABELS['service'][service]}” does not answer"


async def test_without_the_issuer_people_work_on_and_nobody_new_signs_in(
    enlace: WholeSystem, as_role: OpenWindow, open_window: OpenWindow
) -> None:
    window = await as_role("operator", to="/tonight")
    leaving, other = await as_role("operator", to="/nothing"), await open_window()
    async with away(enlace, "issuer"):
        await window.see("/cases")
        await other.see("/sign-in", status=503)
        assert await other.page.inner_text("h1") == "Signing in is not possible now"
        assert await other.page.locator('a[href="/sign-in"]').is_visible()
        await leaving.sign_out()
        assert leaving.path == "/"
    await other.sign_in("operator-day")
    assert other.path == "/tonight"
