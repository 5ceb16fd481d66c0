"""A clerk receives a flight: landed, a person registered by keyboard alone, absent, completed; and the paper."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

from tests.console.browser.conftest import OpenWindow
from tests.console.browser.looking import Window
from tests.console.browser.preparing import a_person, announced, need
from tests.console.browser.system import WholeSystem

MOST_TABS = 80
LANDED = "The landing is recorded."
ABSENT = "The person is marked as absent."


async def tab_to(page: Page, selector: str) -> None:
    """Press the tab key until this element has the focus, as a person without a mouse does."""
    for _ in range(MOST_TABS):
        if await page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"the tab key does not lead to {selector} on {page.url}")


async def enter(window: Window, *, to: str) -> None:
    """Press Enter; the page whose path contains `to` follows."""
    async with window.page.expect_navigation(url=f"**{to}*"):
        await window.page.keyboard.press("Enter")


async def _batch(enlace: WholeSystem, batch_id: str) -> Any:
    return await enlace.callers.of("reception-system").get(
        f"{enlace.url('REGISTRATION')}/v1/arrival-batches/{batch_id}"
    )


async def _returnee(enlace: WholeSystem, id: str) -> Any:
    return await enlace.callers.of("reception-system").get(f"{enlace.url('REGISTRATION')}/v1/returnees/{id}")


async def test_a_clerk_receives_a_flight_with_the_keyboard_alone(enlace: WholeSystem, as_role: OpenWindow) -> None:
    flight, batch_id = await announced(enlace, 3)
    window = await as_role("reception_clerk", to="/reception")
    page, own = window.page, f"/reception/batches/{batch_id}"
    await tab_to(page, f'a[href="{own}"]')
    await enter(window, to=own)

    await tab_to(page, f'form[action="{own}/land"] button')
    await enter(window, to=own)
    assert LANDED in await page.inner_text("main")
    assert (await _batch(enlace, batch_id))["people_count"] == 3

    # A person of the list: the fields are filled, and the focus is on the first question.
    await tab_to(page, 'a[href^="/reception/register?"][href*="entry="]')
    await enter(window, to="/reception/register")
    assert await page.evaluate("document.activeElement.id") == "identity_document"
    await page.keyboard.type("lost")
    await tab_to(page, "main form button.main")
    await enter(window, to="/reception/people/")
    entry = await _returnee(enlace, window.path.rsplit("/", 1)[1])
    assert entry["case_code"] in await page.inner_text("h1")
    assert entry["arrival_batch_id"] == batch_id
    assert entry["identity"]["given_names"] in {told.person.given_names for told in flight.people}

    # The focus is where the clerk goes on: to those who are not met yet. This person is not on the list.
    await enter(window, to=own)
    await tab_to(page, f'a[href="/reception/register?batch={batch_id}"]')
    await enter(window, to="/reception/register")
    await _type_five_fields(page)
    await enter(window, to="/reception/people/")
    walked_in = await _returnee(enlace, window.path.rsplit("/", 1)[1])
    assert walked_in["identity"]["given_names"] == "Petrona Isabel"
    assert walked_in["identity"]["family_names"] == "Xiloj Us"
    assert walked_in["identity"]["birth_date"] == "1990-05-14"
    assert (walked_in["profile"]["sex"], walked_in["profile"]["identity_document"]) == ("female", "never_applied")
    assert walked_in["arrival_batch_id"] == batch_id

    await _complete(window, enlace, batch_id)


async def _type_five_fields(page: Page) -> None:
    assert await page.evaluate("document.activeElement.id") == "given_names"
    await page.keyboard.type("Petrona Isabel")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Xiloj Us")
    await page.keyboard.press("Tab")
    await page.keyboard.type("05141990")
    await tab_to(page, "#sex")
    await page.keyboard.type("woman")
    await tab_to(page, "#identity_document")
    await page.keyboard.type("never")
    await tab_to(page, "main form button.main")


async def _complete(window: Window, enlace: WholeSystem, batch_id: str) -> None:
    """Too early it is refused in words; after everybody is met or absent, the intake is completed."""
    page, own = window.page, f"/reception/batches/{batch_id}"
    await window.see(own)
    window.expect_refusal(f"{own}/complete", 409)
    await tab_to(page, f'form[action="{own}/complete"] button')
    await enter(window, to="/complete")
    assert "Not met yet: 2." in await page.inner_text("[role=alert]")
    await window.see(f"{own}?show=expected")
    for _ in range(2):
        await tab_to(page, 'form[action$="/absent"] button')
        await enter(window, to=own)
        assert ABSENT in await page.inner_text("main")
    if await page.locator(f'form[action="{own}/complete"]').count():
        await tab_to(page, f'form[action="{own}/complete"] button')
        await enter(window, to=own)
    batch = await _batch(enlace, batch_id)
    assert (batch["status"], batch["registered_count"], batch["absent_count"]) == ("intake_completed", 2, 2)
    assert "intake completed" in await page.inner_text("main")


async def test_a_name_that_is_missing_is_said_beside_its_field_and_nothing_typed_is_lost(
    enlace: WholeSystem, as_role: OpenWindow
) -> None:
    window = await as_role("reception_clerk", to="/reception/register")
    page = window.page
    window.expect_refusal("/reception/register", 422)
    await page.fill("#given_names", "Rosa")
    await page.fill("#family_names", "   ")
    await page.select_option("#identity_document", "held")
    await page.click("main form button.main")
    await page.wait_for_selector("[role=alert]")
    assert await page.input_value("#given_names") == "Rosa"
    assert await page.get_attribute("#family_names", "aria-invalid") == "true"
    described = await page.get_attribute("#family_names", "aria-describedby")
    assert await page.locator(f"#{str(described).split()[-1]}").is_visible()


async def test_the_paper_says_the_case_code_and_nothing_of_the_name_or_the_need(
    enlace: WholeSystem, as_role: OpenWindow
) -> None:
    person = await a_person(enlace, need("health", "prosthesis"))
    identity = (await _returnee(enlace, person["id"]))["identity"]
    window = await as_role("reception_clerk", to=f"/reception/people/{person['id']}/slip")
    page = window.page
    await page.emulate_media(media="print")
    for language in await page.locator(".tabs a").evaluate_all("links => links.map(one => one.hreflang)"):
        await window.see(f"/reception/people/{person['id']}/slip?language={language}")
        printed = await page.inner_text("body")
        assert person["case_code"] in printed
        words = {*identity["given_names"].split(), *identity["family_names"].split(), "rosthesis", "rótesis", "rtop"}
        assert not [one for one in words if one in printed]
        assert person["case_code"] in await page.title()
