"""The golden messages, and a consumer's own reading of a record: no broker, no database, else as at work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiokafka.structs import ConsumerRecord
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue import CATALOGUE
from libs.events.contracts.messages import Message, messages_in
from libs.events.event import Received
from libs.events.handling.batch import Incoming, Unreadable, understand
from libs.events.messages.envelope import Headers
from libs.events.subscriptions import Subscriptions
from libs.events.topics import TOPICS, Topic

ROOT = Path(__file__).resolve().parents[3]
CONTRACTS = ROOT / "docs" / "contracts"
MESSAGES = messages_in(CONTRACTS / "messages")
NAMES = [f"{message.topic}/{message.type}/{message.form}" for message in MESSAGES]

EVERYTHING = Subscriptions("reader-of-everything")


@EVERYTHING.on(*CATALOGUE.values())
async def _never_called(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
    raise AssertionError


def read_record(topic: str, key: str, headers: Headers, value: bytes) -> Incoming | Unreadable | None:
    """What a consumer that listens to every type makes of a record."""
    record: ConsumerRecord[bytes, bytes] = ConsumerRecord(
        topic=topic,
        partition=0,
        offset=0,
        timestamp=1_793_527_202_000,
        timestamp_type=0,
        key=key.encode(),
        value=value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=tuple(headers),
    )
    # Messages of every version are read; whether their writer has signed them is another question.
    return understand(record, EVERYTHING, topic=Topic(topic, foreign=TOPICS[topic].foreign), keyring=None)


def read_message(message: Message) -> Incoming | Unreadable | None:
    """What such a consumer makes of a golden message."""
    return read_record(message.topic, message.key, message.wire_headers, message.wire_value)
