"""Views of the event bus of one service. They contain ids, codes, numbers and times only."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from libs.events.standing import StoppedReason


class OutboxView(BaseModel):
    """Committed events that Kafka has not acknowledged yet."""

    events: int = Field(description="The number of these events. Counting stops at ten thousand", examples=[0])
    more: bool = Field(description="True if there are more than were counted")
    refused: int = Field(description="The number of counted events that Kafka refuses")
    oldest_age_seconds: float = Field(description="The age of the oldest event; 0 if there is none")
    relay_leads: bool = Field(description="Whether a relay publishes the events now")
    held_since: datetime | None = Field(description="Since when an operator holds the relay; null if it is not held")


class StoppedPartitionView(BaseModel):
    """A partition that waits for an operator."""

    topic: str
    partition: int
    since: datetime = Field(description="When an event of the partition was processed last")
    reason: StoppedReason


class ParkedKeyView(BaseModel):
    """A key whose events wait for an operator."""

    topic: str
    key_id: UUID | None = Field(description="The id that is the key; null if the key is not an id")
    since: datetime
    reason: str = Field(description="The code of the reason why its first event is parked", examples=["handler"])
    events: int = Field(description="The number of its parked events. Counting stops at a thousand")
    retry_requested: bool


class ParkedView(BaseModel):
    """Keys whose events wait for an operator."""

    keys: int
    keys_of_senders: int = Field(
        description="How many of the keys are references of reception systems, which are not shown"
    )
    oldest_age_seconds: float = Field(description="How long the oldest key has been waiting; 0 if there is none")
    items: list[ParkedKeyView] = Field(description="The keys that have waited longest, at most 20")


class ConsumerView(BaseModel):
    """The partitions that the answering process consumes."""

    partitions: int
    lag_events: int | None = Field(description="Events not processed yet; null if the end of a log is not known")
    lag_age_seconds: float = Field(description="How long the oldest of these events has been waiting")


class ClientRebuildsView(BaseModel):
    """How often the answering process has replaced its clients of Kafka, since it started."""

    consumer: int
    producer: int


class EventBusView(BaseModel):
    """What waits, and what is stuck, in the event bus of this service."""

    outbox: OutboxView
    stopped_partitions: list[StoppedPartitionView]
    parked: ParkedView
    consumer: ConsumerView | None = Field(
        description="Null if the answering process consumes nothing, because other processes of the service do"
    )
    client_rebuilds: ClientRebuildsView
