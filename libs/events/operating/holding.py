"""Hold a relay: nothing is published until it is released. Services go on, and their outbox grows.

A hold is what a person needs while something must go out first (`libs.events.operating.republishing`), or while the
positions of consumers are moved to the end of a log that was lost: the end doesn't move meanwhile, as far as this
service writes.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from libs.events.audit import Hand, RefusedError, note
from libs.events.postgres import Connection
from libs.events.relaying.leadership import none_leads

LET_GO_SECONDS = 40.0
"""A round of the relay that waits for Kafka takes half of it at most."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Since when the relay is held, and by whom."""

    since: datetime
    by: str


async def held(connection: Connection) -> Hold | None:
    """The hold that is in force, if one is."""
    row = await connection.fetchrow("SELECT held_since, held_by FROM outbox_leader WHERE held_since IS NOT NULL")
    return None if row is None else Hold(row["held_since"], row["held_by"] or "")


async def hold(connection: Connection, by: Hand, *, seconds: float = LET_GO_SECONDS, mark: str = "") -> None:
    """Hold the relay and wait until it has let go: what it had in hand is sent and retired, nothing is under way.

    `RefusedError` if it is held already, or if it doesn't let go; then it isn't held. `mark` goes before the
    operator's name.
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
    """Wait until no relay leads; `RefusedError` if one still does after so long."""
    if not await none_leads(connection, seconds=seconds):
        raise RefusedError(f"a relay is still the leader after {seconds:g} s; end that process, then hold again")


async def release(connection: Connection, by: Hand) -> None:
    """Let the relay publish again; `RefusedError` if it isn't held."""
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
