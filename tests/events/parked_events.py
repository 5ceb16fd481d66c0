"""What is parked of one key, for tests."""

from __future__ import annotations

from libs.events.operating.unparking import ParkedEvent, parked_event
from libs.events.postgres import Connection


async def events_of_key(connection: Connection, *, group: str, topic: str, key: bytes) -> list[ParkedEvent]:
    """The parked events of this key, in their order."""
    rows = await connection.fetch(
        "SELECT id FROM parked WHERE consumer_group = $1 AND topic = $2 AND key = $3 ORDER BY id", group, topic, key
    )
    return [await parked_event(connection, row["id"]) for row in rows]
