"""Every error becomes a problem document (RFC 9457), including the errors of the framework.

`application/problem+json` with `type`, `title`, `status`, `code`, `detail`, `errors` and `trace_id`. A problem never
repeats what the caller sent, and contains no internal details.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from libs.chassis.database_errors import Refused, refusal_of
from libs.chassis.errors import FieldError, InvalidInput, Refusal, Unavailable
from libs.chassis.idempotency import KeyMissing
from libs.chassis.refused import record
from libs.chassis.telemetry import current_trace_id
from libs.chassis.validation import field_errors

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:enlace:problem:"
ERRORS_MAX = 50
"""The maximum number of entries of `errors`; `errors_left_out` counts the others."""
_RESERVED = frozenset({"type", "title", "status", "code", "detail", "errors", "trace_id"})


class FieldProblem(BaseModel):
    """One field that breaks one rule."""

    pointer: str = Field(description="JSON pointer into the body, or the name of a parameter", examples=["/entries/3"])
    rule: str = Field(examples=["missing"])
    detail: str = Field(examples=["Field required"])


class Problem(BaseModel):
    """An error in the form of RFC 9457; some codes have additional members."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=[TYPE_PREFIX + "invalid-input"])
    title: str = Field(examples=["Invalid input"])
    status: int = Field(ge=400, le=599, examples=[422])
    code: str = Field(examples=["invalid-input"], description="Stable code for programs, in kebab-case")
    detail: str
    errors: list[FieldProblem] = Field(default=[], max_length=ERRORS_MAX)
    errors_left_out: int | None = Field(default=None, description="The number of further faults that are not listed")
    trace_id: str | None = Field(default=None, description="State this id when you ask for help")


def problem_document(refusal: Refusal) -> dict[str, Any]:
    """The members of the problem document for `refusal`."""
    members = {name: value for name, value in refusal.members.items() if name not in _RESERVED}
    errors = refusal.errors
    if len(errors) > ERRORS_MAX:
        members["errors_left_out"] = len(errors) - ERRORS_MAX
    return {
        "type": TYPE_PREFIX + refusal.code,
        "title": refusal.title,
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.detail,
        "errors": [_field_problem(error) for error in errors[:ERRORS_MAX]],
        "trace_id": current_trace_id(),
        **members,
    }


def problem_response(refusal: Refusal) -> JSONResponse:
    """The HTTP response for `refusal`."""
    headers = dict(refusal.headers)
    if refusal.retry_after_seconds is not None:
        headers.setdefault("Retry-After", str(refusal.retry_after_seconds))
    return JSONResponse(problem_document(refusal), refusal.status, headers, media_type=MEDIA_TYPE)


def internal_error() -> JSONResponse:
    """The response to an internal error; it contains only the trace id."""
    return _plain(500, "internal-error", "An internal error occurred; it has been recorded.")


def install_problem_handlers(app: FastAPI) -> None:
    """Make every error of `app` a problem document. `InputGuard` answers errors without a handler."""
    app.add_exception_handler(Refusal, _of_refusal)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
    for kind in (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        app.add_exception_handler(kind, _of_database)
    app.add_exception_handler(PoolTimeout, _of_pool)


def responses(*refusals: type[Refusal]) -> dict[int | str, dict[str, Any]]:
    """What a route declares in OpenAPI: one entry per status, its description lists the codes."""
    codes: dict[int, list[str]] = {}
    for refusal in refusals:
        codes.setdefault(refusal.status, []).append(refusal.code)
    return {status: declared(status, named) for status, named in codes.items()}


def declared(status: int, codes: Sequence[str]) -> dict[str, Any]:
    """One error response of an API document."""
    return {
        "description": f"{HTTPStatus(status).phrase}: {', '.join(f'`{code}`' for code in codes)}",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _field_problem(error: FieldError) -> dict[str, str]:
    return {"pointer": error.pointer, "rule": error.rule, "detail": error.detail}


def _plain(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    document = {
        "type": TYPE_PREFIX + code,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "errors": [],
        "trace_id": current_trace_id(),
    }
    return JSONResponse(document, status, dict(headers or {}), media_type=MEDIA_TYPE)


async def _of_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    record(request, error)
    return problem_response(request.app.state.rates.after(request, error))


async def _of_validation(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    findings = error.errors()
    faults = field_errors(findings[:ERRORS_MAX], error.body)
    refusal = _named(faults) or InvalidInput("The request breaks a rule.", errors=faults)
    if len(findings) > ERRORS_MAX and isinstance(refusal, InvalidInput):
        refusal.members["errors_left_out"] = len(findings) - ERRORS_MAX
    return problem_response(refusal)


def _named(faults: Sequence[FieldError]) -> Refusal | None:
    """A missing Idempotency-Key has its own status and code (its draft says 400)."""
    if any(fault.pointer == "Idempotency-Key" and fault.rule == "missing" for fault in faults):
        return KeyMissing("Send an Idempotency-Key.", pointer="Idempotency-Key")
    return None


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return _plain(405, "method-not-allowed", "This path does not support the method.", {"Allow": _allowed(request)})
    phrase = HTTPStatus(error.status_code).phrase
    code = phrase.lower().replace(" ", "-").replace("'", "")
    return _plain(error.status_code, code, f"{phrase}.", error.headers)


def _allowed(request: Request) -> str:
    """Every method of the path: the framework names those of its first route only."""
    routes = list(iter_route_contexts(request.app.routes))
    path = request.scope["path"]
    template = next((route.path for route in routes if _leads_to(route, path)), None)
    methods = {method for route in routes if route.path == template for method in route.methods or ()}
    return ", ".join(sorted(methods))


def _leads_to(route: object, path: str) -> bool:
    pattern = getattr(route, "path_regex", None)
    return pattern is not None and pattern.match(path) is not None


async def _of_database(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    refusal = refusal_of(error)
    if refusal is None:
        raise error
    return problem_response(refusal)


async def _of_pool(_: Request, __: Exception) -> Response:
    return problem_response(Unavailable("Too many requests at the same time for the database."))
