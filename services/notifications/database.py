"""The registry of notifications' tables. Its metadata are the schema of this service only."""

from collections.abc import Iterable

from sqlalchemy import DateTime
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

TABLES = registry()


class NotificationsTable(SQLModel, registry=TABLES):
    """Base of every table of this service."""


MOMENT = DateTime(timezone=True)
"""Column type of every point in time: with time zone, UTC."""


def one_of(column: str, codes: Iterable[str]) -> str:
    """The CHECK condition that a column holds one of these codes."""
    return f"{column} IN ({', '.join(repr(str(code)) for code in codes)})"
