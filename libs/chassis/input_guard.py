"""What every request body must be before a route sees it: small enough, and JSON that can be stored.

PostgreSQL refuses NUL characters in text and lone surrogates; JSON numbers may be longer than any column. Such input
is refused here with the field's pointer, so that it never becomes a fault further in.
"""

import json
import math
import re
from collections.abc import Iterator, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.chassis.errors import FieldError, InvalidInput, NotFound, Refusal
from libs.chassis.logs import get_logger
from libs.chassis.problems import internal_error, problem_response
from libs.chassis.validation import json_pointer

log = get_logger(__name__)
_LARGEST_INTEGER = 2**63
_DEEPEST = 64
_SUSPICIOUS = re.compile(rb"\\u0000|\\u[dD][89a-fA-F]|NaN|Infinity|[0-9]{18,}|[eE]\+?[0-9]{3,}")
"""Bytes without which no JSON text can break one of the rules below; most bodies need no second look."""


class BodyTooLarge(Refusal):
    """The body is longer than this service takes."""

    code = "body-too-large"
    status = 413


class InputGuard:
    """ASGI middleware: refuses what cannot be read or stored, and answers faults of ours without telling of them."""

    def __init__(self, app: ASGIApp, *, limit_bytes: int) -> None:
        self._app = app
        self._limit = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, await self._checked(scope, receive), watched_send)
        except Refusal as refusal:
            await problem_response(refusal)(scope, receive, send)
        except Exception as error:  # the last net: a fault is logged by type and place, and told as a 500
            log.error("request.failed", error=error, method=scope["method"], route=_route(scope))
            if started:
                raise
            await internal_error()(scope, receive, send)

    async def _checked(self, scope: Scope, receive: Receive) -> Receive:
        _check_address(scope)
        headers = Headers(scope=scope)
        if "content-length" not in headers and "transfer-encoding" not in headers:
            return receive
        if int(headers.get("content-length", "0")) > self._limit:
            raise _too_large(self._limit)
        body = await _read(receive, self._limit)
        if body is None:
            return receive
        check_body(body, headers.get("content-type", ""))
        return _replay(body, receive)


def check_body(body: bytes, content_type: str) -> None:
    """Refuse a JSON or text body that cannot be stored as it is."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith("text/"):
        if b"\0" in body:
            raise InvalidInput("The text holds a NUL character.", pointer="")
    elif kind == "application/json" or kind.endswith("+json"):
        if b"\0" in body or not _is_utf8(body):
            raise InvalidInput("JSON is sent as UTF-8.", errors=[FieldError("", "json-invalid", "JSON is UTF-8")])
        if _SUSPICIOUS.search(body):
            faults = list(_faults(_parsed(body), []))[:100]
            if faults:
                raise InvalidInput("The body holds values that cannot be stored.", errors=faults)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body, parse_int=_integer, parse_constant=_constant)
    except RecursionError:
        raise InvalidInput("The body is nested too deeply.", pointer="") from None
    except ValueError:
        return None  # the framework's own parser says where it isn't JSON


def _integer(digits: str) -> int | None:
    # None stands for a number beyond any column; the digits may be too many to be read at all.
    return int(digits) if len(digits) <= 20 and -_LARGEST_INTEGER <= int(digits) < _LARGEST_INTEGER else _TOO_LARGE


class _Unstorable(int):
    """Stands in the parsed body for a number that cannot be kept."""


_TOO_LARGE = _Unstorable(0)


def _constant(_: str) -> float:
    return math.nan


def _faults(value: Any, path: list[str | int]) -> Iterator[FieldError]:
    if len(path) > _DEEPEST:
        yield FieldError(json_pointer(path[:_DEEPEST]), "too-deep", f"At most {_DEEPEST} levels")
    elif isinstance(value, str):
        yield from _text_faults(value, path)
    elif isinstance(value, _Unstorable) or (isinstance(value, float) and not math.isfinite(value)):
        yield FieldError(json_pointer(path), "number-out-of-range", "The number is too large, or isn't one")
    elif isinstance(value, dict):
        for key, item in value.items():
            if any(True for _ in _text_faults(key, path)):
                yield FieldError(json_pointer(path), "unstorable-key", "A key holds a character that cannot be stored")
            else:
                yield from _faults(item, [*path, key])
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _faults(item, [*path, place])


def _text_faults(text: str, path: list[str | int]) -> Iterator[FieldError]:
    if "\0" in text:
        yield FieldError(json_pointer(path), "nul-character", "Text cannot hold a NUL character")
    elif any("\ud800" <= character <= "\udfff" for character in text):
        yield FieldError(json_pointer(path), "lone-surrogate", "Text cannot hold half of a character")


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _check_address(scope: MutableMapping[str, Any]) -> None:
    if "\0" in scope["path"]:
        raise NotFound
    query: bytes = scope["query_string"]
    if b"%00" in query:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        names = [name for name, value in pairs if "\0" in value and "\0" not in name]
        faults = [FieldError(name[:100], "nul-character", "Text cannot hold a NUL character") for name in names]
        raise InvalidInput("The query holds a NUL character.", pointer="", errors=faults)


async def _read(receive: Receive, limit: int) -> bytes | None:
    """The whole body; None when the client went away."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"A body is {limit} bytes at most.", limit_bytes=limit)


def _route(scope: Scope) -> str | None:
    return getattr(scope.get("route"), "path", None)
