"""Keyset paging: a page ends with an opaque, signed cursor that says after which row the next page starts."""

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar, overload

from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field

from libs.chassis.errors import foreign_cursor

T = TypeVar("T")
R = TypeVar("R")
_SIGNATURE_BYTES = 16
LARGEST_PAGE = 200
COUNT_MAX = 1_000
"""Counting stops here: for a longer list `more` is true, and counting costs no more time."""


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None = Field(default=None, description="Send it as `after` to get the next page; null on the last page")


class Count(BaseModel):
    """The length of a list. Counting stops at a thousand."""

    count: int = Field(le=COUNT_MAX)
    more: bool = Field(description="True if there are more than were counted")

    @classmethod
    def of(cls, found: int) -> "Count":
        """The count for this number of found rows. The query looks for at most `COUNT_MAX + 1` rows."""
        return cls(count=min(found, COUNT_MAX), more=found > COUNT_MAX)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The requested page: fetch `limit + 1` rows after the row that `after` names, in the order of the list."""

    limit: int
    after: list[str] | None
    """The values that `cursor_of` returned for the last row of the previous page; None on the first page."""
    path: str
    secret: bytes


async def _page_request(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="The maximum number of entries")] = 50,
    after: Annotated[str | None, Query(max_length=1000, description="`next` of the previous page")] = None,
) -> PageRequest:
    secret = request.app.state.settings.fingerprint_key.get_secret_value().encode()
    path = request.url.path
    values = None if after is None else read_cursor(after, path=path, secret=secret)
    return PageRequest(limit=limit, after=values, path=path, secret=secret)


PageQuery = Annotated[PageRequest, Depends(_page_request)]


@overload
def page_of(rows: Sequence[T], *, request: PageRequest, cursor_of: Callable[[T], Sequence[str]]) -> Page[T]: ...
@overload
def page_of(
    rows: Sequence[R], *, request: PageRequest, cursor_of: Callable[[R], Sequence[str]], view: Callable[[R], T]
) -> Page[T]: ...
def page_of(
    rows: Sequence[Any],
    *,
    request: PageRequest,
    cursor_of: Callable[[Any], Sequence[str]],
    view: Callable[[Any], Any] | None = None,
) -> Page[Any]:
    """The page of `rows`, which are at most `limit + 1`: the additional row means that there is a next page.

    `cursor_of` returns the ordering values of a row as texts, `view` the shown form of a row (default: the row itself).
    """
    shown = rows[: request.limit]
    following = None
    if len(rows) > request.limit:
        following = write_cursor(cursor_of(shown[-1]), path=request.path, secret=request.secret)
    return Page[Any](items=[view(row) for row in shown] if view else list(shown), next=following)


def write_cursor(values: Sequence[str], *, path: str, secret: bytes) -> str:
    """An opaque cursor of `values`, valid only for the list at `path`."""
    payload = json.dumps(list(values), separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_signature(payload, path, secret) + payload).decode().rstrip("=")


def read_cursor(cursor: str, *, path: str, secret: bytes) -> list[str]:
    """The values in `cursor`; `InvalidInput` that names `after` if it was not created for this list."""
    try:
        content = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        content = b""
    signature, payload = content[:_SIGNATURE_BYTES], content[_SIGNATURE_BYTES:]
    if not payload or not hmac.compare_digest(signature, _signature(payload, path, secret)):
        raise foreign_cursor()
    values: list[str] = json.loads(payload)
    return values


def _signature(payload: bytes, path: str, secret: bytes) -> bytes:
    return hmac.digest(secret, b"cursor\0" + path.encode() + b"\0" + payload, "sha256")[:_SIGNATURE_BYTES]
