"""Links to traces on the page of a trace back end. The setting `ENLACE_TRACE_URL` is the template of these links."""

import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator

TRACE_URL_VARIABLE: Final = "ENLACE_TRACE_URL"
PLACE: Final = "{trace_id}"
_URL: Final = re.compile(r"[!#-;=?-\[\]_a-z{}~%]+")
"""The printable characters of ASCII without spaces and those that would end an attribute or a tag in a page."""
_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")


def checked_template(value: str) -> str:
    """The template itself; ValueError if it is not an http or https URL with `{trace_id}` exactly once, after the host.

    The error names the setting, but does not contain the value.
    """
    if fault := _fault(value):
        raise ValueError(f"{TRACE_URL_VARIABLE} {fault}")
    return value


def trace_link(template: str, trace_id: str) -> str:
    """The link to one trace. ValueError if the id is not that of a trace: 32 hexadecimal digits."""
    if not _TRACE_ID.fullmatch(trace_id):
        raise ValueError("a trace id has 32 hexadecimal digits")
    return template.replace(PLACE, trace_id)


TraceUrl = Annotated[
    Annotated[str, AfterValidator(checked_template)] | None, BeforeValidator(lambda value: value or None)
]
"""The type of the setting. None if the variable is not set or empty: then there are no links."""


def _fault(value: str) -> str | None:
    if value.count(PLACE) != 1:
        return f"must contain {PLACE} exactly once"
    if not _URL.fullmatch(value) or re.search(r"[{}]", value.replace(PLACE, "")):
        return "must be a URL; it contains a character that a URL cannot have"
    try:
        parts = urlsplit(value)
        host = parts.hostname if parts.port != 0 else None
    except ValueError:
        return "must be a URL; its host or its port is wrong"
    if parts.scheme not in ("http", "https") or not host:
        return "must begin with http:// or https:// and a host"
    if "@" in parts.netloc:
        return "must not contain a user or a password, because it is shown in pages"
    if PLACE in parts.netloc:
        return f"must contain {PLACE} after the host"
    return None
