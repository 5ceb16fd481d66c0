from collections.abc import AsyncIterator

import pytest

from tests.console.world import World, console_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with console_world() as found:
        yield found
