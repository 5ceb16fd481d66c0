"""JSON logs with trace ids and declared fields only, so that nothing else can leak by accident.

    log = get_logger(__name__, fields=("batch_id",))
    log.info("batch.landed", batch_id=batch.id, count=135)

The event is a constant text; variable data go into fields. An undeclared field raises `ValueError`. Messages of other
libraries are shown only if they cannot quote personal data (`foreign_logs.py`), and exceptions are logged without
their texts.
"""

import json
import logging
import sys
import traceback
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import Enum
from types import TracebackType
from typing import Any
from uuid import UUID

from opentelemetry import trace

from libs.chassis.foreign_logs import Repeats, text_of

COMMON_FIELDS = frozenset(
    {
        "attempt",
        "attempts",
        "bytes",
        "code",
        "constraint",
        "count",
        "counts",
        "deadline_seconds",
        "epoch",
        "error_type",
        "event_id",
        "event_type",
        "failures",
        "generation",
        "group",
        "interval_seconds",
        "lag",
        "leader",
        "loop",
        "method",
        "offset",
        "part",
        "partition",
        "pid",
        "port",
        "reason",
        "role",
        "route",
        "seconds",
        "sqlstate",
        "status",
        "topic",
        "version",
        "where",
    }
)
"""Declared for all loggers; none of them can contain personal data."""
_LONGEST = 300


class Logger:
    """Writes the log events of one module. `get_logger` creates it."""

    def __init__(self, name: str, fields: Iterable[str] = ()) -> None:
        self._logger = logging.getLogger(name)
        self._declared = COMMON_FIELDS | frozenset(fields)

    def info(self, event: str, /, **fields: object) -> None:
        """Log an expected event that is worth knowing."""
        self._write(logging.INFO, event, fields, None)

    def warning(self, event: str, /, error: BaseException | None = None, **fields: object) -> None:
        """Log a problem that the system handles itself; `error` is logged by type and place."""
        self._write(logging.WARNING, event, fields, error)

    def error(self, event: str, /, error: BaseException | None = None, **fields: object) -> None:
        """Log a problem that an operator should look at; `error` is logged by type and place."""
        self._write(logging.ERROR, event, fields, error)

    def _write(self, level: int, event: str, fields: Mapping[str, object], error: BaseException | None) -> None:
        undeclared = fields.keys() - self._declared
        if undeclared:
            raise ValueError(f"declare these log fields with get_logger(..., fields=...): {sorted(undeclared)}")
        if self._logger.isEnabledFor(level):
            shown = {name: _shown(value) for name, value in fields.items() if value is not None}
            self._logger.log(level, event, extra={"enlace": shown | _told(error)})


def get_logger(name: str, *, fields: Iterable[str] = ()) -> Logger:
    """The logger of a module; `fields` declares fields in addition to the common ones."""
    return Logger(name, fields)


class JsonLines(logging.Formatter):
    """One JSON object per line."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The line of `record`."""
        span = trace.get_current_span().get_span_context()
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "event": _event(record),
        }
        if span.is_valid:
            line |= {"trace_id": format(span.trace_id, "032x"), "span_id": format(span.span_id, "016x")}
        fields = getattr(record, "enlace", None)
        if fields is None:
            fields = _told(record.exc_info[1] if record.exc_info else None)
            if repeated := getattr(record, "repeated", 0):
                fields["repeated"] = repeated
        # In ASCII, so that other line separators and control characters of terminals are escaped too.
        return json.dumps(line | fields, default=str)


def setup_logs(service: str) -> None:
    """Write all log messages of this process from level info to standard output as JSON lines."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines(service))
    handler.addFilter(Repeats())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in ("aiokafka", "httpx", "httpcore", "sqlalchemy"):
        logging.getLogger(name).setLevel(logging.WARNING)


def places(error: BaseException) -> list[str]:
    """Where `error` was raised, outermost first, as `file:line function`; without its text and its values."""
    frames = traceback.extract_tb(error.__traceback__ if isinstance(error.__traceback__, TracebackType) else None)
    return [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames[-12:]]


def _event(record: logging.LogRecord) -> str:
    text = record.getMessage() if hasattr(record, "enlace") else text_of(record)
    return text.splitlines()[0][:_LONGEST] if text else ""


def _told(error: BaseException | None) -> dict[str, Any]:
    if error is None:
        return {}
    chain: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(chain) < 5:
        chain.append(f"{type(cause).__module__}.{type(cause).__qualname__}")
        cause = cause.__cause__ or cause.__context__
    return {"error_type": chain[0], "caused_by": chain[1:], "where": places(error)}


def _short(filename: str) -> str:
    return "/".join(filename.replace("\\", "/").split("/")[-3:])


def _shown(value: object) -> object:
    if isinstance(value, Enum):
        return _shown(value.value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, UUID | datetime):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key)[:_LONGEST]: _shown(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_shown(item) for item in list(value)[:20]]
    return str(value)[:_LONGEST]
