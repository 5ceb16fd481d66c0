"""A peer that resets connections is an error of the network on uvloop too, never an error of ours."""

from collections import Counter

import httpx
import uvloop

from libs.chassis.http_client import Transport
from tests.service.chassis.resetting import resetting_peer

ATTEMPTS = 400
"""Without the guard one attempt in about fifteen ends with an AttributeError."""


def test_a_connection_that_is_reset_at_once_is_an_error_of_the_network() -> None:
    """Seen to fail with httpx's own transport."""

    async def ask() -> Counter[bool]:
        seen: Counter[bool] = Counter()
        for _ in range(ATTEMPTS):
            async with httpx.AsyncClient(transport=Transport(verify=False)) as client:
                try:
                    await client.get(f"http://127.0.0.1:{port}/")
                except Exception as error:
                    seen[isinstance(error, httpx.NetworkError)] += 1
        return seen

    with resetting_peer() as port:
        assert uvloop.run(ask()) == {True: ATTEMPTS}
