"""An incident is recorded, those concerned are found, what was done is recorded, and the incident is closed."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from tests.console.browser.conftest import OpenWindow
from tests.console.browser.looking import axe
from tests.console.browser.preparing import a_person, need
from tests.console.browser.system import WholeSystem

TYPED = "%Y-%m-%dT%H:%M"
ZONE = ZoneInfo("America/Guatemala")


async def test_an_incident_is_recorded_and_closed_after_everybody_was_told(
    enlace: WholeSystem, as_role: OpenWindow
) -> None:
    person = await a_person(enlace, need("food"))
    officer = await as_role("data_protection_officer", to="/incidents")
    page = officer.page
    await page.locator('a[href="/incidents/new"]').click()
    await page.select_option("#kind", "stolen_access")
    await page.fill("#client_id", "reception-system")
    began = (enlace.world.now() - timedelta(minutes=1)).astimezone(ZONE)
    await page.fill("#began_at", began.strftime(TYPED))
    await page.check('input[name="measures"][value="access_revoked"]')
    await page.locator('form[action="/incidents/new"] button').click()
    await page.wait_for_url("**/incidents/*-*")
    own = officer.path
    assert "The incident is recorded." in await page.inner_text("[role=status]")
    await axe(page)

    await page.locator(f'form[action="{own}/affected"] button').click()
    assert person["case_code"] in await page.inner_text("main")
    assert person["case_code"] not in page.url
    await axe(page)

    await officer.see(own)
    officer.expected.add((f"{own}/measures", 422))
    await page.locator('button[name="closes"]').click()
    assert "say why it is not required" in await page.inner_text("[role=alert]")
    await page.check('input[name="measures"][value="people_told"]')
    await page.select_option("#not_required_authority_told", "law_does_not_require")
    await page.locator('button[name="closes"]').click()
    assert "The incident is closed." in await page.inner_text("[role=status]")
    assert await page.locator(f'form[action="{own}/measures"]').count() == 0
    await officer.see("/incidents?list=closed")
    assert await page.locator(f'a[href="{own}"]').count() == 1
    officer.no_mishaps()
