"""A child who is alone is released in steps of several people: two of the child desk, and the authority."""

from __future__ import annotations

from typing import Any

from tests.console.browser.conftest import OpenWindow
from tests.console.browser.looking import axe
from tests.console.browser.system import WholeSystem

CHILDS_WORDS = "Wants to live with the grandmother (sample)"


async def _a_child(enlace: WholeSystem) -> Any:
    """A child without an adult, whom the reception registers."""
    body = {
        "sender_reference": "browser-tests/child-alone",
        "arrived_at": enlace.world.now().isoformat(),
        "reception_place": "GT01",
        "identity": {"given_names": "Muestra", "family_names": "Ejemplo Menor", "birth_date": "2015-05-17"},
        "profile": {"nationality": "GT", "identity_document": "lost_on_route"},
    }
    url = f"{enlace.url('REGISTRATION')}/v1/returnees"
    return await enlace.callers.of("reception-intake-desk").post(url, body)


async def _sign_off(enlace: WholeSystem, path: str) -> None:
    """The authority signs off with its own program."""
    authority, url = enlace.callers.of("pgn-child-authority"), f"{enlace.url('REGISTRATION')}/v1{path}"
    version = (await authority.get(url))["version"]
    signed = {"reference": "PGN-2026-0142 (sample)"}
    await authority.call("POST", f"{url}/sign-off", body=signed, headers={"If-Match": f'"{version}"'})


async def test_a_child_is_heard_the_relative_verified_by_another_person_signed_off_and_handed_over(
    enlace: WholeSystem, as_role: OpenWindow
) -> None:
    child = await _a_child(enlace)
    desk = await as_role("child_desk", to="/child-releases/new")
    page = desk.page
    await page.fill("#case_code", child["case_code"])
    await page.select_option("#relation", "grandparent")
    await page.fill("#given_names", "Muestra Abuela")
    await page.fill("#family_names", "Ejemplo Mayor")
    await page.locator('form[action="/child-releases/new"] button').click()
    await page.wait_for_url("**/child-releases/*-*")
    own = desk.path
    assert "You named the relative" in await page.inner_text("main")
    await page.select_option("#wish", "wants_to_go")
    await page.fill("#heard_by", "psychologist-2")
    await page.select_option("#language", "spa")
    await page.fill("#about_person", CHILDS_WORDS)
    await page.locator(f'form[action="{own}/child-view"] button').click()
    assert "What the child says is recorded." in await page.inner_text("[role=status]")

    night = await as_role("child_desk", subject="child-desk-night", to=own)
    assert CHILDS_WORDS in await night.page.inner_text("main")
    await axe(night.page)
    await night.page.check('input[name="verified"][value="home_visit"]')
    await night.page.locator(f'form[action="{own}/verification"] button').click()
    assert "the authority has not signed off" in await night.page.inner_text("main")

    await _sign_off(enlace, own)
    await night.see(own)
    assert "You verified the relative" in await night.page.inner_text("main")
    await desk.see(own)
    await axe(page)
    await page.select_option("#relative_shown_by", "document_seen")
    await page.select_option("#place", "GT14")
    await page.locator(f'form[action="{own}/handover"] button').click()
    assert "It is recorded that the child was handed over." in await page.inner_text("[role=status]")
    assert await page.locator(f'form[action^="{own}/"]').count() == 0
    desk.no_mishaps()
