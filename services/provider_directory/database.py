"""The registry of provider_directory's tables. Its metadata are the schema of this service only."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import DateTime
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

TABLES = registry()


class DirectoryTable(SQLModel, registry=TABLES):
    """Base of every table of this service."""


MOMENT = DateTime(timezone=True)
"""Column type of every point in time: with time zone, UTC."""


def one_of(column: str, codes: type[StrEnum] | Iterable[str]) -> str:
    """The CHECK condition that a column holds one of these codes."""
    return f"{column} IN ({', '.join(_quoted(codes))})"


def all_of(column: str, codes: type[StrEnum] | Iterable[str]) -> str:
    """The CHECK condition that every element of an array column is one of these codes."""
    return f"{column} <@ ARRAY[{', '.join(_quoted(codes))}]::varchar[]"


def _quoted(codes: Any) -> list[str]:
    return [f"'{code!s}'" for code in codes]
