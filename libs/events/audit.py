"""The record of changes that operators make to the event tables: who made a change, and why. Each change is recorded in
the transaction that makes it.

A record names the affected objects by ids and counts, and never contains the content of an event. Keys of topics that
may contain identity data are stored only as digests.
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
    """The request of an operator is refused. The text gives the operator the reason in one sentence."""


class ReasonMissingError(RefusedError, ValueError):
    """A change by an operator needs a reason and the name of the operator."""


@dataclass(frozen=True, slots=True)
class Hand:
    """The operator who makes a change, and the reason. `ReasonMissingError` if one of them is empty."""

    operator: str
    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ReasonMissingError("a change by an operator needs a reason")
        if not self.operator.strip():
            raise ReasonMissingError("a change by an operator needs the name of the operator")


@dataclass(frozen=True, slots=True)
class Note:
    """The record of one change by an operator."""

    id: int
    at: datetime
    operator: str
    """Empty for changes from the time before names were recorded."""
    action: str
    reason: str
    subject: Mapping[str, Any]
    """The affected objects: ids and counts."""


async def note(connection: Connection, action: str, by: Hand, subject: Mapping[str, Any]) -> None:
    """Record a change. Call this inside the transaction that makes the change."""
    await connection.execute(_NOTE, action, by.operator, by.reason, json.dumps(subject, default=str))


async def notes(connection: Connection, *, since: datetime | None = None, count_max: int = 1_000) -> list[Note]:
    """The latest changes by operators, newest first."""
    rows = await connection.fetch(_NOTES, since, count_max)
    return [
        Note(row["id"], row["at"], row["operator"], row["action"], row["reason"], json.loads(row["subject"]))
        for row in rows
    ]
