"""No page has a barrier: in both languages and colour schemes, at 320 pixels and at 200 % zoom."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from tests.console.browser.conftest import OpenWindow
from tests.console.browser.looking import DESK, Window, axe
from tests.console.browser.pages import Known, pages_of

NARROW, ZOOMED = 320, DESK["width"] // 2
"""At 200 % zoom, a window shows half as many CSS pixels."""
SUBJECTS = (
    "clerk-air-base", "intake-desk", "provider-renap", "provider-casa-del-migrante", "restricted-desk", "shelter-desk",
    "network-steward", "data-protection-officer", "screener", "child-desk",
)  # fmt: skip


async def has_no_barrier(page: Page, *, language: str) -> None:
    """Everything in the light scheme; in the dark one, what differs there: the contrast. The contrast is the same in
    each language, so it is looked at in English only."""
    if language == "en":
        await axe(page)
        await page.emulate_media(color_scheme="dark")
        await axe(page, only="color-contrast")
        await page.emulate_media(color_scheme="light")
    else:
        await axe(page, but="color-contrast")
    for width in (NARROW, ZOOMED):
        await page.set_viewport_size({"width": width, "height": 800})
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{page.url} is {wide} pixels wide in a window of {width}: {await _too_wide(page)}"
    await page.set_viewport_size(DESK)


async def _too_wide(page: Page) -> str:
    told = await page.evaluate(
        """() => [...document.querySelectorAll('body *')]
            .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
            .slice(-3).map(one => one.outerHTML.slice(0, 200))"""
    )
    return "\n".join(told)


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("subject", SUBJECTS)
async def test_no_page_of_the_views_has_a_barrier(
    subject: str, language: str, as_role: OpenWindow, known: Known
) -> None:
    window = await as_role("", subject=subject, language=language, to="/nothing")
    faults = []
    for path in pages_of(known)[subject]:
        await window.see(path)
        try:
            await has_no_barrier(window.page, language=language)
        except AssertionError as fault:
            faults.append(str(fault))
    assert not faults, "\n\n".join(faults)


async def _sent(window: Window, form: str, *, status: int = 200) -> None:
    """Send a form; its answer is a page of its own, which no address shows."""
    async with window.page.expect_navigation() as navigation:
        await window.page.click(f"{form} button")
    answer = await navigation.value
    assert answer is not None
    assert answer.status == status


@pytest.mark.parametrize("language", ["en", "es"])
async def test_no_answer_to_a_search_or_to_a_refused_form_has_a_barrier(
    language: str, as_role: OpenWindow, known: Known
) -> None:
    clerk = await as_role("reception_clerk", language=language, to="/reception/search")
    await clerk.page.fill("#case_code", known.waiting["case_code"])
    await _sent(clerk, "main form.card")
    assert await clerk.page.locator("table").count() == 1
    await has_no_barrier(clerk.page, language=language)
    await clerk.see("/reception/register")
    clerk.expect_refusal("/reception/register", 422)
    await clerk.page.fill("#given_names", "Rosa")
    await clerk.page.fill("#family_names", "  ")
    await clerk.page.select_option("#identity_document", "held")
    await _sent(clerk, "main form.card", status=422)
    await has_no_barrier(clerk.page, language=language)

    desk = await as_role("lead_desk", language=language, to="/directory")
    await _sent(desk, "main form.card")
    assert await desk.page.locator("main article, main .card, main table").count() > 2
    await has_no_barrier(desk.page, language=language)
    await desk.see(f"/work/needs/{known.serving_need_id}")
    await desk.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    await has_no_barrier(desk.page, language=language)
