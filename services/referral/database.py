"""Referral's own registry of tables, and functions that write many rows of a table with one statement."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from typing import Any

from pydantic_core import to_json
from sqlalchemy import ARRAY, BigInteger, Column, DateTime, MetaData, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw

Row = Mapping[str, Any]
Columns = Mapping[str, Sequence[Any]]
"""Values of many rows, column by column. All columns have the same length."""

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "pk": "pk_%(table_name)s",
}


class Table(SQLModel, registry=registry(metadata=MetaData(naming_convention=_NAMES))):
    """Base class of referral's tables. Their metadata are separate from those of the other services."""


def moment(*, nullable: bool = False, **options: Any) -> Any:
    """A column for a time with time zone, always UTC."""
    return Field(sa_type=DateTime(timezone=True), nullable=nullable, **options)


def big(**options: Any) -> Any:
    """A column for a 64-bit integer."""
    return Field(sa_type=BigInteger, **options)


def document(*, nullable: bool = True) -> Any:
    """A jsonb column."""
    return Field(sa_column=Column(JSONB, nullable=nullable))


def is_one_of(column: str, words: type[StrEnum]) -> str:
    """The text of a CHECK constraint: `column` contains a member of `words`."""
    return f"{column} IN ({', '.join(repr(word.value) for word in words)})"


async def insert_rows(session: AsyncSession, table: type[Table], rows: Sequence[Row], *, on_conflict: str = "") -> None:
    """Insert all `rows` with one statement. Every row has the same columns. Arrays and jsonb are given as text."""
    await insert_columns(session, table, _by_column(rows), on_conflict=on_conflict)


async def insert_columns(session: AsyncSession, table: type[Table], columns: Columns, *, on_conflict: str = "") -> None:
    """As `insert_rows`, but with the values given column by column.

    Columns without any value are left out, because most columns of a new row are still empty.
    """
    given = {name: values for name, values in columns.items() if any(value is not None for value in values)}
    if given:
        await (await raw(session)).execute(_insert(table, tuple(given), on_conflict), *given.values())


async def update_rows(
    session: AsyncSession, table: type[Table], rows: Sequence[Row], *, key: str, only_if: str = "true"
) -> None:
    """Set the columns in `rows` for rows with the same `key`. `only_if` may refer to `kept` (old) and `given` (new)."""
    await update_columns(session, table, _by_column(rows), key=key, only_if=only_if)


async def update_columns(
    session: AsyncSession, table: type[Table], columns: Columns, *, key: str, only_if: str = "true"
) -> None:
    """As `update_rows`, but with the values given column by column."""
    if columns:
        await (await raw(session)).execute(_update(table, tuple(columns), key, only_if), *columns.values())


def columns_of(values: Sequence[object], names: tuple[str, ...]) -> Columns:
    """The fields `names` of these values, column by column. Empty if there are no values. Needs two names or more."""
    if not values:
        return {}
    return dict(zip(names, zip(*map(attrgetter(*names), values), strict=True), strict=True))


def _by_column(rows: Sequence[Row]) -> Columns:
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


@lru_cache(maxsize=200)
def _insert(table: type[Table], names: tuple[str, ...], on_conflict: str) -> str:
    values, arguments = _values(table, names)
    return (
        f"INSERT INTO {_name(table)} AS kept ({', '.join(names)}) "  # noqa: S608 (names come from our own tables)
        f"SELECT {values} FROM unnest({arguments}) AS given({', '.join(names)}) {on_conflict}"
    )


@lru_cache(maxsize=200)
def _update(table: type[Table], names: tuple[str, ...], key: str, only_if: str) -> str:
    _, arguments = _values(table, names)
    kinds = _kinds(table, names)
    changes = ", ".join(
        f"{name} = given.{name}{_cast(kind)}" for name, kind in zip(names, kinds, strict=True) if name != key
    )
    return (
        f"UPDATE {_name(table)} AS kept SET {changes} FROM unnest({arguments}) "  # noqa: S608
        f"AS given({', '.join(names)}) WHERE kept.{key} = given.{key} AND {only_if}"
    )


def _values(table: type[Table], names: tuple[str, ...]) -> tuple[str, str]:
    kinds = _kinds(table, names)
    values = ", ".join(f"given.{name}{_cast(kind)}" for name, kind in zip(names, kinds, strict=True))
    arguments = ", ".join(f"${at}::{_flat(kind)}[]" for at, kind in enumerate(kinds, start=1))
    return values, arguments


def _flat(kind: str) -> str:
    """The type for `unnest`. It would flatten arrays of arrays, and jsonb is sent as text, so both are cast per row."""
    return "text" if _cast(kind) else kind


def _cast(kind: str) -> str:
    return f"::{kind}" if kind.endswith("[]") or kind == "JSONB" else ""


def _kinds(table: type[Table], names: tuple[str, ...]) -> list[str]:
    columns = table.metadata.tables[_name(table)].c
    return [columns[name].type.compile(dialect=postgresql.dialect()) for name in names]  # type: ignore[no-untyped-call]


def _name(table: type[Table]) -> str:
    return str(table.__tablename__)


def array_of(kind: Any = Text) -> Any:
    """An array column that cannot be null."""
    return Field(sa_column=Column(ARRAY(kind), nullable=False))


def as_array(values: Sequence[object]) -> str:
    """Ids or codes as the text of a PostgreSQL array. They contain no character that needs quoting."""
    return "{" + ",".join(str(value) for value in values) + "}"


def as_json(value: object) -> str:
    """A plain value as the text of a jsonb value."""
    return to_json(value).decode()
