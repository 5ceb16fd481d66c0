"""Log lines of the bus: a constant event name, and fields that cannot contain data about a person.

The fields are one mapping in `extra={"enlace": ...}`, where the JSON formatter finds them. Of an error only its type
and SQLSTATE are logged, because its text may quote a row.
"""

import logging
from typing import Any

from libs.events.postgres import sqlstate


def report(log: logging.Logger, level: int, event: str, error: BaseException | None = None, **fields: Any) -> None:
    """Write one event with its fields."""
    if error is not None:
        fields["error_type"] = type(error).__name__
        if (state := sqlstate(error)) is not None:
            fields["sqlstate"] = state
    log.log(level, event, extra={"enlace": fields})
