"""Places declared on a phone, and Tonight, which shows them: it renews itself and disturbs nobody."""

from __future__ import annotations

from tests.console.browser.conftest import OpenWindow
from tests.console.browser.pages import SHELTER, Known
from tests.console.browser.preparing import service_id
from tests.console.browser.system import WholeSystem, eventually

FREE = 1
"""So few that the service is among the fullest, which Tonight shows first."""
SERVICE = "casa-del-migrante-san-marcos-meals"


async def test_places_are_declared_on_a_phone_and_seen_in_tonight_with_their_age(
    enlace: WholeSystem, as_role: OpenWindow
) -> None:
    id = service_id(enlace, SERVICE)
    operator = await as_role("operator", to="/tonight")
    window = await as_role("provider", phone=True, to="/places")
    page = window.page
    async with page.expect_navigation():
        await page.tap(f'a[href="/places/{id}"]')
    free = page.locator('input[name^="available-"]').first
    assert int(await free.input_value()) > FREE
    await free.fill(str(FREE))
    async with page.expect_navigation():
        await page.tap("main form button.main")
    url = f"{enlace.url('DIRECTORY')}/v1/services/{id}/capacity"
    declared = await enlace.callers.of(SHELTER).get(url)
    assert declared["pools"][0]["available"] == FREE

    row = operator.page.locator("tr", has_text="San Marcos, meals")

    async def is_shown() -> bool:
        return await row.locator('td[data-label="free"]').inner_text() == str(FREE)

    # The page renews itself; nobody reloads it.
    await eventually(is_shown, within_seconds=120)
    assert "second" in await row.locator('td[data-label="Age of the figure"]').inner_text()


async def test_nothing_is_free_takes_one_tap(enlace: WholeSystem, as_role: OpenWindow) -> None:
    id = service_id(enlace, "casa-del-migrante-guatemala-remittances")
    window = await as_role("provider", phone=True, to=f"/places/{id}")
    async with window.page.expect_navigation():
        await window.page.tap('button[name="full"]')
    declared = await enlace.callers.of(SHELTER).get(f"{enlace.url('DIRECTORY')}/v1/services/{id}/capacity")
    assert [pool["available"] for pool in declared["pools"]] == [0] * len(declared["pools"])


async def test_tonight_renews_itself_and_keeps_the_scroll_position_and_the_focus(as_role: OpenWindow) -> None:
    window = await as_role("operator", to="/tonight")
    page = window.page
    await page.set_viewport_size({"width": 1280, "height": 400})
    link = '#now a[href="/work/unmet"]'
    await page.focus(link)
    await page.evaluate("window.scrollTo(0, 300)")
    before = await page.evaluate("scrollY")
    assert before > 0
    first = await page.inner_text("#now > p")
    await page.evaluate("document.getElementById('now').dataset.old = 'yes'")
    await page.wait_for_selector("#now:not([data-old])", timeout=60_000)
    assert await page.evaluate("scrollY") == before
    assert await page.evaluate("wanted => document.activeElement.matches(wanted)", link)
    assert first


async def test_clocks_run_down_without_a_reload(known: Known, as_role: OpenWindow) -> None:
    window = await as_role("provider", subject="provider-renap")
    page = window.page
    await page.clock.install()
    await window.see(f"/offers/{known.waiting['id']}")
    clock = page.locator("[data-clock]").first
    seconds = float(await clock.get_attribute("data-clock") or 0)
    await page.clock.fast_forward(2_000)
    text = await clock.inner_text()
    assert "left" in text
    await page.clock.fast_forward(int(seconds * 900))
    assert await clock.inner_text() != text
    await page.clock.fast_forward(int(seconds * 200))
    assert "late" in await clock.inner_text()
    assert await clock.get_attribute("data-state") == "over"
