"""Maps errors of PostgreSQL to refusals: the last check, for input that earlier checks should have refused.

Invalid input never becomes a 5xx. The caller never gets the texts of PostgreSQL, because they quote values.
"""

import asyncpg
from sqlalchemy.exc import DBAPIError

from libs.chassis.errors import Conflict, InvalidInput, Refusal, Unavailable
from libs.chassis.logs import get_logger

log = get_logger(__name__)


class AlreadyExists(Conflict):
    """Another row has the same value in a unique column."""

    code = "already-exists"


class ReferenceBroken(Conflict):
    """The request refers to a row that does not exist, or removes a row to which others refer."""

    code = "reference-broken"


_TRY_AGAIN = frozenset({"40001", "40P01", "55P03", "25P03", "25P04", "25006"})
_TRY_AGAIN_CLASSES = frozenset({"08", "53", "57", "58"})
"""Causes other than the caller's input: the connection, the server's resources, an operator or the system."""


Refused = DBAPIError | asyncpg.PostgresError | asyncpg.InterfaceError | asyncpg.InternalClientError
"""Errors of SQLAlchemy, and of the driver when set-based SQL uses the driver's connection."""


def refusal_of(error: Refused) -> Refusal | None:
    """The refusal for `error`, or None if it is an internal error."""
    cause = _driver_error(error)
    state = str(getattr(cause, "sqlstate", None) or "")
    refusal: Refusal | None = None
    if _is_away(error, cause) or state in _TRY_AGAIN or state[:2] in _TRY_AGAIN_CLASSES:
        refusal = Unavailable("The database is busy or does not answer; try again later.")
    elif state == "23505":
        refusal = AlreadyExists("An object with these values already exists.")
    elif state in {"23503", "23001"}:
        refusal = ReferenceBroken("A referenced object does not exist, or is still in use.")
    # The driver itself refuses some values (an int4 out of range, a NUL); then there is no SQLSTATE.
    elif state.startswith("22") or state in {"23514", "23502"} or isinstance(cause, asyncpg.DataError):
        refusal = InvalidInput("A value cannot be stored.")
    if refusal is not None:
        constraint = getattr(cause, "constraint_name", None)
        log.warning("database.refused", sqlstate=state, constraint=constraint, code=refusal.code)
    return refusal


def _driver_error(error: Refused) -> BaseException:
    """The driver's own error, which SQLAlchemy wraps twice."""
    if not isinstance(error, DBAPIError) or error.orig is None:
        return error
    return error.orig.__cause__ or error.orig


def _is_away(error: Refused, cause: BaseException) -> bool:
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    # The driver was used after the server had said that it ends the connection.
    if isinstance(cause, asyncpg.InternalClientError):
        return True
    return (
        isinstance(cause, asyncpg.InterfaceError)
        and not isinstance(cause, asyncpg.DataError)
        and "closed" in str(cause)
    )
