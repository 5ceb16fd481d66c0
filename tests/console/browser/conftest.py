"""One whole system and one browser for all tests in this folder; each test gets windows of its own.

All tests here run in one event loop and in one worker (`tests/sharing_out.py`), so that the system is started once.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from deploy.local.installation import DATABASE_VARIABLES, KAFKA_VARIABLE
from tests.browser import a_browser
from tests.console.browser import pages
from tests.console.browser.looking import Window, window
from tests.console.browser.pages import Known
from tests.console.browser.system import WholeSystem, whole_system

HERE = Path(__file__).parent
SECONDS = 900
"""The first test includes the start of the system, on a machine that may be busy."""

OpenWindow = Callable[..., Awaitable[Window]]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.journey)
            item.add_marker(pytest.mark.timeout(SECONDS))
            if pytest_asyncio.is_async_test(item):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A real Chromium."""
    path = a_browser()
    async with async_playwright() as playwright:
        # /dev/shm is small in many containers.
        launched = await playwright.chromium.launch(executable_path=path, args=["--disable-dev-shm-usage"])
        yield launched
        await launched.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def enlace(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeSystem]:
    """The whole system with a flight. It comes after the browser, because without one it is not needed."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (KAFKA_VARIABLE, *DATABASE_VARIABLES):
            patch.delenv(name, raising=False)
        async with whole_system(tmp_path_factory.mktemp("console")) as running:
            yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def known(enlace: WholeSystem) -> Known:
    """One thing of each kind, for the tests that open every page."""
    return await pages.known(enlace)


@pytest_asyncio.fixture(loop_scope="session")
async def open_window(browser: Browser, enlace: WholeSystem) -> AsyncIterator[OpenWindow]:
    """`await open_window(language="es", scheme="dark", phone=True)`: a window in which nobody is signed in."""
    async with AsyncExitStack() as stack:

        async def opened(**how: Any) -> Window:
            return await stack.enter_async_context(window(browser, enlace.console_url, **how))

        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def as_role(open_window: OpenWindow, enlace: WholeSystem) -> OpenWindow:
    """`await as_role("provider", phone=True)`: a window in which a sample person with this role is signed in.

    `subject="clerk-tecun-uman"` chooses the person, `to="/offers"` the first page.
    """

    async def opened(role: str, *, subject: str | None = None, to: str | None = None, **how: Any) -> Window:
        entered = await open_window(**how)
        await entered.sign_in(subject or enlace.of_role(role).subject, to=to)
        return entered

    return opened
