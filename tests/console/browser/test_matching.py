"""A clerk is told that a person may be registered already, compares, merges, and undoes the merge."""

from __future__ import annotations

from typing import Any

from tests.console.browser.conftest import OpenWindow
from tests.console.browser.preparing import a_person, need
from tests.console.browser.system import WholeSystem
from tests.console.browser.test_registering import enter, tab_to


async def _match(enlace: WholeSystem, returnee_id: str, match_id: str) -> Any:
    url = f"{enlace.url('REGISTRATION')}/v1/returnees/{returnee_id}/matches"
    found = await enlace.callers.of("reception-system").get(url)
    return next(one for one in found["items"] if one["id"] == match_id)


async def test_a_clerk_compares_merges_and_undoes_the_merge_with_the_keyboard_alone(
    enlace: WholeSystem, as_role: OpenWindow
) -> None:
    """`a_person` invents the same man each time, so the second one may be the first."""
    await a_person(enlace, need("food"))
    person = await a_person(enlace, need("food"))
    window = await as_role("reception_clerk", to=f"/reception/people/{person['id']}?new=yes")
    page = window.page
    assert "This may be somebody who was registered on" in await page.inner_text("main")
    await tab_to(page, 'a[href^="/matches/"]')
    await enter(window, to="/matches/")
    path = window.path
    match_id = path.removeprefix("/matches/")

    await tab_to(page, f'form[action="{path}/merge"] input[name="into"]')
    await page.keyboard.press("Space")
    await tab_to(page, f'form[action="{path}/merge"] select')
    await page.keyboard.type("a document")
    await tab_to(page, f'form[action="{path}/merge"] button')
    await enter(window, to=path)
    assert "one person now" in await page.inner_text("[role=status]")
    assert (await _match(enlace, person["id"], match_id))["status"] == "merged"

    await tab_to(page, f'form[action^="{path}/unmerge/"] select')
    await page.keyboard.type("it was a mistake")
    await tab_to(page, f'form[action^="{path}/unmerge/"] button')
    await enter(window, to=path)
    assert "The merge is undone." in await page.inner_text("[role=status]")
    await window.see("/matches?status=unmerged")
    assert await page.locator(f'a[href="{path}"]').count() == 1
