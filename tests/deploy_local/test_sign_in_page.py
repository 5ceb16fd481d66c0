"""The page of the local issuer that lists sample people: for one's own machine only, and safe from other sites."""

from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.console_client import ConsoleClient, ConsoleUrlError
from deploy.local.issuer import create_issuer, serve
from deploy.local.loopback import NotLoopbackError, require_loopback
from deploy.local.people import PeopleBook
from deploy.local.sign_in_pages import ROLES, TEXTS
from deploy.local.tokens import AccessTokens, new_key
from tests.deploy_local.sign_in_steps import CONSOLE, REQUEST, World, choose, form_of, sent_back, world_in

PACKS = Path(__file__).resolve().parents[2] / "deploy" / "packs"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return world_in(tmp_path)


@pytest.fixture
async def browser(world: World, running: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with running(world.app) as client:
        yield client


async def test_the_page_lists_every_person_under_their_role_and_says_for_whom_it_is(world, browser):
    page = await browser.get("/authorize", params=REQUEST, headers={"Accept-Language": "en"})
    shown = unescape(page.text)
    for person in PeopleBook(world.pack).everybody():
        assert f'value="{person.subject}"' in shown
        assert person.name in shown
        assert ROLES["en"][person.roles[0]] in shown
    assert TEXTS["en"]["only_here"] in page.text
    assert "Migration institute, shelter" in page.text
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page.text


@pytest.mark.parametrize(
    ("accepted", "changes", "language"),
    [
        ("es-GT,es;q=0.9,en;q=0.8", {}, "es"),
        ("fr;q=0.9, en-GB;q=0.8, es;q=0.3", {}, "en"),
        ("am", {}, "es"),
        ("", {}, "es"),
        (";q=x,,", {}, "es"),
        ("es", {"ui_locales": "en"}, "en"),
    ],
)
async def test_the_page_is_in_the_language_that_the_browser_or_the_console_asks_for(
    browser, accepted, changes, language
):
    page = await browser.get("/authorize", params=REQUEST | changes, headers={"Accept-Language": accepted})
    assert f'<html lang="{language}">' in page.text
    assert TEXTS[language]["heading"] in page.text


def test_both_languages_have_the_same_texts():
    assert TEXTS["es"].keys() == TEXTS["en"].keys()
    assert ROLES["es"].keys() == ROLES["en"].keys()


@pytest.mark.parametrize("pack", ["ethiopia", "guatemala", "honduras"])
def test_the_first_role_of_every_sample_person_has_a_name(pack):
    assert {person.roles[0] for person in PeopleBook(PACKS / pack).everybody()} <= ROLES["en"].keys()


async def test_the_page_loads_nothing_from_elsewhere_and_runs_no_script(browser):
    page = await browser.get("/authorize", params=REQUEST)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert f"form-action 'self' {CONSOLE.url}" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"
    for inline in ("<script", "<style", "style=", "http://", "https://", " on"):
        assert inline not in page.text.split("</head>")[0], inline
    assert (await browser.get("/sign-in.css")).headers["content-type"].startswith("text/css")


async def test_what_the_request_contains_is_escaped_in_the_page(browser):
    page = await browser.get("/authorize", params=REQUEST | {"state": '"><script>alert(1)</script>'})
    assert "<script" not in page.text
    assert form_of(page)["state"] == '"><script>alert(1)</script>'


async def test_a_hint_puts_the_focus_on_a_person(browser):
    page = await browser.get("/authorize", params=REQUEST | {"login_hint": "provider-renap"})
    assert 'value="provider-renap" autofocus' in page.text
    assert page.text.count("autofocus") == 1


async def test_cancelling_tells_the_console(browser):
    page = await browser.get("/authorize", params=REQUEST)
    back = sent_back(await browser.post("/authorize", data=form_of(page) | {"cancel": "yes"}))
    assert (back["error"], back["state"]) == ("access_denied", "the-state")


async def test_a_form_of_another_site_signs_nobody_in(world, browser):
    page = await browser.get("/authorize", params=REQUEST)
    right = form_of(page) | {"subject": "shelter-desk"}
    for wrong in (
        REQUEST | {"subject": "shelter-desk"},
        right | {"form_token": "guessed"},
        right | {"nonce": "another"},
        right | {"state": "another"},
    ):
        assert (await browser.post("/authorize", data=wrong)).status_code == 403
    elsewhere = {"Origin": "https://elsewhere.example"}
    assert (await browser.post("/authorize", data=right, headers=elsewhere)).status_code == 403
    async with httpx.AsyncClient(base_url=browser.base_url) as without_cookie:
        assert (await without_cookie.post("/authorize", data=right)).status_code == 403
    own = {"Origin": str(browser.base_url).rstrip("/")}
    assert sent_back(await browser.post("/authorize", data=right, headers=own))["code"]


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a=b&" * 100, b"x" * 30_000])
async def test_a_malformed_form_is_a_403(browser, body):
    assert (await browser.post("/authorize", content=body)).status_code == 403


async def test_two_pages_of_one_browser_both_work(browser):
    first = await browser.get("/authorize", params=REQUEST | {"state": "one"})
    second = await browser.get("/authorize", params=REQUEST | {"state": "two"})
    for page, state in ((first, "one"), (second, "two")):
        back = sent_back(await browser.post("/authorize", data=form_of(page) | {"subject": "child-desk"}))
        assert back["state"] == state


async def test_a_double_click_sends_the_browser_back_twice(browser):
    page = await browser.get("/authorize", params=REQUEST)
    codes = {
        sent_back(await browser.post("/authorize", data=form_of(page) | {"subject": "child-desk"}))["code"]
        for _ in range(2)
    }
    assert len(codes) == 2


@pytest.mark.parametrize(
    "host", ["elsewhere.example", "127.0.0.1.elsewhere.example", "issuer:8000", "", "[::1", "10.0.0.1"]
)
@pytest.mark.parametrize("path", ["/authorize", "/token", "/.well-known/openid-configuration"])
async def test_a_request_under_the_name_of_another_machine_is_refused(browser, host, path):
    """Seen to fail without `OwnHostOnly`: after DNS rebinding, a page from elsewhere could sign in as anybody."""
    assert (await browser.get(path, params=REQUEST, headers={"Host": host})).status_code in (400, 421)


@pytest.mark.parametrize("host", ["localhost:8100", "127.0.0.1", "[::1]:8100"])
async def test_the_names_of_this_machine_are_taken(browser, host):
    assert (await browser.get("/authorize", params=REQUEST, headers={"Host": host})).status_code == 200


async def test_containers_reach_the_issuer_by_its_name_and_browsers_do_not(running):
    tokens = AccessTokens(issuer="http://issuer:8000", key=new_key())
    async with running(create_issuer(tokens, lambda _: None, names=["issuer", ""])) as client:
        named = {"Host": "issuer:8000"}
        assert (await client.get("/jwks", headers=named)).status_code == 200
        assert (await client.get("/authorize", headers=named)).status_code == 421
        for host in ("other:8000", "", ":8000"):
            assert (await client.get("/jwks", headers={"Host": host})).status_code in (400, 421)


async def test_without_a_console_nobody_signs_in(running):
    tokens = AccessTokens(issuer="http://issuer.example", key=new_key())
    async with running(create_issuer(tokens, lambda _: None)) as client:
        assert (await client.get("/authorize", params=REQUEST)).status_code == 404
        assert "authorization_endpoint" not in (await client.get("/.well-known/openid-configuration")).json()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "enlace.example", ""])
def test_the_issuer_does_not_start_where_others_can_reach_it(host):
    app = create_issuer(AccessTokens(issuer="http://issuer.example", key=new_key()), lambda _: None)
    with pytest.raises(NotLoopbackError, match=r"docs/issuer\.md"):
        serve(app, host=host, port=0)


def test_in_a_container_it_starts_only_if_its_port_is_published_on_this_machine():
    require_loopback("0.0.0.0", published_on="127.0.0.1")
    for address in ("0.0.0.0", "unknown addresses", "192.0.2.1", ""):
        with pytest.raises(NotLoopbackError):
            require_loopback("0.0.0.0", published_on=address)


@pytest.mark.parametrize(
    "url",
    [
        "https://console.example",
        "http://127.0.0.1:8105/",
        "http://127.0.0.1:8105/path",
        "http://127.0.0.1:8105?x=y",
        "ftp://127.0.0.1",
        "127.0.0.1:8105",
        "http://127.0.0.1@console.example",
        "",
    ],
)
def test_the_address_of_the_console_is_one_of_this_machine_and_no_more(url):
    with pytest.raises(ConsoleUrlError):
        ConsoleClient(url=url, secret="secret")  # pragma: allowlist secret


async def test_somebody_who_is_no_sample_person_is_refused(browser):
    assert (await choose(browser, "nobody")).status_code == 400
