"""The API document: every error is declared as a problem document, security schemes have their scopes."""

import re
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from libs.chassis.auth import SCHEME, requirement_of
from libs.chassis.problems import MEDIA_TYPE, TYPE_PREFIX, Problem, declared

_CODE = re.compile(r"`[a-z-]+`")
_FRAMEWORK_SCHEMAS = ("HTTPValidationError", "ValidationError")


def install_openapi(app: FastAPI, *, token_url: str) -> None:
    """Make `app.openapi()` return the completed document; it is built once, at the first call."""
    app.openapi = _builder(app, token_url)  # type: ignore[method-assign]


def _builder(app: FastAPI, token_url: str) -> Callable[[], dict[str, Any]]:
    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            _declare_callers(app, document)
            complete(document, token_url=token_url)
            app.openapi_schema = document
        return app.openapi_schema

    return openapi


def complete(document: dict[str, Any], *, token_url: str) -> None:
    """Add to `document` what applies to every operation."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in _FRAMEWORK_SCHEMAS:
        schemas.pop(name, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs", {})
    schemas["Problem"] = problem
    scopes: set[str] = set()
    for path in document.get("paths", {}).values():
        for operation in path.values():
            _declare_errors(operation)
            for requirement in operation.get("security", []):
                scopes |= set(requirement.get(SCHEME, []))
    scheme = components.get("securitySchemes", {}).get(SCHEME)
    if scheme is not None:
        flow = {"tokenUrl": token_url, "scopes": {scope: _meaning(scope) for scope in sorted(scopes)}}
        scheme["flows"] = {"clientCredentials": flow}


def _declare_callers(app: FastAPI, document: dict[str, Any]) -> None:
    """Declare for each operation who may call it (`x-callers`), and the codes for other callers."""
    for route in app.routes:
        requirement = requirement_of(route) if isinstance(route, APIRoute) else None
        if requirement is None or not isinstance(route, APIRoute):
            continue
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            operation["x-callers"] = sorted(requirement.by)
            codes, known = requirement.refusals(), operation.setdefault("responses", {}).get("403")
            named = [] if known is None else _CODE.findall(known["description"])
            operation["responses"]["403"] = declared(403, list(dict.fromkeys([*codes, *(n.strip("`") for n in named)])))


def _declare_errors(operation: dict[str, Any]) -> None:
    responses: dict[str, Any] = operation.setdefault("responses", {})
    if "HTTPValidationError" in str(responses.get("422", "")):
        del responses["422"]
    common = {"500": declared(500, ["internal-error"]), "503": declared(503, ["unavailable"])}
    common["429"] = _too_many()
    if operation.get("security"):
        common["401"] = declared(401, ["token-missing", "invalid-token"])
        common["403"] = declared(403, ["insufficient-scope"])
    if operation.get("parameters") or operation.get("requestBody"):
        common["422"] = declared(422, ["invalid-input"])
    headers = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "header"}
    if "If-Match" in headers:
        common["412"] = declared(412, ["version-mismatch"])
        common["428"] = declared(428, ["precondition-required"])
    if "Idempotency-Key" in headers:
        common["400"] = declared(400, ["idempotency-key-missing", "idempotency-key-invalid", "bad-request"])
        common["409"] = declared(409, ["idempotency-in-flight"])
    if operation.get("requestBody"):
        common.setdefault("400", declared(400, ["bad-request"]))
        common["413"] = declared(413, ["body-too-large"])
    for status, response in common.items():
        known = responses.setdefault(status, response)
        missing = [code for code in _CODE.findall(response["description"]) if code not in known["description"]]
        known["description"] += "".join(f", {code}" for code in missing)
    operation["responses"] = dict(sorted(responses.items()))


def _too_many() -> dict[str, Any]:
    """The response to too many requests, which is possible for every operation."""
    response = declared(429, ["too-many-requests"])
    fields = {"Retry-After": "Seconds to wait", "RateLimit-Policy": "The limit", "RateLimit": "What is left of it"}
    response["headers"] = {name: {"description": what, "schema": {"type": "string"}} for name, what in fields.items()}
    response["content"][MEDIA_TYPE]["example"] = {
        "type": f"{TYPE_PREFIX}too-many-requests",
        "title": "Too many requests",
        "status": 429,
        "code": "too-many-requests",
        "detail": "Too many requests.",
        "errors": [],
        "trace_id": None,
        "violated_policies": ["client"],
    }
    return response


def _meaning(scope: str) -> str:
    noun, _, verb = scope.partition(":")
    return f"{verb} {noun}".strip()
