"""Pages from templates, and what a page may do in the browser: nothing from elsewhere, no inline script, no inline
style, nothing stored."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from libs.chassis.logs import get_logger
from libs.chassis.trace_links import trace_link
from services.console import assets, charts, menu
from services.console.filled import Filled
from services.console.forms import CSRF_FIELD, KEY_FIELD
from services.console.labels import LABELS, label, options, refusal
from services.console.labels.refusals import REFUSALS
from services.console.people import Person, console_of, moments_of, session_of, words_of
from services.console.templating import OneLanguage
from services.console.words import Words, all_words

log = get_logger(__name__, fields=("table",))
TEMPLATES: Final = Path(__file__).parent / "templates"


def _options() -> dict[str, Any]:
    """How templates are read."""
    return {
        "loader": FileSystemLoader(TEMPLATES),
        "autoescape": True,
        "undefined": StrictUndefined,
        "extensions": ["jinja2.ext.i18n"],
        "trim_blocks": True,
        "lstrip_blocks": True,
    }


def reader() -> Environment:
    """Templates without a language: the catalogues are made with it, so they have exactly the texts of the pages."""
    return Environment(**_options())  # noqa: S701 (autoescape is among the options)


@cache
def _environment(language: str) -> Environment:
    words = all_words()[language]
    environment = OneLanguage.of(words.catalogue, **_options())
    environment.globals |= {
        "asset": assets.asset,
        "script": assets.script,
        "style": assets.style,
        "charts": charts,
        "Filled": Filled,
        "CSRF_FIELD": CSRF_FIELD,
        "KEY_FIELD": KEY_FIELD,
        "label": partial(_label, words),
        "refusal": partial(_refusal, words),
        "rule": partial(_rule, words),
        "options_of": lambda group: options(words, group),
        "query": lambda **values: urlencode({name: value for name, value in values.items() if value}, doseq=True),
    }
    return environment


def _label(words: Words, table: str, code: str | None) -> str:
    """The words for a code. A code without words is a fault of the console, and logged."""
    if code is not None and code not in LABELS[table]:
        log.warning("label.missing", table=table, code=code)
    return label(words, table, code)


def _rule(words: Words, rule: str) -> str:
    """What is wrong with a value, by the rule that it breaks."""
    if rule not in LABELS["rule"]:
        log.warning("label.missing", table="rule", code=rule)
        return words("This value is not as it must be.")
    return label(words, "rule", rule)


def _refusal(words: Words, code: str) -> str:
    if code not in REFUSALS:
        log.warning("refusal.missing", code=code)
    return refusal(words, code)


def render(
    request: Request, template: str, *, status: int = 200, person: Person | None = None, **values: Any
) -> Response:
    """A page. Every template gets the person, the menu, words and times."""
    console = console_of(request)
    words, moments = words_of(request), moments_of(request)
    session = person.session if person is not None else session_of(request)
    is_part = request.headers.get("hx-request") == "true"
    shown: dict[str, Any] = {
        "request": request,
        "path": request.url.path,
        "session": session,
        "rights": None if session is None else session.rights,
        "csrf": "" if session is None else session.csrf,
        "menu": menu.of(None if session is None else session.rights),
        "words": words,
        "languages": all_words().values(),
        "moments": moments,
        "pack": console.pack,
        "trace_link": partial(trace_link, console.settings.trace_url) if console.settings.trace_url else None,
        # A part of a page does not show what was done: the page that the person goes to shows it.
        "said": [] if session is None or is_part else _take(session.said),
    }
    text = _environment(words.language).get_template(template).render(shown | values)
    return HTMLResponse(text, status, _headers(request))


def _take(said: list[str]) -> list[str]:
    taken = list(said)
    said.clear()
    return taken


def _headers(request: Request) -> Mapping[str, str]:
    console = console_of(request)
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "manifest-src": "'self'",
        # A form that is sent without a session leads to the issuer, which browsers count as the form's target.
        "form-action": f"'self' {console.issuer.known_origin}".strip(),
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        # With `no-referrer` browsers would send forms with the origin "null".
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
        "Vary": "Cookie, Accept-Language",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    if console.settings.is_https:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return headers


def go(path: str) -> Response:
    """Go to another page after a form was sent, so that a reload repeats nothing."""
    return RedirectResponse(path, 303, {"Cache-Control": "no-store"})


def done(person: Person, message: str, path: str) -> Response:
    """Go to another page and say there what was done."""
    person.session.said.append(message)
    return go(path)
