"""A clerk asks for access to save a life, a second person approves it, and the clerk sees who the person is."""

from __future__ import annotations

from tests.console.browser.conftest import OpenWindow
from tests.console.browser.looking import axe
from tests.console.browser.preparing import a_person, need
from tests.console.browser.system import WholeSystem

WORDS = "Unconscious at the bus terminal (sample)"


async def test_access_to_save_a_life_is_asked_for_approved_by_another_person_and_used(
    enlace: WholeSystem, as_role: OpenWindow
) -> None:
    person = await a_person(enlace, need("food"))
    clerk = await as_role("", subject="clerk-tecun-uman", to="/emergencies")
    page = clerk.page
    await page.locator('a[href="/emergencies/new"]').click()
    await page.fill("#case_code", person["case_code"].replace("-", " ").lower())
    await page.select_option("#reason", "medical_emergency")
    await page.fill("#about_person", WORDS)
    await page.locator('form[action="/emergencies/new"] button').click()
    await page.wait_for_url("**/emergencies")
    assert "a second person decides" in await page.inner_text("#content")

    desk = await as_role("intake_desk", to="/emergencies")
    await desk.page.locator('section[aria-labelledby="all"] tbody a').first.click()
    assert WORDS in await desk.page.inner_text("main")
    await axe(desk.page)
    own = desk.path
    await desk.page.locator(f'form[action="{own}/decision"] button.main').click()
    assert "Your decision is recorded." in await desk.page.inner_text("[role=status]")
    await desk.see(f"{own}/person", status=404)

    await clerk.see("/emergencies")
    await page.locator(f'a[href="{own}/person"]').click()
    assert person["case_code"] in await page.inner_text("main")
    assert person["case_code"] not in await page.title()
    await axe(page)
    await clerk.see(f"/reception/people/{person['id']}", status=404)
    clerk.no_mishaps()
