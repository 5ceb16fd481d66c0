"""What a browser and the console do at the local issuer, step by step."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import yaml
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import KeySet

from deploy.local.clients import ClientBook
from deploy.local.console_client import ConsoleClient
from deploy.local.installation import DEFAULT_PACK
from deploy.local.issuer import serve_book
from deploy.local.keyring import Keyring
from deploy.local.people import PeopleBook
from deploy.local.sign_in_routes import People
from deploy.local.sign_ins import SignIns
from deploy.local.tokens import AccessTokens, new_key

ISSUER = "http://issuer.example"
CONSOLE = ConsoleClient(url="http://127.0.0.1:8105", secret="secret-of-the-console")
OTHER = ConsoleClient(url="http://127.0.0.1:8106", secret="secret-of-the-other", client_id="other-console")
VERIFIER = "a-verifier-of-at-least-forty-three-characters-0123456789"
REQUEST = {
    "response_type": "code",
    "client_id": CONSOLE.client_id,
    "redirect_uri": CONSOLE.redirect_uri,
    "scope": "openid",
    "state": "the-state",
    "nonce": "the-nonce",
    "code_challenge": create_s256_code_challenge(VERIFIER),
    "code_challenge_method": "S256",
}


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class World:
    """The issuer of a pack that the test may change."""

    pack: Path
    state: Path
    time: Time = field(default_factory=Time)
    tokens: AccessTokens = field(default_factory=lambda: AccessTokens(issuer=ISSUER, key=new_key()))

    @property
    def app(self) -> Any:
        people = People(PeopleBook(self.pack), CONSOLE, url=ISSUER, sign_ins=SignIns(now=self.time), others=(OTHER,))
        book = ClientBook(pack=self.pack, state=self.state, keyring=Keyring(self.state / "keys.json"))
        return serve_book(self.tokens, book, key="the-key", people=people)

    def change(self, edit: Callable[[list[dict[str, Any]]], object]) -> None:
        """Change the people of the pack."""
        path = self.pack / "people.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        edit(content["people"])
        path.write_text(yaml.safe_dump(content), encoding="utf-8")

    def claims(self, token: str) -> dict[str, Any]:
        """The content of a token whose signature is right."""
        keys = KeySet.import_key_set(self.tokens.public_keys())
        return dict(jwt.decode(token, keys, algorithms=["ES256"]).claims)


def world_in(folder: Path) -> World:
    """An issuer with a copy of the default pack."""
    return World(Path(shutil.copytree(DEFAULT_PACK, folder / "pack")), folder)


def form_of(page: httpx.Response) -> dict[str, str]:
    """The hidden fields of the page's form."""
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.text)
    return {unescape(name): unescape(value) for name, value in found}


async def choose(browser: httpx.AsyncClient, subject: str = "shelter-desk", **changes: str) -> httpx.Response:
    """Open the sign-in page and choose a person."""
    page = await browser.get("/authorize", params=REQUEST | changes)
    assert page.status_code == 200, page.text
    return await browser.post("/authorize", data=form_of(page) | {"subject": subject})


def sent_back(response: httpx.Response) -> dict[str, str]:
    """What the browser brings back to the console."""
    assert response.status_code == 303, response.text
    location = urlsplit(response.headers["location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == CONSOLE.redirect_uri
    return dict(parse_qsl(location.query))


async def exchange(console: httpx.AsyncClient, code: str, *, client: ConsoleClient = CONSOLE, **changes: str) -> Any:
    """The answer of the token endpoint for a code."""
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CONSOLE.redirect_uri}
    fields |= {"code_verifier": VERIFIER} | changes
    fields = {name: value for name, value in fields.items() if value}
    return await console.post("/token", data=fields, auth=(client.client_id, client.secret))


async def refresh(console: httpx.AsyncClient, token: str, *, client: ConsoleClient = CONSOLE) -> httpx.Response:
    """The answer of the token endpoint for a refresh token."""
    fields = {"grant_type": "refresh_token", "refresh_token": token}
    return await console.post("/token", data=fields, auth=(client.client_id, client.secret))


async def signed_in(browser: httpx.AsyncClient, subject: str = "shelter-desk", **changes: str) -> dict[str, Any]:
    """The tokens of a person who has just signed in."""
    code = sent_back(await choose(browser, subject, **changes))["code"]
    answer = await exchange(browser, code)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())
