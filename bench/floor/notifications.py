"""Notifications of the floor: for each offer, it writes one notification and one delivery to the provider."""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bench.floor.stage import Handle, Outgoing, Record, Rows


def handler(endpoints: dict[str, uuid.UUID]) -> Handle:
    """The handler of referral's events; `endpoints` gives the endpoint of an organisation."""

    async def handle(rows: Rows, records: Sequence[Record]) -> list[Outgoing]:
        offers = [data for type_, data in records if type_ == "offer.made.v1"]
        if offers:
            await _write(rows, offers, endpoints)
        return []

    return handle


async def _write(rows: Rows, offers: list[dict[str, Any]], endpoints: dict[str, uuid.UUID]) -> None:
    now, count = datetime.now(UTC), len(offers)
    told: dict[str, list[Any]] = {
        "message_id": [uuid.uuid4() for _ in offers],
        "organization_id": [uuid.UUID(offer["organization_id"]) for offer in offers],
        "event_type": ["offer.made.v1"] * count,
        "body": [_body(offer, now) for offer in offers],
        "created_at": [now] * count,
    }
    await rows.insert("notification", told)
    await rows.insert(
        "delivery",
        {
            **told,
            "endpoint_id": [endpoints[offer["organization_id"]] for offer in offers],
            "due_at": [now] * count,
            "journey_id": [uuid.UUID(offer["returnee_id"]) for offer in offers],
            "traceparent": ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"] * count,
        },
    )


def _body(offer: dict[str, Any], now: datetime) -> str:
    data = {name: value for name, value in offer.items() if name not in {"returnee_id", "need_id", "at"}}
    return json.dumps({"type": "offer.made.v1", "timestamp": now.isoformat(), "data": data})
