"""The API document and the page that shows it (`/openapi.json`, `/docs`), without files from other servers.

Swagger UI comes from the package `fastapi-offline`, whose hash is in `uv.lock`; its files are those of
`swagger-ui-dist` (Apache License 2.0). The page only shows the document and sends no requests to the API, so that
nobody enters a secret. The document and the page are served only if `ENLACE_API_DOCS` is `open`. Why: docs/decisions.
"""

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable
from functools import cache
from html import escape
from importlib.resources import files

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.routing import Route

PAGE = "/docs"
DOCUMENT = "/openapi.json"
_START = b"""SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#page",
  validatorUrl: null,
  supportedSubmitMethods: [],
  deepLinking: true,
});
"""
_HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css" integrity="{css}" crossorigin="anonymous">
</head>
<body>
<div id="page"></div>
<script src="docs/swagger-ui.js" integrity="{js}" crossorigin="anonymous"></script>
<script src="docs/start.js" integrity="{start}" crossorigin="anonymous"></script>
</body>
</html>
"""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Only for this page: scripts and styles are loaded only from this server; icons are part of the styles."""


def install_api_pages(app: FastAPI) -> None:
    """Serve the document and its page. Their content is created at the first request and then cached."""
    parts = {
        "swagger-ui.css": (_packaged("swagger-ui.css"), "text/css; charset=utf-8"),
        "swagger-ui.js": (_packaged("swagger-ui-bundle.js"), "text/javascript; charset=utf-8"),
        "start.js": (lambda: _START, "text/javascript; charset=utf-8"),
    }

    def page() -> bytes:
        css, js, start = (_integrity(parts[name][0]()) for name in parts)
        return _HTML.format(title=escape(app.title), css=css, js=js, start=start).encode()

    def document() -> bytes:
        return json.dumps(app.openapi(), ensure_ascii=False, separators=(",", ":")).encode()

    _add(app, PAGE, page, "text/html; charset=utf-8", {"Content-Security-Policy": _POLICY})
    _add(app, DOCUMENT, document, "application/json")
    for name, (content, media_type) in parts.items():
        _add(app, f"{PAGE}/{name}", content, media_type)


def _add(
    app: FastAPI, path: str, content: Callable[[], bytes], media_type: str, headers: dict[str, str] | None = None
) -> None:
    kept = cache(content)
    answer = _answering(kept, media_type, headers or {})
    app.router.routes.append(Route(path, answer, methods=["GET"], include_in_schema=False))


def _answering(
    content: Callable[[], bytes], media_type: str, headers: dict[str, str]
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        return Response(content(), media_type=media_type, headers=headers)

    return answer


def _packaged(name: str) -> Callable[[], bytes]:
    return (files("fastapi_offline") / "static" / name).read_bytes


def _integrity(content: bytes) -> str:
    """The hash of a file in the form that Subresource Integrity (W3C) requires."""
    return f"sha384-{base64.b64encode(hashlib.sha384(content).digest()).decode()}"
