"""What a refusal of PostgreSQL means to a caller: the last net below the checks that should have met it before.

Bad input never becomes a 5xx, and nothing of what PostgreSQL says reaches the caller, because its texts quote values.
"""

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


_TRY_AGAIN = frozenset({"40001", "40P01", "55P03", "57014", "53300", "57P01", "57P02", "57P03"})


def refusal_of(error: DBAPIError) -> Refusal | None:
    """The refusal that tells of `error`, or None when it is a fault of ours."""
    state = str(getattr(error.orig, "sqlstate", None) or "")
    refusal: Refusal | None = None
    if error.connection_invalidated or state.startswith("08") or state in _TRY_AGAIN:
        refusal = Unavailable("The database is busy or away; try again.")
    elif state == "23505":
        refusal = AlreadyExists("Something of this kind exists already.")
    elif state in {"23503", "23001"}:
        refusal = ReferenceBroken("Something that is named here isn't there, or is still in use.")
    elif state.startswith("22") or state in {"23514", "23502"} or (not state and _refused_by_driver(error)):
        refusal = InvalidInput("A value cannot be stored.")
    if refusal is not None:
        log.warning("database.refused", sqlstate=state, constraint=_constraint(error), code=refusal.code)
    return refusal


def _refused_by_driver(error: DBAPIError) -> bool:
    """asyncpg checks argument values itself (an int4 out of range, a NUL) and then gives no SQLSTATE."""
    cause = error.orig.__cause__ if error.orig is not None else None
    return type(cause).__name__ == "DataError"


def _constraint(error: DBAPIError) -> str | None:
    cause = error.orig.__cause__ if error.orig is not None else None
    name = getattr(cause, "constraint_name", None)
    return str(name) if name else None
