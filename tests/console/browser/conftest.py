"""One whole system and one browser for all tests in this folder; each test gets windows of its own.

All tests here run in one event loop and in one worker (`tests/sharing_out.py`), so that the system is started once. It
ends with the last of them: an idle system would take a quarter of a processor from the tests that follow.
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
_IS_LAST = pytest.StashKey[bool]()
"""Whether no other test of this folder follows."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.journey)
            item.add_marker(pytest.mark.timeout(SECONDS))
            if pytest_asyncio.is_async_test(item):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    item.stash[_IS_LAST] = nextitem is None or HERE not in nextitem.path.parents


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def started() -> AsyncIterator[AsyncExitStack]:
    """What was started for the tests of this folder, and is ended after the last of them."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def ended_by_the_last_test(request: pytest.FixtureRequest, started: AsyncExitStack) -> AsyncIterator[None]:
    yield
    if request.node.stash[_IS_LAST]:
        await started.aclose()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(started: AsyncExitStack) -> Browser:
    """A real Chromium."""
    path = a_browser()
    playwright = await started.enter_async_context(async_playwright())
    # /dev/shm is small in many containers.
    launched = await playwright.chromium.launch(executable_path=path, args=["--disable-dev-shm-usage"])
    started.push_async_callback(launched.close)
    return launched


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def enlace(browser: Browser, started: AsyncExitStack, tmp_path_factory: pytest.TempPathFactory) -> WholeSystem:
    """The whole system with a flight. It comes after the browser, because without one it is not needed."""
    patch = started.enter_context(pytest.MonkeyPatch.context())
    for name in (KAFKA_VARIABLE, *DATABASE_VARIABLES):
        patch.delenv(name, raising=False)
    return await started.enter_async_context(whole_system(tmp_path_factory.mktemp("console")))


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
