"""Prints tokens and adds partners on the command line, for any running installation.

A dotenv file contains what is needed: the addresses, and the key with which a local issuer gives its clients' secrets.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from deploy.local.clients import UnknownClientError
from deploy.local.installation import read_dotenv
from deploy.packs.directory import organization_id

STEWARD = "network-steward"
INTAKE_DESK = "reception-intake-desk"
OFFICER = "data-protection-officer"
KEY = "ENLACE_ISSUER_KEY"


class NotRunningError(Exception):
    """The installation does not exist or does not run; the text says what to do."""


class RefusedError(Exception):
    """The issuer or a service refused; the text contains the code."""


@dataclass(frozen=True)
class KnownClient:
    """The data about a client that the commands need."""

    client_id: str
    client_secret: str
    organization_id: str | None = None
    scopes: tuple[str, ...] = ()


def environment(path: Path) -> dict[str, str]:
    """The addresses in this file of an installation. Raises NotRunningError if the file does not exist."""
    try:
        return read_dotenv(path.read_text(encoding="utf-8").splitlines())
    except FileNotFoundError as error:
        hint = "start it with `make up`, or name the file of another installation in ENLACE_ENV"
        raise NotRunningError(f"nothing runs here, there is no {path}; {hint}") from error


def secret_variable(client_id: str) -> str:
    """The variable with a client's secret, in the file of an installation whose issuer does not give secrets."""
    return f"ENLACE_CLIENT_SECRET_{re.sub(r'[^A-Z0-9]', '_', client_id.upper())}"


def find_client(addresses: Mapping[str, str], client_id: str) -> KnownClient:
    """A client with its secret, from the file or otherwise from the local issuer.

    Raises UnknownClientError, NotRunningError or RefusedError.
    """
    known = addresses.get(secret_variable(client_id))
    if known:
        return KnownClient(client_id, known)
    if not addresses.get(KEY):
        raise UnknownClientError(
            f"the issuer of this installation keeps its clients itself: write the secret of {client_id} into the file"
            f" that ENLACE_ENV names, as {secret_variable(client_id)}"
        )
    answer = _ask_issuer(addresses, "GET", client_id)
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise UnknownClientError(str(answer.json()["detail"]))
    return _client_in(answer)


def fetch_token(addresses: Mapping[str, str], client_id: str, *, scope: str = "") -> str:
    """An access token from the running issuer. Raises UnknownClientError, NotRunningError or RefusedError."""
    client = find_client(addresses, client_id)
    asked = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
    answer = _call("POST", addresses["ENLACE_TOKEN_URL"], data=asked, auth=(client.client_id, client.client_secret))
    if answer.is_error:
        raise RefusedError(f"the issuer answered {answer.status_code}: {answer.json().get('error')}")
    return str(answer.json()["access_token"])


def _ask_issuer(addresses: Mapping[str, str], method: str, client_id: str, body: Any = None) -> httpx.Response:
    url = f"{addresses['ENLACE_ISSUER_URL']}/clients/{client_id}"
    return _call(method, url, json=body, headers={"Authorization": f"Bearer {addresses[KEY]}"})


def _client_in(answer: httpx.Response) -> KnownClient:
    if answer.is_error:
        raise RefusedError(f"the issuer answered {answer.status_code}")
    found = answer.json()
    return KnownClient(found["client_id"], found["client_secret"], found["organization_id"], tuple(found["scopes"]))


def _call(method: str, url: str, **more: Any) -> httpx.Response:
    try:
        return httpx.request(method, url, trust_env=False, timeout=30, **more)
    except httpx.TransportError as error:
        raise NotRunningError(f"nothing answers at {url}: {type(error).__name__}") from error


def slug_of(name: str) -> str:
    """A name as a client id: lower case, ASCII, hyphens. Raises UnknownClientError if less than 3 characters remain."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60]
    if len(slug) < 3:
        raise UnknownClientError("give the organisation's name: make partner NAME='Casa Nueva'")
    return slug


def add_partner(addresses: Mapping[str, str], name: str) -> str:
    """Add an organisation's client; returns a text that says how it connects. A missing organisation is created.

    If a client with this id already exists, for example in the pack, that client is used.
    """
    if not addresses.get(KEY):
        raise RefusedError("the issuer of this installation keeps its clients itself: its operator adds this one there")
    slug = slug_of(name)
    there = _ask_issuer(addresses, "GET", slug)
    client = None if there.status_code == httpx.codes.NOT_FOUND else _client_in(there)
    organization = UUID(client.organization_id) if client and client.organization_id else organization_id(slug)
    _ensure_organization(addresses, organization, name)
    if client is None:
        body = {"organization_id": str(organization), "name": name}
        client = _client_in(_ask_issuer(addresses, "PUT", slug, body))
    return how_to_connect(client, addresses)


def _ensure_organization(addresses: Mapping[str, str], organization: UUID, name: str) -> None:
    headers = {"Authorization": f"Bearer {fetch_token(addresses, STEWARD)}"}
    url = f"{addresses['ENLACE_DIRECTORY_URL']}/v1/organizations/{organization}"
    found = _call("GET", url, headers=headers)
    if found.status_code == httpx.codes.OK:
        return
    if found.status_code != httpx.codes.NOT_FOUND:
        raise RefusedError(_refusal(found))
    made = _call("PUT", url, json={"name": name, "description": ""}, headers=headers | {"If-None-Match": "*"})
    if made.is_error:
        raise RefusedError(_refusal(made))


def _refusal(answer: httpx.Response) -> str:
    problem: dict[str, Any] = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    fields = "; ".join(f"{error.get('pointer')} {error.get('detail')}" for error in problem.get("errors") or [])
    return f"provider_directory answered {answer.status_code} {problem.get('code', '')} {fields}".strip()


def how_to_connect(client: KnownClient, addresses: Mapping[str, str]) -> str:
    """A text with the partner's credentials and the commands that fetch a token, read offers and add an endpoint."""
    referral, notifications = addresses["ENLACE_REFERRAL_URL"], addresses["ENLACE_NOTIFICATIONS_URL"]
    return f"""\
organization_id  {client.organization_id}
client_id        {client.client_id}
client_secret    {client.client_secret}
scopes           {" ".join(sorted(client.scopes))}

TOKEN=$(curl -s -u '{client.client_id}:{client.client_secret}' -d grant_type=client_credentials \\
  {addresses["ENLACE_TOKEN_URL"]} | python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])')

# Offers by polling:
curl -H "Authorization: Bearer $TOKEN" '{referral}/v1/offers?status=pending'

# Offers by webhook (the answer holds the signing secret, once):
curl -X POST -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: $(date +%s)" -H 'Content-Type: application/json' \\
  -d '{{"url": "https://your.host/webhooks/enlace"}}' {notifications}/v1/endpoints
"""
