"""A trained member of staff screens somebody against the real registration, stops, and leaves nothing behind."""

from __future__ import annotations

from datetime import timedelta

from deploy.demo.screened import KIND, SCREENER
from tests.console.browser.conftest import OpenWindow
from tests.console.browser.preparing import a_person, need
from tests.console.browser.system import WholeSystem


async def _certify(enlace: WholeSystem) -> None:
    """The steward of the directory records that the screener has been trained."""
    today = enlace.world.now().date()
    body = {
        "kind": KIND,
        "holder": SCREENER,
        "issuing_body": "Sample school",
        "valid_from": (today - timedelta(days=30)).isoformat(),
        "valid_until": (today + timedelta(days=30)).isoformat(),
    }
    await enlace.callers.of("network-steward").post(f"{enlace.url('DIRECTORY')}/v1/certificates", body)


async def test_a_screening_is_begun_answered_and_stopped(enlace: WholeSystem, as_role: OpenWindow) -> None:
    person = await a_person(enlace, need("food"))
    window = await as_role("screener", to="/screening")
    page, own = window.page, f"/reception/people/{person['id']}"
    await page.fill("#case_code", person["case_code"])
    await page.locator('form[action="/reception/search"] button').click()
    await page.locator(f'a[href="{own}"]').first.click()
    await page.locator(f'a[href="{own}/screening"]').click()
    assert "You hold no certificate" in await page.inner_text("main")
    await _certify(enlace)
    while "Talk with the person alone" not in await page.inner_text("main"):
        await page.reload()
    assert "Screening" not in await page.title()
    await page.locator(f'form[action="{own}/screening/open"] button').click()

    answering = f'form[action="{own}/screening/answer"]'
    question = await page.inner_text(f"{answering} legend")
    await page.locator(f'{answering} input[name="answer"]').first.check()
    await page.locator(f"{answering} button.main").click()
    await page.wait_for_url("**/screening?language=*")
    assert await page.inner_text(f"{answering} legend") != question
    assert question in (await page.locator("main details").text_content() or "")

    await page.locator(f'form[action="{own}/screening/end"] button.danger').click()
    await page.wait_for_url(f"**{own}")
    assert "The conversation has ended." in await page.inner_text("[role=status]")
    await window.see(f"{own}/screening")
    assert "Do not propose it again" in await page.inner_text("main")
    assert question not in await page.inner_text("main")
    window.no_mishaps()
