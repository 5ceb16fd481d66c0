"""A person names somebody who must be kept away: the two are not put into one household, and it can end."""

from __future__ import annotations

from tests.console.browser.conftest import OpenWindow
from tests.console.browser.looking import axe
from tests.console.browser.preparing import a_person, need
from tests.console.browser.system import WholeSystem


async def test_who_is_kept_away_is_told_and_is_in_no_household_with_the_person(
    enlace: WholeSystem, as_role: OpenWindow
) -> None:
    person, other = await a_person(enlace, need("food")), await a_person(enlace, need("food"))
    clerk = await as_role("", subject="clerk-air-base", to=f"/reception/people/{person['id']}")
    page, own = clerk.page, f"/reception/people/{person['id']}/excluded"
    await page.locator(f'a[href="{own}"]').click()
    await page.fill("#case_code", other["case_code"])
    await page.select_option("#relation", "former_partner")
    await page.select_option("#reason", "fear_of_harm")
    await page.locator(f'form[action="{own}"] button').click()
    assert "The two are kept apart from now on." in await page.inner_text("[role=status]")
    assert "former partner" in await page.inner_text("main")
    await axe(page)

    clerk.expected.add((f"/reception/people/{person['id']}/household", 409))
    await clerk.see(f"/reception/people/{person['id']}/household")
    await page.fill("#case_code", other["case_code"])
    await page.press("#case_code", "Enter")
    await page.wait_for_selector(f'input[name="member"][value="{other["id"]}"]')
    await page.locator("form.card button.main").click()
    assert "They must be kept apart." in await page.inner_text("[role=alert]")

    await clerk.see(own)
    await page.locator("details summary").first.click()
    await page.locator(f'form[action^="{own}/"] button').click()
    assert "This person keeps nobody away." in await page.inner_text("main")
    clerk.no_mishaps()
