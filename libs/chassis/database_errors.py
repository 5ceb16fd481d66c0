"""What a refusal of PostgreSQL means to a caller: the last net below the checks that should have met it before.

Bad input never becomes a 5xx, and nothing of what PostgreSQL says reaches the caller, because its texts quote values.
"""

import asyncpg
from sqlalchemy.exc import DBAPIError

from libs.chassis.errors import Conflict, InvalidInput, Refusal, Unavailable
from libs.chassis.logs import get_logger

log = get_logger(__name__)


class AlreadyExists(Conflict):
    """Another row has what must be unique."""

    code = "already-exists"


class ReferenceBroken(Conflict):
    """The request names something that isn't there, or removes something that is still named."""

    code = "reference-broken"


_TRY_AGAIN = frozenset({"40001", "40P01", "55P03", "25P03", "25P04", "25006"})
_TRY_AGAIN_CLASSES = frozenset({"08", "53", "57", "58"})
"""The connection, the server's resources, an operator or the system: nothing that the caller sent."""


Refused = DBAPIError | asyncpg.PostgresError | asyncpg.InterfaceError
"""What SQLAlchemy raises, and what the driver raises when set-based SQL runs on its own connection."""


def refusal_of(error: Refused) -> Refusal | None:
    """The refusal that tells of `error`, or None when it is a fault of ours."""
    cause = _driver_error(error)
    state = str(getattr(cause, "sqlstate", None) or "")
    refusal: Refusal | None = None
    if _is_away(error, cause) or state in _TRY_AGAIN or state[:2] in _TRY_AGAIN_CLASSES:
        refusal = Unavailable("The database is busy or does not answer; try again later.")
    elif state == "23505":
        refusal = AlreadyExists("An object with these values already exists.")
    elif state in {"23503", "23001"}:
        refusal = ReferenceBroken("A referenced object does not exist, or is still in use.")
    # The driver checks values itself (an int4 out of range, a NUL) and then there is no SQLSTATE.
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
    return (
        isinstance(cause, asyncpg.InterfaceError)
        and not isinstance(cause, asyncpg.DataError)
        and "closed" in str(cause)
    )
