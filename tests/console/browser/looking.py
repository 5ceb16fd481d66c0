"""A browser window of one person, and what must hold on every page that they see: no fault, no barrier."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import APIResponse, Browser, ConsoleMessage, Page, Response, ViewportSize

PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 900}
SECONDS = 60
"""How long a page may take: the machine may be busy with other tests."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_NOT_LOADED = "Failed to load resource: the server responded with a status of "

Scheme = Literal["light", "dark"]


@dataclass
class Window:
    """One window of a browser with a session of its own."""

    page: Page
    console_url: str
    language: str = "en"
    mishaps: list[str] = field(default_factory=list)
    """What went wrong in the window: exceptions of scripts, messages of the browser, refusals by the CSP."""
    expected: set[tuple[str, int]] = field(default_factory=set)

    async def see(self, path: str, *, status: int = 200) -> Response:
        """Open a page of the console by its path, as if it was typed; checks its status."""
        if status >= 400:
            self.expected.add((path, status))
        response = await self.page.goto(f"{self.console_url}{path}")
        assert response is not None
        assert response.status == status, f"{path} answered {response.status}"
        return response

    async def ask(self, path: str) -> APIResponse:
        """The answer for a path, in the same session, without showing it; a redirect is not followed."""
        return await self.page.context.request.get(
            f"{self.console_url}{path}", headers={"Accept-Language": self.language}, max_redirects=0
        )

    def expect_refusal(self, path: str, status: int) -> None:
        """The browser reports each answer from 400 on; this one is wanted. `see` does it by itself."""
        self.expected.add((path, status))

    @property
    def path(self) -> str:
        """The path of the page that is shown."""
        return urlsplit(self.page.url).path

    async def menu(self) -> list[str]:
        """The paths in the menu."""
        links = await self.page.locator("nav .menu a").all()
        return [str(await link.get_attribute("href")) for link in links]

    async def sign_in(self, subject: str, *, to: str | None = None) -> None:
        """Sign in through the real page of the issuer, and arrive at the first view, or at `to`."""
        await self.page.goto(f"{self.console_url}/sign-in" + (f"?to={to}" if to else ""))
        await self.page.locator(f'button[name="subject"][value="{subject}"]').click()
        await self.page.wait_for_url(f"{self.console_url}/**")

    async def sign_out(self) -> None:
        """Sign out with the button in the frame of the page."""
        await self.page.locator('form[action="/sign-out"] button').click()
        await self.page.wait_for_url(f"{self.console_url}/")

    def no_mishaps(self) -> None:
        """Fails if anything went wrong in this window so far."""
        assert not self.mishaps, "\n".join(self.mishaps)

    def watch(self) -> None:
        """Write down what goes wrong from now on."""
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.mishaps.append(f"{self.path}: {error}"))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        told, of = message.text, urlsplit(message.location.get("url", ""))
        if told.startswith(_NOT_LOADED):
            status = int(told.removeprefix(_NOT_LOADED)[:3])
            if (of.path, status) in self.expected or (f"{of.path}?{of.query}", status) in self.expected:
                return
        self.mishaps.append(f"{self.path}: {told} ({of.path})")


async def axe(page: Page, *, only: str | None = None, but: str | None = None) -> None:
    """Fails if axe finds a barrier on the page (WCAG 2.2 AA, and good practice). `only` and `but` name a rule."""
    wanted: Any = RULES if only is None else {"type": "rule", "values": [only]}
    left_out = {} if but is None else {but: {"enabled": False}}
    options = {"runOnly": wanted, "rules": left_out, "resultTypes": ["violations"]}
    found = await Axe().run(page, options=options)
    told = [_barrier(violation) for violation in found.response["violations"]]
    assert not told, f"{page.url}:\n" + "\n".join(told)


def _barrier(violation: dict[str, Any]) -> str:
    nodes = "; ".join(f"{node['html'][:150]} -- {node['failureSummary']}" for node in violation["nodes"][:4])
    return f"{violation['id']} ({violation['impact']}), {len(violation['nodes'])} times: {violation['help']}: {nodes}"


@asynccontextmanager
async def window(
    browser: Browser,
    console_url: str,
    *,
    language: str = "en",
    scheme: Scheme = "light",
    size: ViewportSize = DESK,
    phone: bool = False,
    scripts: bool = True,
) -> AsyncIterator[Window]:
    """A new window without any session. At its end, it fails if anything went wrong in it."""
    context = await browser.new_context(
        viewport=PHONE if phone else size, is_mobile=phone, has_touch=phone, locale=language, color_scheme=scheme,
        java_script_enabled=scripts, reduced_motion="reduce",
    )  # fmt: skip
    context.set_default_timeout(SECONDS * 1000)
    try:
        opened = Window(await context.new_page(), console_url, language)
        opened.watch()
        yield opened
        opened.no_mishaps()
    finally:
        await context.close()
