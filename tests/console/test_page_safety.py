"""What a page may do in a browser, what its cookies are, and what its scripts may contain."""

from __future__ import annotations

import hashlib
import re

import httpx
import pytest

from services.console import assets
from services.console.errors import IssuerAway
from services.console.issuer import Issuer
from services.console.sessions import Rights, Sessions, Tokens
from tests.console.world import World

OURS = sorted(name for name in assets.assets() if name.endswith(".js") and name != "htmx.min.js")
RISKY = (
    "eval(", "Function(", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "__proto__", "JSON.parse",
    "Object.assign", "localStorage", "sessionStorage", "indexedDB", "postMessage", "document.cookie",
)  # fmt: skip


async def test_what_somebody_has_written_is_shown_as_text(world: World):
    """Seen to fail without the escaping of templates."""
    page = await world.client(name="<script>alert(1)</script>").get("/nothing")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "<script>alert" not in page.text


async def test_a_page_may_use_nothing_from_elsewhere_and_no_inline_code(world: World):
    page = await world.client().get("/nothing")
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert {policy[f"{kind}-src"] for kind in ("script", "style", "img", "connect")} == {"'self'"}
    assert set(policy) >= {"form-action"}
    assert not re.findall(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=", page.text)
    scripts = re.findall(r"<script [^>]*>", page.text)
    assert scripts
    assert all('integrity="sha384-' in one for one in scripts)
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "same-origin"


async def test_over_https_the_session_is_bound_to_the_host_and_pages_ask_for_tls(world: World):
    """Seen to fail with a cookie that is not marked `Secure`."""
    console = world.app.state.console
    secure = console.settings.model_copy(update={"console_url": "https://console.example"})
    object.__setattr__(console, "settings", secure)
    assert console.session_cookie == "__Host-enlace"
    assert console.language_cookie == "__Host-enlace-language"
    assert (await world.anonymous().get("/")).headers["strict-transport-security"].startswith("max-age=31536000;")
    kept = (await world.anonymous().post("/language", data={"language": "en"})).headers["set-cookie"]
    assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= set(kept.split("; "))


async def test_every_page_of_a_person_who_is_signed_in_offers_the_sign_out(world: World):
    for path in ("/nothing", "/no-such-page"):
        assert 'action="/sign-out"' in (await world.client().get(path)).text


async def test_a_sign_out_tells_the_browser_to_delete_what_it_keeps(world: World):
    answer = await world.client().post("/sign-out")
    assert answer.headers["clear-site-data"] == '"cache", "storage"'


async def test_the_process_keeps_no_cookie_that_could_be_used():
    sessions = Sessions(idle_seconds=60, longest_seconds=600)
    tokens = Tokens("access", 0, None, "id")
    made = [sessions.start(subject="ana", name="Ana", rights=Rights(), tokens=tokens) for _ in range(100)]
    assert len({cookie for cookie, _ in made}) == 100
    assert all(len(cookie) >= 43 for cookie, _ in made), "256 bits in base64"
    assert not [cookie for cookie, session in made if cookie in str(session) or cookie in str(sessions._sessions)]


@pytest.mark.parametrize("name", OURS)
def test_our_scripts_keep_nothing_and_run_no_text(name: str):
    source = assets.assets()[name].content.decode()
    assert not [one for one in RISKY if one in source]


def test_what_is_not_ours_has_the_sum_that_is_written_down():
    page = (assets.FOLDER / "SOURCES.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `([^`]+)` .*`([0-9a-f]{64})` \|$", page, re.MULTILINE))
    assert set(told) == {"htmx.min.js"}
    assert {name: hashlib.sha256(assets.assets()[name].content).hexdigest() for name in told} == told


async def test_the_document_of_another_issuer_is_not_used(world: World):
    """Seen to fail without the comparison."""
    other = {"issuer": "http://other.example", "authorization_endpoint": "http://other.example/authorize"}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={**other, "jwks_uri": "x"}))
    async with httpx.AsyncClient(transport=transport) as http:
        with pytest.raises(IssuerAway):
            await Issuer(world.app.state.settings, http).authorize_url(
                state="s", nonce="n", verifier="v", language="en"
            )


async def test_a_token_that_a_service_refuses_ends_the_session(world: World):
    """Seen to fail without the ending: the page would lead to the sign-in and back for ever."""
    world.services.refuse("referral", "/v1/waiting-times", "invalid-token", method="GET", status=401)
    world.services.refuse("registration", "/v1/arrival-batches/progress", "invalid-token", method="GET", status=401)
    browser = world.client("progress:read", staff=True)
    assert (await browser.get("/tonight")).status_code == 303
    assert len(world.app.state.console.sessions) == 0
