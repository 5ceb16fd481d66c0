"""Hold a relay: nothing is published until it is released. The services continue, and their outbox grows.

An operator holds the relay while other events must be sent first (`libs.events.operating.republishing`). Another use is
to move the positions of consumers to the end of a log that was lost: meanwhile this service writes nothing that would
move the end.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from libs.events.audit import Hand, RefusedError, note
from libs.events.postgres import Connection
from libs.events.relaying.leadership import none_leads

LET_GO_SECONDS = 40.0
"""The maximum time to wait for the relay. One of its rounds that waits for Kafka takes at most half of it."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Since when the relay is held, and by whom."""

    since: datetime
    by: str


async def held(connection: Connection) -> Hold | None:
    """The present hold; None if the relay is not held."""
    row = await connection.fetchrow("SELECT held_since, held_by FROM outbox_leader WHERE held_since IS NOT NULL")
    return None if row is None else Hold(row["held_since"], row["held_by"] or "")


async def hold(connection: Connection, by: Hand, *, seconds: float = LET_GO_SECONDS, mark: str = "") -> None:
    """Hold the relay and wait until it has stopped: its current batch is sent and archived, and it sends nothing else.

    `RefusedError` if it is already held, or if it does not stop; in the second case the hold is removed. `mark` is
    written before the operator's name.
    """
    async with connection.transaction():
        if not await _set(connection, f"{mark}{by.operator}"):
            raise RefusedError("the relay is already held")
        await note(connection, "relay.hold", by, {})
    try:
        await let_go(connection, seconds=seconds)
    except RefusedError:
        await release(connection, Hand(by.operator, f"the relay did not stop: {by.reason}"))
        raise


async def let_go(connection: Connection, *, seconds: float = LET_GO_SECONDS) -> None:
    """Wait until no relay is the leader. `RefusedError` if one still is after `seconds`."""
    if not await none_leads(connection, seconds=seconds):
        raise RefusedError(f"a relay is still the leader after {seconds:g} s; end that process, then hold again")


async def release(connection: Connection, by: Hand) -> None:
    """Let the relay publish again. `RefusedError` if it is not held."""
    async with connection.transaction():
        row = await connection.fetchrow(
            "UPDATE outbox_leader SET held_since = NULL, held_by = NULL WHERE held_since IS NOT NULL RETURNING 1"
        )
        if row is None:
            raise RefusedError("the relay is not held")
        await note(connection, "relay.release", by, {})


async def _set(connection: Connection, name: str) -> Any:
    return await connection.fetchval(
        "UPDATE outbox_leader SET held_since = now(), held_by = $1 WHERE held_since IS NULL RETURNING 1", name
    )
