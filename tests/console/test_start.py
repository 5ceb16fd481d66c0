"""The frame of every page: start, sign-in, errors, headers."""

import re

import pytest

from tests.console.world import World


async def test_the_start_page_offers_the_sign_in_and_loads_nothing_from_elsewhere(world: World):
    page = await world.anonymous().get("/")
    assert page.status_code == 200
    assert 'href="/sign-in"' in page.text
    assert not re.findall(r'(?:src|href)="(?![/#])[^"]*"', page.text)
    assert "unsafe" not in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/tonight", "/work", "/offers", "/reception", "/no-such-page"])
async def test_a_page_that_a_person_has_no_right_to_does_not_exist(world: World, path: str):
    page = await world.client("restricted:read").get(path)
    assert page.status_code == 404


async def test_a_page_asks_for_the_sign_in_and_comes_back(world: World):
    page = await world.anonymous().get("/nothing")
    assert page.status_code == 303
    assert page.headers["location"] == "/sign-in?to=%2Fnothing"


async def test_a_form_that_is_sent_after_the_session_has_ended_keeps_what_was_typed(world: World):
    browser = world.client()
    browser.http.cookies.clear()
    page = await browser.post("/sign-out", note="what I typed")
    assert page.status_code == 401
    assert 'name="note" value="what I typed"' in page.text
    assert browser.csrf not in page.text


async def test_a_form_of_an_earlier_session_is_shown_again_before_it_is_sent(world: World):
    before, now = world.client(), world.client(name="Somebody Else")
    now.csrf = before.csrf
    page = await now.post("/sign-out", note="what I typed")
    assert page.status_code == 409
    assert "Somebody Else" in page.text
    assert 'name="note" value="what I typed"' in page.text


async def test_a_form_from_another_site_is_refused(world: World):
    browser = world.client()
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = await browser.http.post("/sign-out", data={"csrf": browser.csrf}, headers=headers)
        assert answer.status_code == 403


async def test_the_language_is_chosen_and_kept(world: World):
    browser = world.client()
    answer = await browser.post("/language", language="en", to="//evil.example")
    assert answer.headers["location"] == "/"
    assert "enlace-language=en" in answer.headers["set-cookie"]
