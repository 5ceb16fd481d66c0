"""Bodies and views of arrival batches, and the inputs of the actions."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from libs.chassis.errors import InvalidInput
from libs.chassis.validation import field_errors
from libs.events.catalogue.arrivals import (
    ArrivalBatchAnnounced,
    ArrivalBatchLanded,
    Identity,
    NeedTold,
    Part,
    Profile,
    Reference,
    ReturneeArrived,
    ReturnFacts,
    SafeContactTold,
)
from libs.events.codes import PlaceCode, TransportMode
from libs.events.event import SetAside
from libs.wire.values import Flag, Moment, Whole
from services.registration.arrivals.rules import BatchStatus
from services.registration.audit.rules import Actor
from services.registration.consent.schemas import ConsentTold
from services.registration.manifests.rules import CsvError, read_csv


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
    intake_completed_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CsvParameters:
    """The fields of a batch that a CSV manifest cannot contain; they are in the query."""

    sender_reference: str | None
    mode: str | None
    carrier: str | None
    origin: str | None
    reception_place: str | None
    expected_at: datetime | None

    def given(self) -> dict[str, object]:
        """Those that were sent."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def announcement_from_json(body: bytes) -> ArrivalBatchAnnounced:
    """A batch from a JSON body; raises InvalidInput that names each field at fault."""
    try:
        return ArrivalBatchAnnounced.model_validate_json(body)
    except ValidationError as error:
        raise _invalid(error, _parsed(body)) from None


def announcement_from_csv(body: bytes, parameters: CsvParameters) -> ArrivalBatchAnnounced:
    """A batch from a CSV manifest and its parameters; raises InvalidInput that names each row and field at fault."""
    try:
        manifest = read_csv(body)
    except CsvError as error:
        raise InvalidInput("The manifest breaks a rule; nothing was stored.", errors=error.errors) from None
    told = {**parameters.given(), "entries": manifest.rows}
    try:
        return ArrivalBatchAnnounced.model_validate(told)
    except ValidationError as error:
        raise _invalid(error, told, lines=manifest.lines, parameters=True) from None


def announcement_schema() -> dict[str, Any]:
    """The JSON Schema of an announcement without references. The route parses its body itself, so FastAPI adds no
    component for it."""
    schema = ArrivalBatchAnnounced.model_json_schema()
    parts: dict[str, Any] = schema.pop("$defs")

    def whole(part: Any) -> Any:
        if isinstance(part, list):
            return [whole(item) for item in part]
        if not isinstance(part, dict):
            return part
        rest = {name: whole(value) for name, value in part.items() if name != "$ref"}
        return {**whole(parts[part["$ref"].rpartition("/")[2]]), **rest} if "$ref" in part else rest

    inlined: dict[str, Any] = whole(schema)
    return inlined


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _invalid(error: ValidationError, told: Any, *, lines: Sequence[int] = (), parameters: bool = False) -> InvalidInput:
    """The errors of pydantic without the values; for CSV with the line in the file, and with parameters by their
    names."""
    findings: list[dict[str, Any]] = [
        {**finding, "loc": ("body", *finding["loc"])}
        for finding in error.errors(include_url=False, include_context=False)
    ]
    faults = []
    for finding, fault in zip(findings, field_errors(findings, told), strict=True):
        path = finding["loc"][1:]
        if lines and len(path) > 1 and path[0] == "entries" and isinstance(path[1], int):
            fault = replace(fault, detail=f"Line {lines[path[1]]}: {fault.detail}")
        elif parameters and len(path) == 1:
            fault = replace(fault, pointer=str(path[0]))
        faults.append(fault)
    return InvalidInput("The body breaks a rule; nothing was stored.", errors=faults)
