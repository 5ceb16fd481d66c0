"""The demo's webhook receiver takes what is signed rightly, and nothing else."""

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from deploy.demo.receiver import Receiver, receiving

SECRET = "whsec_c2FtcGxlLXNlY3JldC1zYW1wbGUtc2VjcmV0LTAwMDA="
OTHER_SECRET = "whsec_b3RoZXItc2VjcmV0LW90aGVyLXNlY3JldC0wMDAwMDA="


def body(kind: str = "offer.made.v1") -> str:
    return json.dumps({"type": kind, "timestamp": "2026-03-02T09:00:00Z", "data": {"offer_id": "o-1"}})


async def post(receiver: Receiver, text: str, *, secret: str = SECRET, at: datetime | None = None) -> int:
    at = at or datetime.now(UTC)
    headers = {
        "webhook-id": "m-1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("m-1", at, text),
    }
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.post(receiver.url("casa"), content=text, headers=headers)).status_code


async def test_an_offer_that_is_signed_rightly_is_heard() -> None:
    heard: list[tuple[str, dict[str, str]]] = []
    async with receiving(lambda slug, data: heard.append((slug, data))) as receiver:
        receiver.expect("casa", SECRET)
        assert await post(receiver, body()) == 204
    assert heard == [("casa", {"offer_id": "o-1", "made_at": "2026-03-02T09:00:00Z"})]


@pytest.mark.parametrize("fault", ["secret", "old", "unknown"])
async def test_what_is_not_signed_rightly_is_refused(fault: str) -> None:
    heard: list[object] = []
    async with receiving(lambda slug, data: heard.append(data)) as receiver:
        receiver.expect("casa" if fault != "unknown" else "other", OTHER_SECRET if fault == "secret" else SECRET)
        at = datetime.now(UTC) - timedelta(hours=1 if fault == "old" else 0)
        assert await post(receiver, body(), at=at) == 401
        assert (receiver.refused_count, receiver.verified_count) == (1, 0)
    assert heard == []


async def test_other_messages_are_verified_and_let_pass() -> None:
    heard: list[object] = []
    async with receiving(lambda slug, data: heard.append(data)) as receiver:
        receiver.expect("casa", SECRET)
        assert await post(receiver, body("offer.reminded.v1")) == 204
        assert receiver.verified_count == 1
    assert heard == []
