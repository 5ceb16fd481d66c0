"""Sessions that end in the middle of work, rights that are taken away, and several tabs."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.async_api import Page

from tests.console.browser.conftest import OpenWindow
from tests.console.browser.looking import Window
from tests.console.browser.system import WholeSystem, eventually

CLERK = "clerk-air-base-night"


async def _signed_out_in_another_tab(enlace: WholeSystem, window: Window) -> None:
    other = await window.page.context.new_page()
    await other.goto(f"{window.console_url}/nothing")
    await other.click('form[action="/sign-out"] button')
    await other.wait_for_url(f"{window.console_url}/")
    await other.close()


async def _console_started_again(enlace: WholeSystem, window: Window) -> None:
    part = enlace.system.parts["console"]
    before = part.child.pid
    os.kill(before, signal.SIGKILL)
    await eventually(lambda: asyncio.sleep(0, part.running_pid not in (None, before)))


End = Callable[[WholeSystem, Window], Awaitable[None]]


@pytest.mark.parametrize("end", [_signed_out_in_another_tab, _console_started_again])
async def test_a_session_that_ends_in_the_middle_of_a_form_loses_nothing(
    end: End, enlace: WholeSystem, as_role: OpenWindow
) -> None:
    window = await as_role("", subject=CLERK, to="/reception/register")
    page = window.page
    name = f"Ofelia {end.__name__.replace('_', ' ').title()}"
    await page.fill("#given_names", name)
    await page.fill("#family_names", "Sacul & Hijos <Pop>")
    await page.select_option("#identity_document", "never_applied")
    await page.select_option("#sex", "female")
    await end(enlace, window)

    window.expect_refusal("/reception/register", 401)
    async with page.expect_navigation():
        await page.click("main form button.main")
    assert await page.inner_text("h1") == "Your session has ended"
    async with page.context.expect_page() as opened:
        await page.click('main a[href="/sign-in"]')
    tab = await opened.value
    await tab.click(f'button[name="subject"][value="{CLERK}"]')
    await tab.wait_for_url(f"{window.console_url}/**")

    window.expect_refusal("/reception/register", 409)
    async with page.expect_navigation():
        await page.get_by_role("button", name="Send what I typed").click()
    async with page.expect_navigation():
        await page.get_by_role("button", name="Send it now").click()
    id = window.path.rsplit("/", 1)[1]
    found = await enlace.callers.of("reception-system").get(f"{enlace.url('REGISTRATION')}/v1/returnees/{id}")
    assert found["identity"]["given_names"] == name
    assert found["identity"]["family_names"] == "Sacul & Hijos <Pop>"
    assert (found["profile"]["sex"], found["profile"]["identity_document"]) == ("female", "never_applied")


@contextmanager
def _changed(enlace: WholeSystem, change: Callable[[list[Any]], None]) -> Iterator[None]:
    """The people of the pack are different while the block runs; the issuer reads them at each renewal."""
    path = enlace.system.installation.pack / "people.yaml"
    before = path.read_text(encoding="utf-8")
    book = yaml.safe_load(before)
    change(book["people"])
    try:
        _replace(path, yaml.safe_dump(book, allow_unicode=True))
        yield
    finally:
        _replace(path, before)


def _replace(path: Path, text: str) -> None:
    """The issuer may read at any time. It must not find a file that is half written, with nobody in it."""
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


async def test_the_views_of_a_revoked_role_are_gone_at_the_next_renewal(
    enlace: WholeSystem, as_role: OpenWindow
) -> None:
    window = await as_role("", subject="operator-night", to="/tonight")
    assert "/tonight" in await window.menu()

    def change(people: list[Any]) -> None:
        next(one for one in people if one["subject"] == "operator-night")["roles"] = ["steward_desk"]

    async def is_gone() -> bool:
        answer = await window.ask("/tonight")
        return answer.status == 404

    with _changed(enlace, change):
        await eventually(is_gone, within_seconds=90)
        await window.page.goto("about:blank")
        await window.see("/work")
        assert "/tonight" not in await window.menu()
    window.mishaps.clear()  # Tonight renewed itself until the page was left


async def test_a_person_who_is_removed_is_signed_out_at_the_next_renewal(
    enlace: WholeSystem, as_role: OpenWindow
) -> None:
    window = await as_role("", subject="restricted-desk-night", to="/work")

    def change(people: list[Any]) -> None:
        people[:] = [one for one in people if one["subject"] != "restricted-desk-night"]

    async def is_out() -> bool:
        answer = await window.ask("/work")
        return answer.status == 303

    with _changed(enlace, change):
        await eventually(is_out, within_seconds=90)
        await window.page.goto(f"{window.console_url}/work")
        names = await window.page.locator('button[name="subject"]').evaluate_all("all => all.map(one => one.value)")
    assert names
    assert "restricted-desk-night" not in names


async def test_a_sign_out_in_one_tab_ends_the_other_one_by_itself(as_role: OpenWindow, enlace: WholeSystem) -> None:
    window = await as_role("operator", to="/tonight")
    await _signed_out_in_another_tab(enlace, window)
    await _is_asked_to_sign_in(window.page)
    await window.page.click('button[name="subject"][value="operator-day"]')
    await window.page.wait_for_url(f"{window.console_url}/tonight")


async def _is_asked_to_sign_in(page: Page) -> None:
    """Tonight renews itself, which leads to the page of the issuer."""
    await page.wait_for_selector('button[name="subject"]', timeout=60_000)
