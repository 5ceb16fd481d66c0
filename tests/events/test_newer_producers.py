"""Producers that are newer than this consumer, on a real topic and a real database, in both content modes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from cloudevents.core.bindings.kafka import KafkaMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue.referral import OfferDeclined, ReferralCancelled
from libs.events.codes import DeclineReason
from libs.events.contracts.messages import Message, messages_in
from libs.events.event import Event, Received
from libs.events.subscriptions import Subscriptions
from tests.events.bus import Bus, running, until

FOLDER = Path(__file__).resolve().parents[2] / "docs/contracts/messages"
MESSAGES = {(one.type, one.form): one for one in messages_in(FOLDER) if one.topic == "enlace.referral"}
DECLINED = MESSAGES["offer.declined.v1", "usual"]
CANCELLED = MESSAGES["referral.cancelled.v1", "usual"]
Write = Callable[[CloudEvent], KafkaMessage]


def from_the_sdk(message: Message, data: dict[str, Any], write: Write) -> dict[str, Any]:
    """A record as another producer's library writes it."""
    attributes = {
        "id": str(uuid4()),
        "source": "urn:enlace:referral",
        "type": message.type,
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "laterattribute": "x",
    }
    written = write(CloudEvent(attributes, data))
    headers = [(name, value if isinstance(value, bytes) else value.encode()) for name, value in written.headers.items()]
    value = written.value if isinstance(written.value, bytes) else str(written.value).encode()
    return {"key": data["returnee_id"].encode(), "value": value, "headers": headers}


def of_person(message: Message, person: str, **changes: Any) -> dict[str, Any]:
    """The message's data for another returnee, with fields that this consumer has never heard of."""
    data: dict[str, Any] = json.loads(json.dumps(message.data))
    return data | {"returnee_id": person, "later_field": {"reason": ["x", None, 1.5]}} | changes


async def test_a_newer_producers_events_are_read_or_parked_and_nothing_else_stops(
    make_bus: Callable[..., Awaitable[Bus]],
) -> None:
    """Unknown fields are dropped; an unknown reason of decline is `other`; an unknown reason of cancellation parks.

    Seen to fail when fields that are not known were forbidden: everything was parked.
    """
    bus = await make_bus()
    kinds: list[type[Event]] = [
        type(model.__name__, (model,), {"topic": bus.topic.name}) for model in (OfferDeclined, ReferralCancelled)
    ]
    seen: list[tuple[str, Any]] = []
    subscriptions = Subscriptions(bus.group)

    @subscriptions.on(*kinds)
    async def keep(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
        seen.extend((received.key, received.event.reason) for received in batch)

    ana, bea, eva = (str(uuid4()) for _ in range(3))
    records = [
        from_the_sdk(DECLINED, of_person(DECLINED, ana, reason="flooded"), to_binary_event),
        from_the_sdk(CANCELLED, of_person(CANCELLED, bea, reason="a_code_of_tomorrow"), to_structured_event),
        from_the_sdk(DECLINED, of_person(DECLINED, bea), to_binary_event),
        from_the_sdk(DECLINED, of_person(DECLINED, ana), to_structured_event),
        from_the_sdk(DECLINED, of_person(DECLINED, eva, reason="flooded"), to_structured_event),
    ]
    async with bus.producer() as producer, running(bus.consumer(subscriptions)):
        for record in records:
            await producer.send_and_wait(bus.topic.name, **record)
        await until(lambda: _all_settled(bus, seen))
    assert [reason for key, reason in seen if key == ana] == [DeclineReason.OTHER, DeclineReason.FULL]
    assert [reason for key, reason in seen if key == eva] == [DeclineReason.OTHER]
    parked = await bus.fetch("SELECT event_type, reason, error FROM parked ORDER BY log_offset")
    assert [tuple(row)[:2] for row in parked] == [
        ("referral.cancelled.v1", "unknown-code"),
        ("offer.declined.v1", "behind"),
    ]
    assert "tomorrow" not in str(parked)


async def _all_settled(bus: Bus, seen: list[tuple[str, Any]]) -> bool:
    return len(seen) == 3 and await bus.fetch("SELECT count(*) FROM parked HAVING count(*) = 2") != []
