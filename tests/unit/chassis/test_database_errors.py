"""What the database says of itself is a 503 to the caller, never a fault of ours."""

import asyncpg
import pytest

from libs.chassis.database_errors import refusal_of
from libs.chassis.errors import Unavailable

OF_ITSELF = [
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.exceptions.TransactionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DiskFullError,
    asyncpg.QueryCanceledError,
    asyncpg.AdminShutdownError,
    asyncpg.CannotConnectNowError,
]


@pytest.mark.parametrize("kind", OF_ITSELF, ids=lambda kind: kind.__name__)
def test_a_database_that_is_busy_or_away_is_told_as_such(kind):
    """Under load and faults a transaction that had waited for 20 s was a 500: seen to fail without 25P03 in the set."""
    assert isinstance(refusal_of(kind("said of a row")), Unavailable)


def test_what_is_wrong_with_a_statement_is_a_fault_of_ours():
    assert refusal_of(asyncpg.UndefinedColumnError("no such column")) is None
