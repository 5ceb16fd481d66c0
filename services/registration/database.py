"""The two databases of registration: its own tables, and separate from them the data keys."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import CheckConstraint, Column, DateTime, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

from libs.chassis.errors import Unavailable
from libs.chassis.sessions import LOST


class Table(SQLModel, registry=registry()):
    """Base of registration's tables."""


class KeyTable(SQLModel, registry=registry()):
    """Base of the tables in the database of keys."""


def one_of(column: str, values: Collection[str], *, name: str) -> CheckConstraint:
    """A CHECK condition that `column` has one of the codes of an enum."""
    codes = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({codes})", name=name)


def moment(*, nullable: bool = False) -> "Column[Any]":
    """A column for an aware moment."""
    return Column(DateTime(timezone=True), nullable=nullable)


def codes() -> "Column[Any]":
    """A column for a list of codes."""
    return Column(ARRAY(Text), nullable=False)


def sealed(*, nullable: bool = True) -> "Column[Any]":
    """A column for a sealed value or a keyed hash."""
    return Column(LargeBinary, nullable=nullable)


class KeysDatabase:
    """Connections to the database of keys, opened at first use. Each statement is its own transaction.

    Keys are committed before the rows that need them, and are destroyed separately. So this database never takes part
    in a transaction of the other one.
    """

    def __init__(self, url: str, *, pool_size: int = 3) -> None:
        self._url = url
        self._pool_size = pool_size
        self._pool: asyncpg.Pool[Any] | None = None
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """One connection of the pool; Unavailable if none is free within 10 seconds, or if it fails."""
        try:
            async with (await self._opened()).acquire(timeout=10) as connection:
                yield connection
        except (OSError, TimeoutError, *LOST) as error:
            raise Unavailable("The database of keys does not answer; try again later.") from error

    async def close(self) -> None:
        """Close every connection."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def _opened(self) -> "asyncpg.Pool[Any]":
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._url,
                    min_size=0,
                    max_size=self._pool_size,
                    timeout=5,
                    command_timeout=30,
                    server_settings={"application_name": "registration-vault", "timezone": "UTC"},
                )
            return self._pool
