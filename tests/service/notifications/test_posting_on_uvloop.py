"""One POST on uvloop, as in the service; the other tests run on the loop of the standard library."""

import uvloop

from services.notifications.deliveries.posting import Poster
from services.notifications.deliveries.rules import AttemptFault
from tests.service.chassis.resetting import resetting_peer


def test_a_receiver_that_resets_every_connection_fails_its_own_attempts_only():
    """Seen to fail without the guard in `_BoundedStream`: some attempts raised."""

    async def attempts():
        async with Poster.opened(allow_private=True, concurrency=2) as poster:
            url = f"http://127.0.0.1:{port}/"
            return {(await poster.post(url, headers={"webhook-id": "m"}, body="{}")).fault for _ in range(400)}

    with resetting_peer() as port:
        assert uvloop.run(attempts()) == {AttemptFault.CONNECTION_FAILED}
