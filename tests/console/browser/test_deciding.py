"""What desks do: reviews, owners, hand-overs, a chosen service, looking for a person, the end of a stay."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

from tests.console.browser.conftest import OpenWindow
from tests.console.browser.looking import Window
from tests.console.browser.pages import DOCUMENTS, RESTRICTED_DESK, Known, a_stay
from tests.console.browser.preparing import Json, a_person, an_offer, an_offer_of_anyone, need, only_need, service_id
from tests.console.browser.system import WholeSystem, eventually


async def _need_now(enlace: WholeSystem, need_id: str, *, of: str = "network-steward-desk") -> Any:
    return await enlace.callers.of(of).get(f"{enlace.url('REFERRAL')}/v1/needs/{need_id}")


async def _send(page: Page, details: str, *, button: str = "button") -> None:
    """Send the form in an opened block of actions; its page follows."""
    async with page.expect_navigation():
        await page.click(f"{details} form[method=post]:last-of-type {button}")


async def _opened(page: Page, act: str) -> str:
    """Open the block of an action; its selector."""
    block = f'details.act[id^="{act}-"]'
    if await page.get_attribute(block, "open") is None:
        await page.click(f"{block} > summary")
    return block


async def _owned_need(enlace: WholeSystem, window: Window, desk: str) -> Json:
    """A need for which this desk is responsible, because it was assigned to it; its page is open."""
    person = await a_person(enlace, need("documents", "identity_document"))
    found = await only_need(enlace, person)
    url = f"{enlace.url('REFERRAL')}/v1/needs/{found['id']}/assign"
    await enlace.callers.of("network-steward-desk").post(url, {"owner": desk})
    await window.see(f"/work/needs/{found['id']}")
    return found


async def test_a_desk_approves_a_review_and_the_provider_is_asked(enlace: WholeSystem, as_role: OpenWindow) -> None:
    person = await a_person(enlace, need("gbv", "survivor_care"))
    found = await only_need(enlace, person, of=RESTRICTED_DESK)
    window = await as_role("restricted_desk", to="/work/reviews")
    page = window.page
    review = page.locator("article", has_text=person["case_code"])
    await review.locator('summary:text-is("Approve")').click()
    async with page.expect_navigation():
        await review.get_by_role("button", name="Approve").click()
    assert await page.locator("article", has_text=person["case_code"]).count() == 0
    assert await page.inner_text("[role=status]")

    async def offered() -> bool:
        url = f"{enlace.url('REFERRAL')}/v1/returnees/{person['id']}/journey"
        journey = await enlace.callers.of(RESTRICTED_DESK).get(url)
        return any(one["need_id"] == found["id"] and one["status"] != "awaiting_review" for one in journey["referrals"])

    await eventually(offered)


async def test_a_desk_acknowledges_assigns_and_hands_over(enlace: WholeSystem, as_role: OpenWindow) -> None:
    window = await as_role("lead_desk", subject="documents-desk")
    page = window.page
    found = await _owned_need(enlace, window, "renap-documents-desk")
    async with page.expect_navigation():
        await page.click(f'form[action="/work/needs/{found["id"]}/acknowledge"] button')
    assert (await _need_now(enlace, found["id"]))["owner_seen_at"] is not None

    await window.see(f"/work/needs/{found['id']}")
    block = await _opened(page, "assign")
    await page.select_option(f'{block} select[name="owner"]', "igm-shelter-desk")
    await _send(page, block)
    assert (await _need_now(enlace, found["id"]))["owner"] == "igm-shelter-desk"

    shelter = await as_role("lead_desk", subject="shelter-desk", to="/work/mine")
    page = shelter.page
    await page.check(f'input[name="need"][value="igm-shelter-desk:{found["id"]}"]')
    async with page.expect_navigation():
        await page.click('button[form="chosen"]')
    await page.select_option("#to", "renap-documents-desk")
    await page.fill("#reason", "The documents desk knows this office.")
    async with page.expect_navigation():
        await page.click('form[action="/work/hand-over"] button')
    await page.wait_for_selector("#progress:has-text('It is finished.')")
    assert (await _need_now(enlace, found["id"]))["owner"] == "renap-documents-desk"


async def test_a_desk_chooses_the_service_itself(enlace: WholeSystem, as_role: OpenWindow) -> None:
    person = await a_person(enlace, need("shelter", "temporary_shelter"))
    await an_offer_of_anyone(enlace, person)
    found = await only_need(enlace, person)
    window = await as_role("lead_desk", subject="shelter-desk", to=f"/work/needs/{found['id']}")
    page = window.page
    block = await _opened(page, "override")
    await page.fill(f'{block} input[name="text"]', "San Marcos, adult")
    async with page.expect_navigation():
        await page.click(f"{block} form.filters button")
    wanted = service_id(enlace, "casa-del-migrante-san-marcos-shelter")
    await page.check(f'{block} input[value="{wanted}"]')
    await page.fill(f'{block} textarea[name="reason"]', "The person has family in San Marcos.")
    async with page.expect_navigation():
        await page.click(f'{block} form[action$="/override"] button')
    if await page.locator("[role=alert]").count():
        # A service that does not fit is refused beside the action, in words, and what was typed is still there.
        assert "_" not in await page.inner_text(block)
        assert await page.input_value(f'{block} textarea[name="reason"]') == "The person has family in San Marcos."
        assert await page.is_checked(f'{block} input[value="{wanted}"]')
    else:
        offer = await an_offer(enlace, person, "casa-del-migrante")
        assert offer["provider_service_id"] == wanted


async def test_a_desk_records_that_it_looked_for_a_person(enlace: WholeSystem, as_role: OpenWindow) -> None:
    person = await a_person(enlace, need("documents", "identity_document"))
    offer = await an_offer(enlace, person, DOCUMENTS)
    provider, url = enlace.callers.of(DOCUMENTS), enlace.url("REFERRAL")
    await provider.post(f"{url}/v1/offers/{offer['id']}/accept")
    await provider.post(f"{url}/v1/referrals/{offer['referral_id']}/not-delivered", {"reason": "person_not_found"})
    found = await only_need(enlace, person)

    async def searched() -> Any:
        rows = await enlace.callers.of("network-steward-desk").get(f"{url}/v1/work-lists/follow-up", limit=100)
        return next((one for one in rows["items"] if one["need_id"] == found["id"]), None)

    row = await eventually(searched)
    window = await as_role("lead_desk", subject="documents-desk", to=f"/work/needs/{found['id']}")
    block = await _opened(window.page, "search-attempt")
    await window.page.select_option(f'{block} select[name="channel"]', index=1)
    await window.page.select_option(f'{block} select[name="result"]', index=1)
    await _send(window.page, block)
    attempts = await enlace.callers.of("network-steward-desk").get(
        f"{url}/v1/referrals/{row['referral_id']}/search-attempts"
    )
    assert len(attempts["items"]) == row["attempt_count"] + 1


async def test_the_plan_for_the_end_of_a_stay_is_made_by_the_provider_and_changed_by_the_desk(
    enlace: WholeSystem, as_role: OpenWindow
) -> None:
    offer = await a_stay(enlace)
    url = f"{enlace.url('REFERRAL')}/v1/referrals/{offer['referral_id']}/stay"
    window = await as_role("provider", phone=True, to="/stays")
    page = window.page
    async with page.expect_navigation():
        await page.click(f'a[href="/stays/{offer["referral_id"]}"]')
    await page.select_option("#next_step", index=1)
    async with page.expect_navigation():
        await page.click("section[aria-labelledby=plan] button.main")
    planned = await enlace.callers.of("casa-del-migrante").get(url)
    assert planned["next_step"] != "unknown"

    person = await a_person_of(enlace, offer)
    desk = await as_role("lead_desk", subject="shelter-desk", to=f"/work/needs/{person}")
    block = await _opened(desk.page, "extend")
    await desk.page.fill(f'{block} input[name="hours"]', "24")
    await desk.page.fill(f'{block} textarea[name="reason"]', "The bus goes tomorrow.")
    await _send(desk.page, block)
    assert (await enlace.callers.of("casa-del-migrante").get(url))["extended_hours"] == 24


async def a_person_of(enlace: WholeSystem, offer: Json) -> str:
    """The id of the need of an offer."""
    found = await enlace.callers.of("network-steward-desk").get(
        f"{enlace.url('REFERRAL')}/v1/referrals/{offer['referral_id']}"
    )
    return str(found["need_id"])


async def test_a_case_is_reached_from_the_work_list_and_by_its_code(enlace: WholeSystem, as_role: OpenWindow) -> None:
    window = await as_role("lead_desk", subject="documents-desk")
    page = window.page
    found = await _owned_need(enlace, window, "renap-documents-desk")
    await window.see("/work/mine")
    async with page.expect_navigation():
        await page.click(f'a.code:text-is("{found["case_code"]}")')
    assert window.path == f"/cases/{found['returnee_id']}"
    assert found["case_code"] in await page.inner_text("h1")
    await window.see("/cases")
    await page.fill("#case_code", found["case_code"])
    async with page.expect_navigation():
        await page.click("main form button")
    assert window.path == f"/cases/{found['returnee_id']}"


async def test_the_reasons_for_an_offer_are_read_when_they_are_opened(
    enlace: WholeSystem, as_role: OpenWindow, known: Known
) -> None:
    """The link inside is for a browser without scripts."""
    case = f"/cases/{(await _need_now(enlace, known.serving_need_id))['returnee_id']}"
    window = await as_role("lead_desk", to=case)
    page = window.page
    block = page.locator(f'details[hx-get="/cases/offers/{known.serving["id"]}"]')
    assert await block.locator("a").count() == 1
    await block.locator("summary").click()
    await block.locator("#why ol li").first.wait_for()
    assert await block.locator("a").count() == 0
    assert window.path == case
