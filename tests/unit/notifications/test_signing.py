"""Signatures: the reference libraries' vectors, rotation, and the library's traps."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from services.notifications.deliveries.posting import signed_headers
from services.notifications.endpoints.sealing import new_secret, secret_text

VECTORS: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("standard_webhooks_vectors.json").read_text(encoding="utf-8")
)["sign_vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["webhook-id"])
def test_the_vectors_of_the_reference_libraries_come_out(vector):
    headers = signed_headers(
        message_id=vector["webhook-id"],
        body=vector["body"],
        secrets=[base64.b64decode(vector["secret"].removeprefix("whsec_"))],
        at=datetime.fromtimestamp(vector["webhook-timestamp"], UTC),
    )
    assert headers["webhook-signature"] == vector["webhook-signature"]
    assert headers["webhook-timestamp"] == str(vector["webhook-timestamp"])
    assert headers["webhook-id"] == vector["webhook-id"]


@pytest.mark.parametrize("offset_hours", [-6, 0, 5.5])
def test_a_time_in_any_zone_signs_the_same_moment(offset_hours):
    """The library replaces the zone by UTC: in any other zone it signs another time than the header names."""
    moment = datetime(2026, 11, 22, 12, 0, 7, 900_000, tzinfo=UTC)
    secret = new_secret()
    headers = signed_headers(
        message_id="m", body="{}", secrets=[secret], at=moment.astimezone(timezone(timedelta(hours=offset_hours)))
    )
    signed = f"m.{int(moment.timestamp())}.{{}}".encode()
    expected = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-timestamp"] == str(int(moment.timestamp()))
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="aware"):
        signed_headers(message_id="m", body="{}", secrets=[new_secret()], at=datetime(2026, 1, 1))  # noqa: DTZ001


def test_while_a_secret_is_rotated_either_verifies():
    new, old = new_secret(), new_secret()
    body = '{"type":"offer.made.v1"}'
    headers = signed_headers(message_id="m", body=body, secrets=[new, old], at=datetime.now(UTC))
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (new, old):
        assert Webhook(secret_text(secret)).verify(body, headers) == {"type": "offer.made.v1"}
