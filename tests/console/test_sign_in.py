"""Signing in and out against the real local issuer, over real HTTP."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.console.sign_in_place import Place, browser_at, sign_in, sign_in_place, to_the_callback
from tests.console.world import PACK


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    pack = Path(shutil.copytree(PACK, tmp_path / "pack"))
    async with sign_in_place(pack, tmp_path) as found:
        yield found


async def test_a_person_signs_in_and_comes_to_the_page_that_was_asked_for(place: Place):
    async with browser_at(place) as browser:
        back = await sign_in(place, browser, "operator-day", to="/tonight")
        assert (back.status_code, back.headers["location"]) == (303, "/tonight")
        cookie = back.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        page = await browser.get("/tonight")
        assert page.status_code == 200
        (session,) = place.sessions
        assert session.rights.may("operations:read")
        assert session.name in page.text
        for secret in (session.tokens.access, session.tokens.refresh, session.tokens.id_token):
            assert secret not in page.text + str(page.headers)


async def test_a_way_back_works_once_and_only_in_the_browser_that_began(place: Place):
    """Seen to fail without the check of the browser, and with a state that is not removed."""
    async with browser_at(place) as browser, browser_at(place) as other:
        back = await to_the_callback(place, browser, "shelter-desk")
        await other.get("/sign-in")
        assert (await other.get(back)).status_code == 403
        back = await to_the_callback(place, browser, "shelter-desk")
        assert (await browser.get(back)).status_code == 303
        assert httpx.URL(back).params["state"] not in place.app.state.sign_ins._begun
        assert (await browser.get(back)).status_code == 403
        assert (await browser.get("/sign-in/callback?state=unknown&code=x")).status_code == 403


async def test_two_tabs_may_begin_at_the_same_time(place: Place):
    async with browser_at(place) as browser:
        first = await to_the_callback(place, browser, "shelter-desk")
        second = await to_the_callback(place, browser, "shelter-desk")
        assert (await browser.get(first)).status_code == 303
        assert (await browser.get(second)).status_code == 303
        assert len(place.sessions) == 1


async def test_the_way_back_leads_to_the_console_only(place: Place):
    async with browser_at(place) as browser:
        for to in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
            assert (await sign_in(place, browser, "shelter-desk", to=to)).headers["location"] == "/"


async def test_sign_out_ends_the_session_everywhere_and_at_the_issuer(place: Place):
    """Seen to fail with a session that is only removed from the browser."""
    async with browser_at(place) as browser:
        await sign_in(place, browser, "shelter-desk")
        cookies = dict(browser.cookies)
        (session,) = place.sessions
        out = await browser.post("/sign-out", data={"csrf": session.csrf})
        assert out.headers["location"].startswith(f"{place.issuer}/end-session?")
        assert (await browser.get(out.headers["location"])).headers["location"] == f"{place.console}/"
        assert place.sessions == []
        async with browser_at(place) as thief:
            thief.cookies.update(cookies)
            assert (await thief.get("/nothing")).headers["location"].startswith("/sign-in")


async def test_a_token_that_ends_is_renewed_once_for_all_requests_of_the_session(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """The issuer ends a sign-in whose old refresh token is used again. Seen to fail without the lock."""
    async with browser_at(place) as browser:
        await sign_in(place, browser, "operator-day")
        (session,) = place.sessions
        before = session.tokens
        session.tokens.expires_at = time.time() + 5
        issuer = place.app.state.console.issuer
        renew = issuer.renew

        async def slowly(*told: Any, **named: Any) -> Any:
            await asyncio.sleep(0.3)  # all requests arrive meanwhile
            return await renew(*told, **named)

        monkeypatch.setattr(issuer, "renew", slowly)
        pages = await asyncio.gather(*(browser.get("/nothing") for _ in range(20)))
        assert {page.status_code for page in pages} == {200}
        assert session.tokens is not before
        assert session.tokens.access != before.access


async def test_a_role_that_is_taken_away_takes_its_views_away(place: Place):
    async with browser_at(place) as browser:
        await sign_in(place, browser, "operator-day")
        (session,) = place.sessions
        assert (await browser.get("/tonight")).status_code == 200

        def take(people: list[dict[str, Any]]) -> None:
            next(one for one in people if one["subject"] == "operator-day")["roles"] = ["lead_desk"]

        place.change(take)
        session.tokens.expires_at = time.time() + 5
        assert (await browser.get("/tonight")).status_code == 404

        def remove(people: list[dict[str, Any]]) -> None:
            people.remove(next(one for one in people if one["subject"] == "operator-day"))

        place.change(remove)
        session.tokens.expires_at = time.time() + 5
        assert (await browser.get("/nothing")).headers["location"].startswith("/sign-in")
        assert place.sessions == []


async def test_a_session_ends_when_it_is_not_used_and_after_its_longest_time(place: Place):
    async with browser_at(place) as browser:
        for name, seconds in (("seen_at", 3_601), ("started_at", 12 * 3_600 + 1)):
            await sign_in(place, browser, "shelter-desk")
            (session,) = place.sessions
            setattr(session, name, getattr(session, name) - seconds)
            assert (await browser.get("/nothing")).headers["location"].startswith("/sign-in")


async def test_without_the_issuer_nobody_signs_in_and_who_is_in_stays_in(place: Place):
    async with browser_at(place) as browser:
        await sign_in(place, browser, "shelter-desk")
        (session,) = place.sessions
        issuer = place.app.state.console.issuer
        issuer._read_at, issuer._document = float("-inf"), {}
        object.__setattr__(
            issuer._settings, "__dict__", issuer._settings.__dict__ | {"openid_url": "http://127.0.0.1:1"}
        )
        session.tokens.expires_at = time.time() + 5
        assert (await browser.get("/nothing")).status_code == 200
        away = await browser.get("/sign-in")
        assert away.status_code == 503
        assert "Signing in is not possible now" in away.text


async def test_no_browser_is_sent_to_an_issuer_that_does_not_answer(place: Place):
    """The console knows the issuer's addresses from before; a browser would only say that it cannot connect."""
    async with browser_at(place) as browser:
        await sign_in(place, browser, "shelter-desk")
        (session,) = place.sessions
        issuer = place.app.state.console.issuer
        assert issuer.known_origin
        object.__setattr__(
            issuer._settings, "__dict__", issuer._settings.__dict__ | {"openid_url": "http://127.0.0.1:1"}
        )
        assert (await browser.get("/sign-in")).status_code == 503
        out = await browser.post("/sign-out", data={"csrf": session.csrf})
        assert out.headers["location"] == "/"
        assert place.sessions == []
