"""Tokens on the command line, and a new partner's first connection."""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from uuid import UUID

import httpx

from deploy.local.clients import UnknownClientError
from deploy.local.installation import Installation, read_dotenv
from deploy.local.tokens import Client
from deploy.packs.directory import organization_id

STEWARD = "network-steward"
PARTNER_ROLES = ("provider",)


class NotRunningError(Exception):
    """The system does not run from this state directory."""


class RefusedError(Exception):
    """The issuer or a service refused; the text carries its code."""


def environment(installation: Installation) -> dict[str, str]:
    """The addresses of the running system. Raises NotRunningError."""
    try:
        return read_dotenv(installation.env_file.read_text(encoding="utf-8").splitlines())
    except FileNotFoundError as error:
        raise NotRunningError("nothing runs here; start it with `make up`") from error


def fetch_token(installation: Installation, client_id: str, *, scope: str = "") -> str:
    """An access token from the running issuer. Raises UnknownClientError, NotRunningError or RefusedError."""
    addresses = environment(installation)
    client = installation.clients.get(client_id)
    asked = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
    answer = httpx.post(
        addresses["ENLACE_TOKEN_URL"], data=asked, auth=(client.client_id, client.secret), trust_env=False
    )
    if answer.is_error:
        raise RefusedError(f"the issuer answered {answer.status_code}: {answer.json().get('error')}")
    return str(answer.json()["access_token"])


def slug_of(name: str) -> str:
    """A name as a client id: lower case, ASCII, hyphens. Raises UnknownClientError where nothing is left of it."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60]
    if len(slug) < 3:
        raise UnknownClientError("give the organisation's name: make partner NAME='Casa Nueva'")
    return slug


def add_partner(installation: Installation, name: str) -> str:
    """Add an organisation's client and return how it connects; the organisation is created where it is not there.

    A name that the pack's clients already have (or its slug) gives that client back.
    """
    addresses = environment(installation)
    slug = slug_of(name)
    client = installation.clients.find(slug)
    organization = client.organization_id if client and client.organization_id else organization_id(slug)
    _ensure_organization(installation, addresses["ENLACE_DIRECTORY_URL"], organization, name)
    if client is None:
        client = installation.clients.add(client_id=slug, organization=organization, roles=PARTNER_ROLES, name=name)
    return how_to_connect(client, addresses)


def _ensure_organization(installation: Installation, directory: str, organization: UUID, name: str) -> None:
    headers = {"Authorization": f"Bearer {fetch_token(installation, STEWARD)}"}
    url = f"{directory}/v1/organizations/{organization}"
    with httpx.Client(headers=headers, trust_env=False, timeout=30) as client:
        found = client.get(url)
        if found.status_code == httpx.codes.OK:
            return
        if found.status_code != httpx.codes.NOT_FOUND:
            raise RefusedError(_refusal(found))
        body = {"name": name, "description": ""}
        made = client.put(url, json=body, headers={"If-None-Match": "*"})
        if made.is_error:
            raise RefusedError(_refusal(made))


def _refusal(answer: httpx.Response) -> str:
    problem: dict[str, Any] = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    fields = "; ".join(f"{error.get('pointer')} {error.get('detail')}" for error in problem.get("errors") or [])
    return f"provider_directory answered {answer.status_code} {problem.get('code', '')} {fields}".strip()


def how_to_connect(client: Client, addresses: dict[str, str]) -> str:
    """The commands with which a partner fetches a token, reads its offers and asks for webhooks."""
    referral, notifications = addresses["ENLACE_REFERRAL_URL"], addresses["ENLACE_NOTIFICATIONS_URL"]
    return f"""\
organization_id  {client.organization_id}
client_id        {client.client_id}
client_secret    {client.secret}
scopes           {" ".join(sorted(client.scopes))}

TOKEN=$(curl -s -u '{client.client_id}:{client.secret}' -d grant_type=client_credentials \\
  {addresses["ENLACE_TOKEN_URL"]} | python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])')

# Offers by polling:
curl -H "Authorization: Bearer $TOKEN" '{referral}/v1/offers?status=pending'

# Offers by webhook (the answer holds the signing secret, once):
curl -X POST -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: $(date +%s)" -H 'Content-Type: application/json' \\
  -d '{{"url": "https://your.host/webhooks/enlace"}}' {notifications}/v1/endpoints
"""
