"""Somebody asks for a file with names, another person approves it, and who asked downloads it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from tests.console.browser.conftest import OpenWindow
from tests.console.browser.looking import axe
from tests.console.browser.system import WholeSystem

REASON = "Visits after the return (sample)"


async def test_a_file_with_names_is_asked_for_approved_by_another_person_and_downloaded(
    enlace: WholeSystem, as_role: OpenWindow
) -> None:
    desk = await as_role("intake_desk", to="/exports")
    page = desk.page
    await page.locator('a[href="/exports/new"]').click()
    await page.locator('a[href="/exports/new?kind=identified"]').click()
    today = enlace.world.now().date()
    await page.select_option("#purpose", "follow_up")
    await page.select_option("#organization_id", index=1)
    await page.select_option("#recipient_class", "providers")
    await page.fill("#reason", REASON)
    await page.check('input[name="fields"][value="case_code"]')
    await page.fill("#arrived_from", (today - timedelta(days=5)).isoformat())
    await page.fill("#arrived_until", (today - timedelta(days=1)).isoformat())
    await page.locator('input[name="places"]').first.check()
    await page.locator('form[action="/exports/new"] button').click()
    await page.wait_for_url("**/exports/*-*")
    assert "It cannot be you." in await page.inner_text("main")
    own = desk.path

    officer = await as_role("data_protection_officer", to="/exports?waiting=true")
    await officer.page.locator(f'a[href="{own}"]').click()
    assert REASON in await officer.page.inner_text("main")
    await axe(officer.page)
    await officer.page.locator(f'form[action="{own}/decision"] button.main').click()
    assert "The export is approved." in await officer.page.inner_text("[role=status]")
    assert await officer.page.locator(f'form[action="{own}/file"]').count() == 0

    await desk.see(own)
    await axe(page)
    async with page.expect_download() as waiting:
        await page.locator(f'form[action="{own}/file"] button').click()
    file = await waiting.value
    assert file.suggested_filename.startswith("enlace-identified-")
    content = await asyncio.to_thread(Path(await file.path()).read_text, encoding="utf-8-sig")
    assert content.startswith("export,for,purpose,delete_by,case_code")
    await desk.see(own)
    assert "Downloads" in await page.inner_text("main")
    desk.no_mishaps()
