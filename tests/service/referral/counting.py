"""Counting what a service asks of its database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from libs.chassis.database import Database


@contextmanager
def statements_of(database: Database) -> Iterator[list[str]]:
    """Every statement that this service sends inside, its own transactions' beginnings and ends apart."""
    sent: list[str] = []
    watched: dict[int, Any] = {}

    def note(record: Any) -> None:
        sent.append(record.query)

    def watch(connection: Any, _record: Any, _proxy: Any) -> None:
        driver = connection.driver_connection
        if id(driver) not in watched:
            watched[id(driver)] = driver
            driver.add_query_logger(note)

    event.listen(database.engine.sync_engine, "checkout", watch)
    try:
        yield sent
    finally:
        event.remove(database.engine.sync_engine, "checkout", watch)
        for driver in watched.values():
            driver.remove_query_logger(note)
