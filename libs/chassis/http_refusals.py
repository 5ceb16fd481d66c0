"""What the HTTP server refuses by itself, before any application sees it, and how it says so on the wire."""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from libs.chassis.errors import Refusal, Unavailable
from libs.chassis.problems import problem_response
from libs.chassis.security_headers import security_headers


class MalformedRequest(Refusal):
    """What came is no HTTP request."""

    code = "malformed-request"
    status = 400


class HeadTooLarge(Refusal):
    """Request line and headers are longer than this service takes."""

    code = "head-too-large"
    status = 431
    title = "Request header fields too large"


class TooSlow(Refusal):
    """The request wasn't complete in time."""

    code = "request-timeout"
    status = 408


class TooManyConnections(Unavailable):
    """This address, or all together, have as many connections open as this process keeps."""

    code = "too-many-connections"


def written(refusal: Refusal, scheme: str) -> bytes:
    """The problem document as the bytes of a whole answer, after which the connection closes."""
    response = problem_response(refusal)
    for name, value in security_headers(scheme).items():
        response.headers.setdefault(name, value)
    response.headers["Connection"] = "close"
    head = b"".join(name + b": " + value + b"\r\n" for name, value in response.raw_headers)
    return STATUS_LINE[response.status_code] + head + b"\r\n" + bytes(response.body)
