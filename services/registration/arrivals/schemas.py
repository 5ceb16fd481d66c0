"""Bodies and views of arrival batches, and the inputs of the actions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.events.catalogue.arrivals import (
    ArrivalBatchAnnounced,
    ArrivalBatchLanded,
    Identity,
    NeedTold,
    Profile,
    ReturneeArrived,
    ReturnFacts,
    SafeContactTold,
)
from libs.events.catalogue.parts import Part, Reference
from libs.events.codes import PlaceCode, TransportMode
from libs.events.event import SetAside
from libs.wire.values import Flag, Moment, Whole
from services.registration.arrivals.rules import BatchStatus, CancelReason
from services.registration.audit.rules import Actor
from services.registration.consent.schemas import ConsentTold, NamedConsentTold
from services.registration.wristbands.schemas import BandCode


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender, and the party in whose name it is recorded."""

    source: str
    """`client:<id>` or `person:<subject>` by REST, the CloudEvents source by event. References are kept apart by
    sender."""
    organization_id: UUID | None
    actor: Actor
    context: str | None
    """The trace context of the request or event."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """The announcement of a batch."""

    body: ArrivalBatchAnnounced
    sender: Sender
    told_at: datetime | None = None
    """When it was sent, by the sender's clock; None: now."""


@dataclass(frozen=True, slots=True)
class Landing:
    """The landing of a batch."""

    body: ArrivalBatchLanded
    sender: Sender
    told_at: datetime | None = None
    """When it was sent, by the sender's clock; None: now."""


@dataclass(frozen=True, slots=True)
class Coming:
    """The arrival of one person."""

    body: ReturneeArrived
    sender: Sender
    arrival_batch_id: UUID | None = None
    """The id of the batch in Enlace; otherwise the body may contain the sender's reference."""
    set_aside: tuple[SetAside, ...] | None = None
    """Optional parts that were invalid; None for REST, where nothing is set aside."""
    wristband_id: UUID | None = None
    """The band under which the person is registered; only by REST."""


class LandingBody(BaseModel):
    """The landing of an announced batch."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"people_count": 135}]})

    landed_at: Moment | None = None
    """If omitted: now."""
    people_count: Annotated[Whole, Field(ge=0, le=1000)]


class ReturneeIntake(Part):
    """The intake of one person. Five facts are required; the rest may follow."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "arrived_at": "2026-03-02T19:40:00Z",
                    "reception_place": "GT01",
                    "identity": {"given_names": "Sample Given", "family_names": "Sample Family"},
                    "profile": {"nationality": "GT", "identity_document": "lost_on_route"},
                }
            ]
        }
    )

    sender_reference: Reference | None = None
    """The sender's id of this arrival; if omitted, each request is a separate arrival."""
    arrival_batch_id: UUID | None = None
    """The id of the batch in Enlace; or use `batch_reference`."""
    batch_reference: Reference | None = None
    manifest_reference: Reference | None = None
    wristband: BandCode | None = None
    """The band that the person got before. Its batch counts if no other is named."""
    reception_place: PlaceCode | None = None
    """Where the person is. Required without a batch; with one, it is the place of the batch."""
    arrived_at: Moment
    identity: Identity
    profile: Profile
    return_facts: ReturnFacts | None = None
    household_reference: Reference | None = None
    household_size: Annotated[Whole, Field(ge=2, le=30)] | None = None
    stay_together: Flag = True
    needs: Annotated[list[NeedTold], Field(max_length=20)] = []
    consents: Annotated[list[ConsentTold], Field(max_length=20)] = []
    named_consents: Annotated[list[NamedConsentTold], Field(max_length=20)] = []
    """Consents that name one organisation each."""
    safe_contact: SafeContactTold | None = None

    def as_arrival(self, reference: str) -> ReturneeArrived:
        """The same data as an event has, with this reference of the sender."""
        told = {name: getattr(self, name) for name in ReturneeArrived.model_fields if name != "sender_reference"}
        return ReturneeArrived.model_construct(sender_reference=reference, **told)


class ArrivalBatchView(BaseModel):
    """A flight or bus, and the progress of its intake."""

    id: UUID
    sender_reference: str = Field(examples=["2026-03-02-flight-1"])
    status: BatchStatus
    mode: TransportMode | None
    carrier: str | None
    origin: str | None
    reception_place: str | None = Field(examples=["GT01"])
    expected_at: datetime | None
    landed_at: datetime | None
    people_count: int | None = Field(description="The number of people who arrived; null before landing")
    entries_count: int = Field(description="The number of people on the manifest")
    registered_count: int
    absent_count: int
    open_count: int = Field(description="Entries neither registered nor marked absent")
    open_wristbands: int = Field(description="People who have a wristband and are not registered yet")
    intake_completed_at: datetime | None
    cancelled_at: datetime | None = Field(description="Null unless it does not come")
    cancelled_because: CancelReason | None
    diverted_from: str | None = Field(description="The reception place that expected it before")
    created_at: datetime


class CancelBody(BaseModel):
    """Why the flight or bus does not come."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "not_departed"}]})

    reason: CancelReason


class DivertBody(BaseModel):
    """Where the flight or bus will arrive instead."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"reception_place": "GT12", "expected_at": "2026-03-02T21:00:00Z"}]},
    )

    reception_place: PlaceCode
    expected_at: Moment | None = None


class DivertedView(BaseModel):
    """A diverted batch. It now belongs to the other centre, so the caller may not see more of it."""

    id: UUID
    reception_place: str
    diverted_from: str
    diverted_at: datetime
