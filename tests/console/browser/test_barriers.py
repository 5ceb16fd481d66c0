"""No page has a barrier: in both languages and colour schemes, at 320 pixels and at 200 % zoom, and without scripts."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from tests.console.browser.conftest import OpenWindow
from tests.console.browser.looking import DESK, axe
from tests.console.browser.pages import Known, pages_of

NARROW, ZOOMED = 320, DESK["width"] // 2
SUBJECTS = list(pages_of.__annotations__) and [
    "clerk-air-base", "intake-desk", "provider-renap", "provider-casa-del-migrante", "restricted-desk",
    "shelter-desk", "network-steward", "data-protection-officer",
]  # fmt: skip


async def does_not_scroll_sideways(page: Page) -> None:
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
    window = await as_role("", subject=subject, language=language)
    faults = []
    for path in pages_of(known)[subject]:
        await window.see(path)
        try:
            await axe(window.page)
            await does_not_scroll_sideways(window.page)
        except AssertionError as fault:
            faults.append(str(fault))
    assert not faults, "\n\n".join(faults)
