"""Limits of an HTTP server for its peers: sizes, times and connections, each with a safe default.

The services and the local issuer read the same variables.
"""

import ipaddress
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from libs.chassis.peers import Network

KEEP_ALIVE_SECONDS = 75
"""How long a connection without a request stays open. Clients close their connections after 5 to 60 seconds, so the
client closes first. If the server closed first, a request that is just being sent would be lost, for example the answer
to an offer."""


class HttpSettings(BaseSettings):
    """Limits of one process that serves HTTP."""

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, validate_by_name=True, validate_by_alias=True
    )

    head_bytes: int = Field(default=16_384, ge=1_024, validation_alias="ENLACE_HTTP_HEAD_BYTES")
    """The maximum size of request line and headers together."""
    head_seconds: float = Field(default=20.0, gt=0, validation_alias="ENLACE_HTTP_HEAD_SECONDS")
    """The maximum time from the first byte of a request, or from the start of a connection, to the end of the
    headers."""
    body_seconds: float = Field(default=20.0, gt=0, validation_alias="ENLACE_HTTP_BODY_SECONDS")
    """The time for a body. Each received `body_bytes_per_second` bytes add one second, up to `body_seconds_most`."""
    body_bytes_per_second: int = Field(default=500, ge=1, validation_alias="ENLACE_HTTP_BODY_BYTES_PER_SECOND")
    body_seconds_most: float = Field(default=300.0, gt=0, validation_alias="ENLACE_HTTP_BODY_SECONDS_MOST")
    bodies_in_memory_bytes: int = Field(default=64_000_000, ge=1, validation_alias="ENLACE_HTTP_BODIES_IN_MEMORY_BYTES")
    """The total size of the bodies of all requests that are being read or answered. One address may use a quarter."""
    stalled_seconds: float = Field(default=30.0, gt=0, validation_alias="ENLACE_HTTP_STALLED_SECONDS")
    """How long a peer may leave a response unread if the response does not fit into the buffers."""
    idle_seconds: int = Field(default=KEEP_ALIVE_SECONDS, ge=1, validation_alias="ENLACE_HTTP_IDLE_SECONDS")
    connections: int = Field(default=1_000, ge=1, validation_alias="ENLACE_HTTP_CONNECTIONS")
    """Connections that this process has open at the same time. At the limit, a new connection replaces the one that has
    been idle longest."""
    connections_per_peer: int = Field(default=400, ge=1, validation_alias="ENLACE_HTTP_CONNECTIONS_PER_PEER")
    """Connections of one address (IPv6: of one /64 network). Trusted proxies are not counted."""
    rate_peer_per_minute: int = Field(default=30_000, ge=0, validation_alias="ENLACE_RATE_PEER_PER_MINUTE")
    """Requests of one address (IPv6: of one /64 network), with or without a valid token. Trusted proxies are not
    counted. As for all limits per minute, each process counts alone, and 0 means no limit."""
    rate_client_per_minute: int = Field(default=6_000, ge=0, validation_alias="ENLACE_RATE_CLIENT_PER_MINUTE")
    """Requests of one client of the issuer, or of one person, if people share the client."""
    rate_unknown_per_minute: int = Field(default=120, ge=0, validation_alias="ENLACE_RATE_UNKNOWN_PER_MINUTE")
    """Responses 404 to one client or person, and searches for codes that nobody has. Five times as many are allowed at
    the same time. A caller that guesses ids and codes is refused above this limit."""
    rate_failed_per_minute: int = Field(default=60, ge=0, validation_alias="ENLACE_RATE_FAILED_PER_MINUTE")
    """Requests with invalid tokens from one address."""
    rate_secrets_per_minute: int = Field(default=10, ge=0, validation_alias="ENLACE_RATE_SECRETS_PER_MINUTE")
    """At the local issuer: wrong secrets of one client from one address."""
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = Field(
        default=(), validation_alias="ENLACE_TRUSTED_PROXIES"
    )
    """Addresses or networks, separated by commas, that may state the caller's address: `X-Forwarded-For`,
    `X-Forwarded-Proto` and the PROXY protocol (version 1). Empty: none."""

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, text: object) -> object:
        if not isinstance(text, str):
            return text
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


_RATES = [field for name, field in HttpSettings.model_fields.items() if name.startswith("rate_")]
UNLIMITED = {str(field.validation_alias): "0" for field in _RATES}
"""Variables that switch off the rate limits: for measurements, rehearsals and tests."""
