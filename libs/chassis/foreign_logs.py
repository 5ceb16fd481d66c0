"""Log messages of other libraries: how much of them is shown, and how often.

Arguments and texts of exceptions may quote a person's data. They are shown only for messages about the
library's own servers, topics and connections.
"""

import logging
import time
from collections.abc import Callable

QUIET_SECONDS = 300.0
"""How long a repeated message of a library is suppressed after it was shown."""
_SPEAKS_OF_ITSELF = ("uvicorn", "alembic")
_OF_CONNECTIONS = ("aiokafka",)
_PLAIN = (bool, int, float, str, frozenset, set, list, tuple)
_KNOWN_LONGEST = 1_000


def text_of(record: logging.LogRecord) -> str:
    """The message of a record that another library wrote, with those of its arguments that may be shown."""
    library = record.name.split(".")[0]
    if not record.args or library in _SPEAKS_OF_ITSELF:
        return record.getMessage()
    if library in _OF_CONNECTIONS and isinstance(record.args, tuple):
        try:
            return str(record.msg) % tuple(_told(argument, library) for argument in record.args)
        except (TypeError, ValueError):
            return str(record.msg)
    return str(record.msg)


def _told(argument: object, library: str) -> object:
    """The form in which an argument may be shown. Numbers, texts and partitions stay as they are, errors of the library
    or of a connection keep their texts, and anything else is shown as the name of its type."""
    if isinstance(argument, BaseException):
        if type(argument).__module__.split(".")[0] == library:
            return str(argument) or type(argument).__name__
        return f"{type(argument).__name__} {argument if isinstance(argument, OSError) else ''}".rstrip()
    if isinstance(argument, type):
        return argument.__name__
    return argument if isinstance(argument, _PLAIN) else type(argument).__name__


class Repeats(logging.Filter):
    """Suppresses a warning or error of another library that was shown less than five minutes ago.

    Each client tries an unavailable server ten times a second and logs each failure. The next line that is shown
    contains the number of suppressed ones, in `repeated`.
    """

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._shown: dict[tuple[str, str], tuple[float, int]] = {}
        """When a message of a library was shown, and how often it was suppressed since."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether `record` is shown."""
        if hasattr(record, "enlace") or record.levelno < logging.WARNING:
            return True
        key = (record.name, str(record.msg))
        shown_at, held_back = self._shown.get(key, (float("-inf"), 0))
        if self._now() - shown_at < QUIET_SECONDS:
            self._shown[key] = shown_at, held_back + 1
            return False
        if len(self._shown) >= _KNOWN_LONGEST:
            self._shown.clear()
        self._shown[key] = self._now(), 0
        record.repeated = held_back
        return True
