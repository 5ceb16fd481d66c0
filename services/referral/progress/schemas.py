"""Numbers of needs by arrival batch, and waiting times. Nothing in them names a person."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from libs.chassis.paging import Count


class BatchProgressView(BaseModel):
    """How far the needs of one flight or bus are. Each need is in exactly one of the classes, whose sum is `needs`."""

    batch_id: UUID
    people: int = Field(description="People of whom referral knows. Erased people and merged records are not counted")
    needs: int = Field(
        description="Their needs; needs of restricted categories only with `restricted:read` and certificates"
    )
    seeking: int = Field(description="Open, without a live offer")
    offered: int = Field(description="Open, and a provider has to answer an offer")
    accepted: int = Field(description="Open, and a provider has accepted")
    in_service: int = Field(description="Open, and a provider has begun")
    met: int
    refused: int = Field(description="The returnee did not want help")
    closed: int
    waitlisted: int = Field(description="Open, and waits in a queue for a place")
    blocked: int = Field(description="Open, and another need must be met first")
    awaiting_review: int = Field(description="Open, and a desk has to decide a review")
    owned_by_desk: int = Field(
        description="Open, with a desk as owner, without a provider, and not in review; also if it still seeks, is in a"
        " queue or is blocked"
    )
    people_without_offer: int = Field(
        description="People with an open need of whom no need has been offered to any provider yet"
    )


class ProgressView(BaseModel):
    """The requested batches, each once, in the requested order."""

    items: list[BatchProgressView]


class WaitView(BaseModel):
    """How long waits took that ended in the period, in seconds. Null if none ended."""

    count: int
    median_seconds: int | None
    p90_seconds: int | None = Field(description="Nine of ten waits were not longer")
    worst_seconds: int | None


class WaitingView(BaseModel):
    """What waits now. Counting stops at a thousand."""

    waiting: Count
    oldest_seconds: int | None = Field(description="How long the oldest has waited; null if none waits")


class WaitingTimesView(BaseModel):
    """How long people wait."""

    as_of: datetime
    hours: int = Field(description="The period before `as_of`")
    to_first_offer: WaitView = Field(description="From the report of a need to the first offer for it")
    to_answer: WaitView = Field(
        description="From an offer to its acceptance or decline; services that accept automatically answer at once"
    )
    without_offer: WaitingView = Field(
        description="Needs with a live referral and without an offer now: they seek, are in a queue, in review or"
        " blocked. The age counts from the report of the need"
    )
    without_answer: WaitingView = Field(description="Offers that are neither accepted, declined nor ended")
