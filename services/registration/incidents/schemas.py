"""Bodies and views of incidents."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.wire.values import Moment
from services.registration.audit.rules import AccessKind, AccessPurpose
from services.registration.incidents.rules import IncidentKind, IncidentStatus, Measure, NotRequired
from services.registration.protection import Duty, DutySetBy

Actor = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@|-]*$", max_length=200)]
"""The id of a client, or the subject of a person's token, as the record of access shows it."""
_CLIENT = "casa-del-migrante"


class IncidentBody(BaseModel):
    """An incident, in codes."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "kind": "stolen_access",
                    "client_id": _CLIENT,
                    "began_at": "2026-03-02T08:00:00Z",
                    "ended_at": "2026-03-02T11:30:00Z",
                    "known_at": "2026-03-02T12:00:00Z",
                    "measures": ["access_revoked"],
                }
            ]
        },
    )

    kind: IncidentKind
    client_id: Actor | None = None
    who: Actor | None = None
    organization_id: UUID | None = None
    began_at: Moment
    ended_at: Moment | None = None
    known_at: Moment
    measures: Annotated[list[Measure], Field(max_length=len(Measure))] = []


class DutyNotRequired(BaseModel):
    """A duty that does not exist in this case, and why."""

    model_config = ConfigDict(extra="forbid")

    duty: Duty
    reason: NotRequired


NotRequiredDuties = Annotated[
    list[DutyNotRequired],
    Field(max_length=len(Duty), description="Duties that do not exist in this case, each with the reason"),
]


class IncidentMeasures(BaseModel):
    """What was done meanwhile, in addition to what is recorded. It ends the watch over the duties that it names."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "measures": ["authority_told"],
                    "not_required": [{"duty": "people_told", "reason": "no_risk_to_people"}],
                }
            ]
        },
    )

    measures: Annotated[list[Measure], Field(max_length=len(Measure))] = []
    not_required: NotRequiredDuties = []


class IncidentClosing(BaseModel):
    """What was done in the end; it replaces what was recorded before. A duty that is not among the measures needs a
    reason, here or earlier."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "measures": ["access_revoked", "people_told"],
                    "not_required": [{"duty": "authority_told", "reason": "law_does_not_require"}],
                }
            ]
        },
    )

    measures: Annotated[list[Measure], Field(min_length=1, max_length=len(Measure))]
    not_required: NotRequiredDuties = []


class IncidentDutyView(BaseModel):
    """One duty after the incident, and until when it has to be done."""

    duty: Duty
    due_at: datetime | None = Field(description="Null if the country pack sets no time")
    set_by: DutySetBy | None = Field(description="Who sets the time; null if nobody does")
    overdue: bool = Field(description="True if the incident is open and the time has passed without a record")
    settled_at: datetime | None = Field(description="When it was recorded that the duty is done or not required")
    settled_by: str | None = Field(examples=["data-protection-officer"])
    not_required_because: NotRequired | None = Field(description="Null if the duty is done, or still open")


class IncidentView(BaseModel):
    """One incident."""

    id: UUID
    version: int
    kind: IncidentKind
    status: IncidentStatus
    client_id: str | None = Field(examples=[_CLIENT])
    who: str | None
    organization_id: UUID | None
    began_at: datetime
    ended_at: datetime | None
    known_at: datetime
    measures: list[Measure]
    duties: list[IncidentDutyView]
    recorded_at: datetime
    recorded_by: str
    closed_at: datetime | None
    closed_by: str | None


class AffectedSearch(BaseModel):
    """By whom, and from when until when. Those of client, person and organisation that are given must all match."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"client_id": _CLIENT, "since": "2026-03-02T08:00:00Z", "until": "2026-03-02T11:30:00Z"},
            ]
        },
    )

    client_id: Actor | None = None
    who: Actor | None = None
    organization_id: UUID | None = None
    since: Moment
    until: Moment
    """The first moment that does not count any more."""


class AffectedView(BaseModel):
    """One person whose data were read or written, or one flight or bus whose manifest was."""

    returnee_id: UUID | None = Field(description="Null if this is a manifest with people who were announced")
    arrival_batch_id: UUID | None = Field(description="The flight or bus whose manifest was read or written")
    case_code: str | None = Field(examples=["GT-7K3M-9QXC"], description="Null for a manifest, and after an erasure")
    first_at: datetime
    last_at: datetime
    accesses: int
    kinds: list[AccessKind]
    actions: list[str] = Field(examples=[["returnee.read"]])
    purposes: list[AccessPurpose]
    fields: list[str] = Field(
        description="The names of what was shown or written, never values", examples=[["birth_date", "given_names"]]
    )
