"""Refusals of the HTTP server itself, before the application gets the request, and their form on the wire."""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from libs.chassis.errors import Refusal, Unavailable
from libs.chassis.problems import problem_response
from libs.chassis.security_headers import security_headers


class MalformedRequest(Refusal):
    """The received bytes are not an HTTP request."""

    code = "malformed-request"
    status = 400


class HeadTooLarge(Refusal):
    """Request line and headers exceed the limit."""

    code = "head-too-large"
    status = 431
    title = "Request header fields too large"


class TooSlow(Refusal):
    """The request was not complete in time."""

    code = "request-timeout"
    status = 408


class TooManyConnections(Unavailable):
    """This address, or all addresses together, have the maximum number of open connections."""

    code = "too-many-connections"


def written(refusal: Refusal, scheme: str) -> bytes:
    """The problem document as the bytes of a whole answer, after which the connection closes."""
    response = problem_response(refusal)
    for name, value in security_headers(scheme).items():
        response.headers.setdefault(name, value)
    response.headers["Connection"] = "close"
    head = b"".join(name + b": " + value + b"\r\n" for name, value in response.raw_headers)
    return STATUS_LINE[response.status_code] + head + b"\r\n" + bytes(response.body)
