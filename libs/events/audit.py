"""Whose hand changed the event tables, and why: every change by hand is noted in the transaction that makes it.

A note says what was touched in ids and counts, never what an event holds. Keys of topics that may carry identity data
are digests wherever they are kept.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from libs.events.postgres import Connection

_NOTE = "INSERT INTO operator_action (action, operator, reason, subject) VALUES ($1, $2, $3, $4)"
_NOTES = """
    SELECT id, at, operator, action, reason, subject FROM operator_action
    WHERE $1::timestamptz IS NULL OR at >= $1 ORDER BY id DESC LIMIT $2
"""


class RefusedError(Exception):
    """What was asked for isn't done; the text says why, in one sentence for the person who asked."""


class ReasonMissingError(RefusedError, ValueError):
    """A change by hand needs a reason and the name of who makes it."""


@dataclass(frozen=True, slots=True)
class Hand:
    """Who makes a change, and why; `ReasonMissingError` where either is empty."""

    operator: str
    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ReasonMissingError("a change by an operator needs a reason")
        if not self.operator.strip():
            raise ReasonMissingError("a change by an operator needs the name of the operator")


@dataclass(frozen=True, slots=True)
class Note:
    """One change by hand."""

    id: int
    at: datetime
    operator: str
    """Empty where it was made before names were kept."""
    action: str
    reason: str
    subject: Mapping[str, Any]
    """What was touched: ids and counts."""


async def note(connection: Connection, action: str, by: Hand, subject: Mapping[str, Any]) -> None:
    """Note a change; inside the transaction that makes it."""
    await connection.execute(_NOTE, action, by.operator, by.reason, json.dumps(subject, default=str))


async def notes(connection: Connection, *, since: datetime | None = None, count_max: int = 1_000) -> list[Note]:
    """The latest changes by hand, newest first."""
    rows = await connection.fetch(_NOTES, since, count_max)
    return [
        Note(row["id"], row["at"], row["operator"], row["action"], row["reason"], json.loads(row["subject"]))
        for row in rows
    ]
