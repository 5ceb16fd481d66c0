"""The token matrix: every operation of a service, tried with every token that must not open it.

Operations come from the routes that the application serves, so that a new one is in the matrix without being named.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute
from joserfc import jwt
from joserfc.jwk import ECKey

from libs.chassis.auth import Requirement, requirement_of
from libs.chassis.tenancy import CallerKind
from libs.chassis.walls import WORKS_FOR
from tests.documented import JSON, Documented, documented
from tests.served import EVERY_AUDIENCE, IssuerForTests

CLAIMS_OF: dict[CallerKind, dict[str, Any]] = {
    CallerKind.ORGANIZATION: {"organization_id": "00000000-0000-4000-8000-00000000a77c"},
    CallerKind.STAFF: {"staff": True},
    CallerKind.RECEPTION: {"reception_places": ["GT"]},
    CallerKind.SERVICE: {"service": "attack"},
}
SHARED_READS = frozenset({"directory:read"})
"""What every organisation may read of every other: the directory itself."""
PACK_NAMES = {"instrument": "triage"}
"""Parameters that name a part of the pack, and no row."""
NAMES_OF_ROWS = {"member_ids": "returnee_id", "reference_returnee_id": "returnee_id", "into": "returnee_id"}
"""Fields of bodies that name a row by another name than paths do."""
SIGNED = frozenset({"POST /v1/grants/check"})
"""Bodies that are signed: no example is right. `tests/service/registration/test_grants.py` tries those of others."""
_PARAMETER = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one route."""

    method: str
    path: str
    requirement: Requirement
    documented: Documented
    """What it is sent: nothing that is refused for its form says whose rows it would have touched."""

    def filled(self, ids: dict[str, str]) -> str:
        """Its path with these values for its parameters, and a new id for each other."""
        named = PACK_NAMES | ids
        return _PARAMETER.sub(lambda match: named.get(match[1], str(uuid4())), self.path)


@dataclass(slots=True)
class Line:
    """One line of the table: an attack, how often it was tried, and where it was answered otherwise than it must be."""

    attack: str
    tries: int = 0
    deviations: list[str] = field(default_factory=list)


def operations_of(app: FastAPI) -> list[Operation]:
    """Every operation that asks for a caller."""
    document = app.openapi()
    return [
        Operation(method, route.path_format, requirement, documented(document, method, route.path_format))
        for route in app.routes
        if isinstance(route, APIRoute) and (requirement := requirement_of(route)) is not None
        for method in sorted(route.methods or ())
    ]


@dataclass(frozen=True, slots=True)
class Attack:
    """A way to present oneself: the Authorization header for an operation (None: no try), and the right refusal."""

    name: str
    header: Callable[[Operation], str | None]
    status: int
    code: str | None = None


class Forger:
    """Makes tokens as the issuer does, and as it never would."""

    def __init__(self, issuer: IssuerForTests) -> None:
        self._issuer = issuer.url
        self._key: ECKey = issuer.tokens.get_jwks().keys[0]  # type: ignore[assignment]

    def claims(self, operation: Operation, **changes: Any) -> dict[str, Any]:
        """Those of somebody who may call the operation, but for the changes; None takes a claim away."""
        now = int(time.time())
        kind = CLAIMS_OF[sorted(operation.requirement.by)[0]]
        rightful = {
            "iss": self._issuer, "aud": list(EVERY_AUDIENCE), "sub": "attacker", "client_id": "attacker",
            "iat": now, "exp": now + 300, "jti": str(uuid4()), "scope": operation.requirement.scope,
        }  # fmt: skip
        return {name: value for name, value in (rightful | kind | changes).items() if value is not None}

    def token(self, claims: dict[str, Any], *, key: ECKey | None = None, **header: Any) -> str:
        """The claims, signed by the issuer's key or another."""
        told = {"alg": "ES256", "typ": "at+jwt", "kid": self._key.kid} | header
        return jwt.encode({name: value for name, value in told.items() if value is not None}, claims, key or self._key)

    def unsigned(self, claims: dict[str, Any]) -> str:
        """`alg: none`, with nothing where the signature belongs."""
        return self._by_hand("none", claims) + "."

    def by_public_key(self, claims: dict[str, Any]) -> str:
        """HS256, with the published key as the secret; by hand, since libraries refuse to make it."""
        signed = self._by_hand("HS256", claims)
        signature = hmac.digest(self._key.as_pem(private=False), signed.encode(), "sha256")
        return f"{signed}.{_base64(signature)}"

    def _by_hand(self, algorithm: str, claims: dict[str, Any]) -> str:
        parts = ({"alg": algorithm, "typ": "at+jwt", "kid": self._key.kid}, claims)
        return ".".join(_base64(json.dumps(one).encode()) for one in parts)


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def attacks(issuer: IssuerForTests) -> Iterator[Attack]:
    """Every way of the matrix in which an operation must not be opened."""
    forger = Forger(issuer)
    stranger = ECKey.generate_key("P-256", private=True)
    now = int(time.time())

    def bad(name: str, make: Callable[[Operation], str]) -> Attack:
        return Attack(name, lambda operation: f"Bearer {make(operation)}", 401, "invalid-token")

    def with_claims(name: str, **changes: Any) -> Attack:
        return bad(name, lambda operation: forger.token(forger.claims(operation, **changes)))

    yield Attack("no token", lambda _: None, 401, "token-missing")
    yield Attack("another scheme", lambda _: "Basic eDp5", 401, "token-missing")
    yield bad("garbage", lambda _: "gar.ba.ge")
    yield with_claims("expired", iat=now - 7200, exp=now - 3600)
    yield with_claims("not yet", iat=now + 3600, exp=now + 7200)
    yield with_claims("wrong issuer", iss="https://elsewhere.example")
    yield with_claims("wrong audience", aud=["enlace", "enlace-elsewhere"])
    yield bad("alg none", lambda operation: forger.unsigned(forger.claims(operation)))
    yield bad("HS256 with the public key", lambda operation: forger.by_public_key(forger.claims(operation)))
    yield bad("unknown kid", lambda one: forger.token(forger.claims(one), key=stranger, kid="unknown"))
    yield bad("another's key under our kid", lambda one: forger.token(forger.claims(one), key=stranger))
    yield bad("missing typ", lambda operation: forger.token(forger.claims(operation), typ=None))
    yield bad("typ of an ID token", lambda operation: forger.token(forger.claims(operation), typ="JWT"))
    for claim in ("sub", "client_id", "jti", "exp", "iat", "aud"):
        yield with_claims(f"without {claim}", **{claim: None})
    yield with_claims("staff as a text", staff="true", organization_id=None)
    yield with_claims("organisation of another form", organization_id="everybody")
    yield from _of_the_wrong_caller(forger)


def _of_the_wrong_caller(forger: Forger) -> Iterator[Attack]:
    nobody = dict.fromkeys(("organization_id", "staff", "reception_places", "service"))

    def forbidden(name: str, make: Callable[[Operation], dict[str, Any] | None], code: str | None = None) -> Attack:
        def header(operation: Operation) -> str | None:
            changes = make(operation)
            return None if changes is None else f"Bearer {forger.token(forger.claims(operation, **changes))}"

        return Attack(name, header, 403, code)

    yield forbidden("without the scope", lambda _: {"scope": "things:read restricted:read"}, "insufficient-scope")
    yield forbidden("without any scope", lambda _: {"scope": None}, "insufficient-scope")
    yield forbidden("nobody's", lambda _: nobody, "tenant-missing")
    yield forbidden("nobody's with a desk", lambda _: nobody | {"desks": ["pgn-child-desk"]}, "tenant-missing")
    for kind, claims in CLAIMS_OF.items():
        yield forbidden(
            f"of the wrong kind: {kind}",
            lambda operation, kind=kind, claims=claims: (  # type: ignore[misc]
                None if kind in operation.requirement.by else nobody | claims
            ),
        )


async def token_matrix(app: FastAPI, client: httpx.AsyncClient, issuer: IssuerForTests) -> list[Line]:
    """Try every attack on every operation of the running application."""
    lines = []
    for attack in attacks(issuer):
        line = Line(attack.name)
        lines.append(line)
        for operation in operations_of(app):
            header = attack.header(operation)
            if header is None and attack.code != "token-missing":
                continue
            line.tries += 1
            answer = await _send(client, operation, {} if header is None else {"Authorization": header}, {})
            code = answer.json().get("code") if answer.content else None
            if answer.status_code != attack.status or attack.code not in (None, code):
                line.deviations.append(f"{operation.method} {operation.path}: {answer.status_code} {code}")
    return lines


async def foreign_rows(
    app: FastAPI, client: httpx.AsyncClient, issuer: IssuerForTests, *, database_url: str, stranger: UUID
) -> Line:
    """Call every operation that is for organisations as another one, with the ids of rows that are there.

    It must be answered as for a row that isn't there; no list may name such an id. Bodies are the documented ones, in
    which ids of rows stand too: one that is refused for its form would say nothing of rows.
    """
    line = Line("organisation of another tenant, real ids")
    ids = await _ids(database_url, operations_of(app))
    scopes = sorted({one.requirement.scope for one in operations_of(app)} | {"restricted:read"})
    theirs = issuer.headers(scopes, organization_id=stranger, client_id="stranger")
    for operation in operations_of(app):
        if CallerKind.ORGANIZATION not in operation.requirement.by or operation.requirement.scope in SHARED_READS:
            continue
        line.tries += 1
        named = _PARAMETER.findall(operation.path)
        in_body = _with_rows(operation.documented.body, ids) != operation.documented.body
        answer = await _send(client, operation, theirs, ids)
        like_nothing = await _send(client, operation, theirs, {})
        where = f"{operation.method} {operation.path}"
        if answer.status_code >= 500 or (named and answer.is_success and set(named) & set(ids)):
            line.deviations.append(f"{where}: {answer.status_code}")
        elif (named or in_body) and _said(answer) != _said(like_nothing):
            line.deviations.append(f"{where}: {_said(answer)}, of nothing {_said(like_nothing)}")
        elif not named and any(one in answer.text for one in ids.values() if one not in str(answer.request.content)):
            line.deviations.append(f"{where}: names a row of somebody else")
        elif answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY and not in_body and where not in SIGNED:
            line.deviations.append(f"{where}: what is documented is refused for its form: {answer.text[:300]}")
    return line


def _said(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code") if answer.content else None


async def _send(
    client: httpx.AsyncClient, operation: Operation, headers: dict[str, str], ids: dict[str, str]
) -> httpx.Response:
    more, told = {"Idempotency-Key": str(uuid4()), "If-Match": "*"}, operation.documented
    body = None if told.media != JSON else json.dumps(_with_rows(told.body, ids)).encode()
    if told.media:
        more["Content-Type"] = told.media
    path = operation.filled(ids)
    return await client.request(operation.method, path, params=told.query, headers=headers | more, content=body)


def _with_rows(told: Any, ids: dict[str, str]) -> Any:
    """The body with these ids in place of its own where a field has the name of one; in a list only in the first part,
    because no row may be named twice."""
    if isinstance(told, dict):
        return {name: _row(name, value, ids) for name, value in told.items()}
    return [*(_with_rows(one, ids) for one in told[:1]), *told[1:]] if isinstance(told, list) else told


def _row(name: str, value: Any, ids: dict[str, str]) -> Any:
    row = ids.get(NAMES_OF_ROWS.get(name, name))
    if row is None:
        return _with_rows(value, ids)
    return [row] if isinstance(value, list) else row


async def _ids(database_url: str, operations: list[Operation]) -> dict[str, str]:
    """For every parameter of a path a value of a row that is there: of the column of its name, or of the table's id."""
    found: dict[str, str] = {}
    connection = await asyncpg.connect(database_url, server_settings={WORKS_FOR: "service"})
    try:
        columns = await connection.fetch(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type = 'uuid' ORDER BY table_name"
        )
        for name in {parameter for one in operations for parameter in _PARAMETER.findall(one.path)}:
            for table, column in columns:
                if column == name or (column == "id" and f"{table}_id" == name):
                    statement = f'SELECT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL LIMIT 1'
                    value = await connection.fetchval(statement)
                    if value is not None:
                        found[name] = str(value)
                        break
    finally:
        await connection.close()
    return found
