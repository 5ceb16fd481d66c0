"""People sign in at the local issuer: code flow with PKCE, ID token, refresh with rotation, sign-out."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.sign_ins import CODE_SECONDS, SIGN_IN_SECONDS
from deploy.packs.directory import organization_id
from libs.chassis.tokens import KeyRing, TokenVerifier
from tests.deploy_local.sign_in_steps import (
    CONSOLE,
    ISSUER,
    OTHER,
    REQUEST,
    World,
    choose,
    exchange,
    form_of,
    refresh,
    sent_back,
    signed_in,
    world_in,
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return world_in(tmp_path)


@pytest.fixture
async def browser(world: World, running: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client with cookies, as the browser and as the console; redirects are looked at, not followed."""
    async with running(world.app) as client:
        yield client


async def test_a_person_signs_in_and_gets_tokens_that_the_services_take(world, browser):
    back = sent_back(await choose(browser))
    assert back["state"] == "the-state"
    assert back["iss"] == ISSUER
    answer = await exchange(browser, back["code"])
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    access = world.claims(told["access_token"])
    assert (access["sub"], access["client_id"], access["iss"]) == ("shelter-desk", "enlace-console", ISSUER)
    assert access["aud"] == ["enlace-referral", "enlace-provider-directory"], "the services of its scopes"
    assert (access["staff"], access["desks"]) == (True, ["igm-shelter-desk"])
    assert "reviews:decide" in access["scope"].split()
    assert "openid" not in access["scope"].split()
    assert "name" not in access
    assert 0 < access["exp"] - access["iat"] == told["expires_in"] == 600
    keys = httpx.AsyncClient(
        transport=httpx.MockTransport(lambda _: httpx.Response(200, json=world.tokens.public_keys()))
    )
    verifier = TokenVerifier(KeyRing(f"{ISSUER}/jwks", keys), issuer=ISSUER, audience="enlace-referral")
    assert (await verifier.verify(told["access_token"]))["sub"] == "shelter-desk"


async def test_the_id_token_names_the_person_the_client_and_the_nonce(world, browser):
    told = await signed_in(browser)
    claims = world.claims(told["id_token"])
    assert (claims["iss"], claims["sub"], claims["aud"]) == (ISSUER, "shelter-desk", "enlace-console")
    assert claims["nonce"] == "the-nonce"
    assert claims["name"] == "Ana Lucía Tzoc Herrera"
    assert claims["auth_time"] == int(world.time())
    assert claims["sid"]
    assert claims["iat"] <= time.time() < claims["exp"]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("provider-renap", {"organization_id": str(organization_id("renap"))}),
        ("clerk-air-base", {"reception_places": ["GT01"]}),
        ("operator-night", {"staff": True, "desks": []}),
        ("data-protection-officer", {"staff": True, "desks": [], "reception_places": ["GT"]}),
    ],
)
async def test_a_token_has_exactly_the_claims_of_its_person(world, browser, subject, expected):
    claims = world.claims((await signed_in(browser, subject))["access_token"])
    own = ("organization_id", "staff", "desks", "reception_places", "service")
    assert {name: claims[name] for name in own if name in claims} == expected


async def test_the_console_can_ask_for_fewer_scopes_and_never_gets_more_than_the_roles_give(world, browser):
    told = await signed_in(browser, scope="openid offers:read erasure:write")
    assert world.claims(told["access_token"])["scope"] == "offers:read"


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "http://127.0.0.1:9999/sign-in/callback"},
        {"redirect_uri": f"{CONSOLE.redirect_uri}/more"},
        {"redirect_uri": f"{CONSOLE.redirect_uri}?next=https://elsewhere.example"},
        {"redirect_uri": ""},
        {"redirect_uri": OTHER.redirect_uri},
        {"client_id": "nobody"},
        {"client_id": "renap"},
    ],
)
async def test_a_request_with_a_wrong_redirect_uri_or_client_leads_nowhere(browser, changes):
    page = await browser.get("/authorize", params=REQUEST | changes)
    assert page.status_code == 400
    assert "location" not in page.headers
    assert "elsewhere" not in page.text
    assert "<form" not in page.text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"nonce": ""}, "invalid_request"),
        ({"scope": "offers:read"}, "invalid_scope"),
        ({"scope": "openid world:rule"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"prompt": "none"}, "login_required"),
    ],
)
async def test_a_request_that_is_not_the_code_flow_with_pkce_is_sent_back_with_its_error(browser, changes, error):
    back = sent_back(await browser.get("/authorize", params=REQUEST | changes))
    assert (back["error"], back["state"], back["iss"]) == (error, "the-state", ISSUER)
    assert "code" not in back


@pytest.mark.parametrize(
    ("client", "changes", "error"),
    [
        (CONSOLE, {"code_verifier": "another-verifier-of-at-least-forty-three-characters"}, "invalid_grant"),
        (CONSOLE, {"code_verifier": ""}, "invalid_request"),
        (CONSOLE, {"redirect_uri": "http://127.0.0.1:9999/sign-in/callback"}, "invalid_grant"),
        (CONSOLE, {"redirect_uri": ""}, "invalid_grant"),
        (CONSOLE, {"code": "guessed"}, "invalid_grant"),
        (OTHER, {}, "invalid_grant"),
    ],
)
async def test_a_code_is_exchanged_only_by_its_client_with_its_verifier_and_redirect_uri(
    browser, client, changes, error
):
    code = sent_back(await choose(browser))["code"]
    answer = await exchange(browser, **({"code": code, "client": client} | changes))
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_the_console_must_know_its_secret_and_programs_have_no_codes(browser):
    code = sent_back(await choose(browser))["code"]
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CONSOLE.redirect_uri}
    assert (await browser.post("/token", data=fields, auth=(CONSOLE.client_id, "guessed"))).status_code == 401
    assert (await browser.post("/token", data=fields | {"client_id": CONSOLE.client_id})).status_code == 401
    secret = (await browser.get("/clients/renap", headers={"Authorization": "Bearer the-key"})).json()["client_secret"]
    answer = await browser.post("/token", data=fields, auth=("renap", secret))
    assert answer.json()["error"] == "unauthorized_client"


async def test_the_console_has_no_rights_of_its_own(browser):
    auth = (CONSOLE.client_id, CONSOLE.secret)
    answer = await browser.post("/token", data={"grant_type": "client_credentials"}, auth=auth)
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


async def test_a_code_that_is_used_again_is_refused_and_ends_the_sign_in(browser):
    code = sent_back(await choose(browser))["code"]
    told = (await exchange(browser, code)).json()
    again = await exchange(browser, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert (await refresh(browser, told["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_code_is_valid_for_a_minute(world, browser):
    code = sent_back(await choose(browser))["code"]
    world.time.seconds += CODE_SECONDS
    assert (await exchange(browser, code)).json()["error"] == "invalid_grant"


async def test_each_refresh_gives_a_new_refresh_token_and_an_id_token_of_the_same_sign_in(world, browser):
    told = await signed_in(browser)
    first = world.claims(told["id_token"])
    for _ in range(3):
        answer = await refresh(browser, told["refresh_token"])
        assert answer.status_code == 200
        assert answer.json()["refresh_token"] != told["refresh_token"]
        told = answer.json()
        claims = world.claims(told["id_token"])
        assert {name: claims[name] for name in ("sub", "aud", "sid", "auth_time")} == {
            name: first[name] for name in ("sub", "aud", "sid", "auth_time")
        }
        assert "nonce" not in claims


async def test_a_replaced_refresh_token_that_is_used_again_ends_the_sign_in(browser):
    """Seen to fail without `end` in `of_refresh_token`: the newest token went on."""
    old = (await signed_in(browser))["refresh_token"]
    new = (await refresh(browser, old)).json()["refresh_token"]
    assert (await refresh(browser, old)).json()["error"] == "invalid_grant"
    assert (await refresh(browser, new)).json()["error"] == "invalid_grant"


async def test_another_client_gets_nothing_for_a_refresh_token(browser):
    token = (await signed_in(browser))["refresh_token"]
    assert (await refresh(browser, token, client=OTHER)).json()["error"] == "invalid_grant"


async def test_a_sign_in_ends_after_eight_hours(world, browser):
    token = (await signed_in(browser))["refresh_token"]
    world.time.seconds += SIGN_IN_SECONDS - 1
    token = (await refresh(browser, token)).json()["refresh_token"]
    world.time.seconds += 1
    assert (await refresh(browser, token)).json()["error"] == "invalid_grant"


async def test_a_changed_role_takes_effect_at_the_next_refresh(world, browser):
    told = await signed_in(browser)
    world.change(lambda people: [one.update(roles=["operator"], desks=[]) for one in people
                                 if one["subject"] == "shelter-desk"])  # fmt: skip
    told = (await refresh(browser, told["refresh_token"])).json()
    claims = world.claims(told["access_token"])
    assert "operations:read" in claims["scope"].split()
    assert "reviews:decide" not in claims["scope"].split()
    assert claims["desks"] == []


async def test_a_person_who_is_removed_gets_no_more_tokens(world, browser):
    code = sent_back(await choose(browser))["code"]
    told = await signed_in(browser)
    world.change(lambda people: people.__delitem__([one["subject"] for one in people].index("shelter-desk")))
    assert (await exchange(browser, code)).json()["error"] == "invalid_grant"
    assert (await refresh(browser, told["refresh_token"])).json()["error"] == "invalid_grant"
    page = await browser.get("/authorize", params=REQUEST)
    assert "shelter-desk-night" in page.text
    chosen = await browser.post("/authorize", data=form_of(page) | {"subject": "shelter-desk"})
    assert chosen.status_code == 400


async def test_signing_out_ends_the_sign_in_and_returns_to_the_console(browser):
    told = await signed_in(browser)
    fields = {"id_token_hint": told["id_token"], "post_logout_redirect_uri": f"{CONSOLE.url}/", "state": "s"}
    answer = await browser.get("/end-session", params=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{CONSOLE.url}/?state=s")
    assert (await refresh(browser, told["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await browser.post("/end-session", data=fields)).status_code == 303


@pytest.mark.parametrize("address", ["https://elsewhere.example/", f"{CONSOLE.url}/more", OTHER.url + "/"])
async def test_signing_out_never_leads_to_another_address(browser, address):
    hint = (await signed_in(browser))["id_token"]
    answer = await browser.get("/end-session", params={"id_token_hint": hint, "post_logout_redirect_uri": address})
    assert answer.status_code == 200
    assert "location" not in answer.headers


async def test_without_a_right_id_token_nothing_ends(browser):
    told = await signed_in(browser)
    leave = {"post_logout_redirect_uri": f"{CONSOLE.url}/", "client_id": CONSOLE.client_id}
    assert (await browser.get("/end-session", params=leave)).status_code == 200
    forged = told["id_token"][:-8] + "AAAAAAAA"
    assert (await browser.get("/end-session", params=leave | {"id_token_hint": forged})).status_code == 400
    access = leave | {"id_token_hint": told["access_token"]}
    assert (await browser.get("/end-session", params=access)).status_code == 400
    assert (await refresh(browser, told["refresh_token"])).status_code == 200


async def test_the_metadata_of_openid_connect_name_every_endpoint(browser):
    told = (await browser.get("/.well-known/openid-configuration")).json()
    assert told["issuer"] == ISSUER
    endpoints = ("authorization_endpoint", "token_endpoint", "end_session_endpoint", "jwks_uri")
    assert [told[name] for name in endpoints] == [
        f"{ISSUER}/{n}" for n in ("authorize", "token", "end-session", "jwks")
    ]
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["response_types_supported"] == ["code"]
    assert told == (await browser.get("/.well-known/oauth-authorization-server")).json()
