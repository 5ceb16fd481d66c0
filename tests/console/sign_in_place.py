"""The console and the real local issuer, each at an address of its own, and what a browser does there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml
from fastapi import FastAPI

from deploy.local.clients import ClientBook
from deploy.local.console_client import ConsoleClient
from deploy.local.issuer import serve_book
from deploy.local.keyring import Keyring
from deploy.local.people import PeopleBook
from deploy.local.processes import free_port
from deploy.local.sign_in_routes import People
from deploy.local.tokens import AccessTokens, new_key
from libs.chassis.http_settings import HttpSettings
from libs.chassis.serving import ServerConfig
from services.console.app import create_app
from services.console.settings import ConsoleSettings
from tests.deploy_local.sign_in_steps import form_of
from tests.served import _Server

SECRET = "a-secret-for-tests"  # pragma: allowlist secret


@dataclass
class Place:
    """The console and the issuer, each at an address of its own."""

    console: str
    issuer: str
    app: FastAPI
    pack: Path

    def change(self, edit: Callable[[list[dict[str, Any]]], object]) -> None:
        """Change the people whom the issuer knows."""
        path = self.pack / "people.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        edit(content["people"])
        path.write_text(yaml.safe_dump(content), encoding="utf-8")

    @property
    def sessions(self) -> list[Any]:
        """The live sessions."""
        return list(self.app.state.console.sessions._sessions.values())


@asynccontextmanager
async def serving(app: Any, port: int) -> AsyncIterator[None]:
    server = _Server(ServerConfig(app, HttpSettings(), host="127.0.0.1", port=port))
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            assert not task.done()
            await asyncio.sleep(0.01)
        yield
    finally:
        server.ended.set()
        server.should_exit = True
        await task


@asynccontextmanager
async def sign_in_place(pack: Path, state: Path) -> AsyncIterator[Place]:
    """Both, with the people of this pack."""
    ports = free_port(), free_port()
    console, issuer = (f"http://127.0.0.1:{port}" for port in ports)
    people = People(PeopleBook(pack), ConsoleClient(url=console, secret=SECRET), url=issuer)
    book = ClientBook(pack=pack, state=state, keyring=Keyring(state / "keys.json"))
    tokens = AccessTokens(issuer=issuer, key=new_key())
    app = create_app(settings(console, issuer, pack))
    async with serving(serve_book(tokens, book, key="key", people=people), ports[1]), serving(app, ports[0]):
        yield Place(console, issuer, app, pack)


def settings(console: str, issuer: str, pack: Path) -> ConsoleSettings:
    nobody = "http://127.0.0.1:1"
    return ConsoleSettings(
        console_url=console,
        registration_url=nobody,
        directory_url=nobody,
        referral_url=nobody,
        notifications_url=nobody,
        token_issuer=issuer,
        client_secret=SECRET,
        pack=pack,
    )


def browser_at(place: Place) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=place.console, headers={"accept-language": "en"})


async def to_the_callback(place: Place, browser: httpx.AsyncClient, subject: str, to: str = "/") -> str:
    """Begin, choose a person at the issuer; the address with which the issuer sends the browser back."""
    begun = await browser.get("/sign-in", params={"to": to})
    assert begun.status_code == 303, begun.text
    page = await browser.get(begun.headers["location"])
    assert page.status_code == 200, page.text
    chosen = await browser.post(f"{place.issuer}/authorize", data=form_of(page) | {"subject": subject})
    assert chosen.status_code == 303, chosen.text
    return str(chosen.headers["location"])


async def sign_in(place: Place, browser: httpx.AsyncClient, subject: str, to: str = "/") -> httpx.Response:
    return await browser.get(await to_the_callback(place, browser, subject, to))
