"""A provider answers offers on a phone: accepting, the packet, the service, declining, many at once, and twice."""

from __future__ import annotations

import asyncio
from typing import Any

from playwright.async_api import Page

from tests.console.browser.conftest import OpenWindow
from tests.console.browser.pages import DOCUMENTS
from tests.console.browser.preparing import Json, a_person, an_offer, need, offer_now
from tests.console.browser.system import WholeSystem, eventually

WHO = "provider-renap"


async def _offer(enlace: WholeSystem) -> Json:
    return await an_offer(enlace, await a_person(enlace, need("documents", "identity_document")), DOCUMENTS)


async def _offers(enlace: WholeSystem, count: int) -> list[Json]:
    return list(await asyncio.gather(*(_offer(enlace) for _ in range(count))))


async def _status(enlace: WholeSystem, offer: Json) -> str:
    return str((await offer_now(enlace, offer, DOCUMENTS))["status"])


async def _answers(enlace: WholeSystem, offer: Json, step: str) -> list[Json]:
    """The entries of the offer's timeline with this step."""
    url = f"{enlace.url('REFERRAL')}/v1/offers/{offer['id']}/timeline"
    told = await enlace.callers.of(DOCUMENTS).get(url)
    return [one for one in told["items"] if one["step"] == step and one["offer_id"] == offer["id"]]


async def _tap(page: Page, selector: str) -> None:
    """Tap a button or link whose page follows."""
    async with page.expect_navigation():
        await page.tap(selector)


async def test_an_offer_is_accepted_on_a_phone_and_the_service_is_given(
    enlace: WholeSystem, as_role: OpenWindow
) -> None:
    offer = await _offer(enlace)
    window = await as_role("provider", subject=WHO, phone=True)
    page, own = window.page, f"/offers/{offer['id']}"
    assert window.path == "/offers"
    assert offer["case_code"] in await page.inner_text("#waiting")
    await _tap(page, f'form[action="{own}/accept"] button')
    assert await _status(enlace, offer) == "accepted"

    await window.see(own)
    assert "Each look at these data is recorded" in await page.inner_text("#person ~ p")
    before = await _looks(enlace, offer)
    await _tap(page, f'a[href="{own}/packet"]')
    await page.wait_for_selector("h2:has-text('Case')")
    assert "Each look at these data is recorded" in await page.inner_text("main")
    assert offer["case_code"] in await page.inner_text("#packet")
    after = await _looks(enlace, offer)
    assert len(after) > len(before)

    await window.see(own)
    await _tap(page, f'form[action="{own}/start"] button')
    await _tap(page, f'a[href="{own}/complete"]')
    for group in await page.locator("main form.card fieldset").all():
        await group.locator("input[type=radio]").first.check()
    for number in await page.locator("main form.card input[type=number]").all():
        await number.fill("1")
    await _tap(page, "main form.card button.main")
    assert (await offer_now(enlace, offer, DOCUMENTS))["referral_status"] == "completed"


async def _looks(enlace: WholeSystem, offer: Json) -> list[Any]:
    """Who has opened the packet, as the data protection officer reads it."""
    officer, url = enlace.callers.of("data-protection-officer"), enlace.url("REGISTRATION")
    found = await officer.call("POST", f"{url}/v1/returnees/search", body={"case_code": offer["case_code"]})
    id = found.json()["items"][0]["id"]
    log = await officer.get(f"{url}/v1/returnees/{id}/access-log", limit=200)
    return [one for one in log["items"] if one["organization_id"] == offer["organization_id"]]


async def test_an_offer_is_declined_with_two_taps_and_a_reason(enlace: WholeSystem, as_role: OpenWindow) -> None:
    offer = await _offer(enlace)
    window = await as_role("provider", subject=WHO, phone=True)
    await _tap(window.page, f"#decline-{offer['id']}")
    await _tap(window.page, 'button[name="reason"][value="not_our_area"]')
    now = await offer_now(enlace, offer, DOCUMENTS)
    assert (now["status"], now["reason"]) == ("declined", "not_our_area")
    assert window.path == "/offers"
    assert offer["case_code"] not in await window.page.inner_text("#waiting")


async def test_many_offers_are_answered_at_once(enlace: WholeSystem, as_role: OpenWindow) -> None:
    chosen = await _offers(enlace, 3)
    other = await _offer(enlace)
    window = await as_role("provider", subject=WHO, phone=True)
    for offer in chosen:
        await window.page.check(f"#tick-{offer['id']}")
    await _tap(window.page, 'button[name="answer"][value="accept"]')
    assert [await _status(enlace, one) for one in chosen] == ["accepted"] * 3
    assert await _status(enlace, other) == "pending"


async def test_a_double_click_on_accept_sends_one_answer(enlace: WholeSystem, as_role: OpenWindow) -> None:
    offer = await _offer(enlace)
    window = await as_role("provider", subject=WHO)
    sent = []
    window.page.on("request", lambda one: sent.append(one.url) if one.method == "POST" else None)
    async with window.page.expect_navigation():
        await window.page.dblclick(f'form[action="/offers/{offer["id"]}/accept"] button')
    await window.page.wait_for_load_state("networkidle")
    assert len([one for one in sent if one.endswith("/accept")]) == 1
    assert await _status(enlace, offer) == "accepted"
    assert await window.page.locator("[role=alert]").count() == 0


async def test_two_equal_forms_without_scripts_are_one_answer(enlace: WholeSystem, as_role: OpenWindow) -> None:
    """What the script prevents is harmless without it too: both have the same key."""
    offer = await _offer(enlace)
    window = await as_role("provider", subject=WHO, scripts=False)
    form = window.page.locator(f'form[action="/offers/{offer["id"]}/accept"]')
    fields: dict[str, str | float | bool] = {
        str(await one.get_attribute("name")): str(await one.get_attribute("value"))
        for one in await form.locator("input").all()
    }
    url = f"{window.console_url}/offers/{offer['id']}/accept"
    answers = await asyncio.gather(*(window.page.context.request.post(url, form=fields) for _ in range(3)))
    assert [one.status for one in answers] == [200] * 3
    assert await _status(enlace, offer) == "accepted"
    assert len(await _answers(enlace, offer, "offer.accept")) == 1


async def test_going_back_after_an_answer_and_sending_it_again_repeats_nothing(
    enlace: WholeSystem, as_role: OpenWindow
) -> None:
    offer = await _offer(enlace)
    window = await as_role("provider", subject=WHO, phone=True, to=f"/offers/{offer['id']}")
    page, accept = window.page, f'form[action="/offers/{offer["id"]}/accept"] button'
    await _tap(page, accept)
    await page.go_back()
    window.expect_refusal(f"/offers/{offer['id']}/accept", 409)
    if await page.locator(accept).count():  # the browser shows the page as it was
        await _tap(page, accept)
    assert await _status(enlace, offer) == "accepted"
    assert len(await _answers(enlace, offer, "offer.accept")) == 1
    await page.reload()
    assert await page.locator(accept).count() == 0


async def test_the_second_of_two_tabs_gets_the_refusal_in_words(enlace: WholeSystem, as_role: OpenWindow) -> None:
    offer = await _offer(enlace)
    window = await as_role("provider", subject=WHO)
    own = f"/offers/{offer['id']}"
    await window.see(own)
    other = await window.page.context.new_page()
    await other.goto(f"{window.console_url}{own}/decline")
    async with other.expect_navigation():
        await other.click('button[name="reason"][value="not_our_area"]')
    window.expect_refusal(f"{own}/accept", 409)
    async with window.page.expect_navigation():
        await window.page.click(f'form[action="{own}/accept"] button')
    said = await window.page.inner_text("[role=alert]")
    assert said.startswith("This is not possible any more, because the state has changed.")
    assert "declined" in await window.page.inner_text("main")
    assert await _status(enlace, offer) == "declined"


async def test_an_offer_is_answered_without_scripts(enlace: WholeSystem, as_role: OpenWindow) -> None:
    offer = await _offer(enlace)
    window = await as_role("provider", subject=WHO, scripts=False, phone=True)
    await _tap(window.page, f'form[action="/offers/{offer["id"]}/accept"] button')
    assert await _status(enlace, offer) == "accepted"
    assert await window.page.locator("[role=status]").count() >= 1


async def test_a_new_offer_appears_by_itself_and_a_ticked_box_stays_ticked(
    enlace: WholeSystem, as_role: OpenWindow
) -> None:
    first = await _offer(enlace)
    window = await as_role("provider", subject=WHO)
    tick = f"#tick-{first['id']}"
    await window.page.check(tick)
    await window.page.focus(tick)
    second = await _offer(enlace)
    await window.page.wait_for_selector(f"#tick-{second['id']}")
    assert await window.page.is_checked(tick)
    assert await eventually(lambda: window.page.evaluate("id => '#' + document.activeElement.id === id", tick))
