"""The routes of the local issuer for the installation's commands: read a client's secret, add a partner's client.

They require the installation's key (`ENLACE_ISSUER_KEY`), which is stored together with the secrets.
"""

from __future__ import annotations

import hmac
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from deploy.local.clients import ClientBook, UnknownClientError
from deploy.local.tokens import Client

PARTNER_ROLES = ("provider",)


class NewPartner(BaseModel):
    """An organisation that gets a client."""

    model_config = ConfigDict(extra="forbid")

    organization_id: UUID
    name: str = Field(min_length=1, max_length=300)


def admin_routes(book: ClientBook, key: str) -> APIRouter:
    """`GET /clients/{client_id}` and `PUT /clients/{client_id}`."""
    router = APIRouter()

    def require_key(authorization: str | None) -> None:
        if not hmac.compare_digest((authorization or "").encode(), f"Bearer {key}".encode()):
            raise HTTPException(401, "this needs the installation's key")

    @router.get("/clients/{client_id}")
    def shown(client_id: str, authorization: Annotated[str | None, Header()] = None) -> dict[str, Any]:
        """A client, with its secret."""
        require_key(authorization)
        try:
            return _view(book.get(client_id))
        except UnknownClientError as error:
            raise HTTPException(404, str(error)) from None

    @router.put("/clients/{client_id}")
    def added(
        client_id: str, partner: NewPartner, authorization: Annotated[str | None, Header()] = None
    ) -> dict[str, Any]:
        """The client of a partner; it is added if no client has this id."""
        require_key(authorization)
        known = book.find(client_id)
        return _view(
            known
            or book.add(
                client_id=client_id, organization=partner.organization_id, roles=PARTNER_ROLES, name=partner.name
            )
        )

    return router


def _view(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "client_secret": client.secret,
        "organization_id": client.organization_id and str(client.organization_id),
        "scopes": sorted(client.scopes),
    }
