"""Bodies and views of endpoints."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

from libs.chassis.paging import Count
from libs.wire.values import Whole
from services.notifications.endpoints.rules import (
    OVERLAP_DEFAULT_HOURS,
    OVERLAP_MAX_HOURS,
    URL_CHARACTERS_MAX,
    DisabledReason,
    EndpointStatus,
    NotifiedType,
)

Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=URL_CHARACTERS_MAX,
        description="https, a public host, no credentials, no fragment; redirects are never followed",
        examples=["https://hooks.casa-sample.example/enlace"],
    ),
]
EventTypes = Annotated[
    list[NotifiedType] | None,
    Field(
        min_length=1,
        max_length=len(NotifiedType),
        description="Only these types are sent; null or omitted: all types",
        examples=[["offer.made.v1", "offer.recalled.v1"]],
    ),
]


class Body(BaseModel):
    """Base of request bodies. Unknown fields are refused, so that a misspelt field is not ignored."""

    model_config = ConfigDict(extra="forbid")


class NewEndpoint(Body):
    """A webhook endpoint to register."""

    url: Url
    event_types: EventTypes = None


class EndpointChange(Body):
    """The changes of an endpoint; a field that is omitted does not change."""

    url: Url | None = None
    event_types: EventTypes = None

    @field_validator("url", mode="before")
    @classmethod
    def _is_not_taken_away(cls, url: object) -> object:
        if url is None:
            raise ValueError("an endpoint always has a URL; omit the field to keep the present one")
        return url


class Rotation(Body):
    """How to change a secret."""

    overlap_hours: Annotated[
        Whole,
        Field(
            ge=0,
            le=OVERLAP_MAX_HOURS,
            description="How long webhooks are also signed with the old secret; 0 if the old secret has leaked",
        ),
    ] = OVERLAP_DEFAULT_HOURS


class EndpointView(BaseModel):
    """A webhook endpoint as its organisation sees it."""

    id: UUID
    url: str
    event_types: list[NotifiedType] | None
    status: EndpointStatus
    disabled_reason: DisabledReason | None
    failing_since: datetime | None = Field(description="The first failed attempt since the last successful one")
    paused_until: datetime | None = Field(description="Your server has requested a pause until this time (Retry-After)")
    created_at: datetime
    changed_at: datetime
    version: int


class EndpointWithSecret(EndpointView):
    """A webhook endpoint with the secret that signs its webhooks."""

    secret: str | None = Field(
        description="Shown only in this response (and when the request is repeated with its Idempotency-Key); "
        "null when it is not valid any more",
        examples=["whsec_c2FtcGxlLXNlY3JldC1zYW1wbGUtc2VjcmV0LTAwMDA="],
    )


class EndpointInTrouble(BaseModel):
    """An endpoint whose last attempts failed, for operators: no URL, because URLs can contain secrets."""

    organization_id: UUID
    endpoint_id: UUID
    status: EndpointStatus = Field(description="disabled: nothing is sent until the organisation enables it again")
    disabled_reason: DisabledReason | None
    since: datetime = Field(description="The first failed attempt since the last successful one")
    failed_attempts: int = Field(description="Failed attempts of the deliveries that wait")
    waiting_deliveries: int = Field(description="Deliveries that wait for an attempt. Counting stops at a thousand")


class EndpointsInTrouble(BaseModel):
    """The endpoints that fail, or were disabled because they failed; not those that their organisation disabled."""

    total: Count
    items: list[EndpointInTrouble] = Field(description="Those that have failed for the longest time, at most 50")
