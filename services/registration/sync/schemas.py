"""Operations that a device did without a line, their results, and the views of conflicts."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SkipValidation, TypeAdapter

from libs.chassis.problems import Problem
from libs.events.catalogue.arrivals import SafeContactTold
from libs.events.people_codes import AgeGroup
from libs.wire.values import Moment, Whole
from services.registration.arrivals.schemas import ReturneeIntake
from services.registration.consent.schemas import AnyConsentTold
from services.registration.households.schemas import HouseholdBody
from services.registration.manifests.rules import AbsenceReason
from services.registration.needs.schemas import NeedBody
from services.registration.people.schemas import Body, ReturneeCorrection
from services.registration.sync.rules import (
    OPERATIONS_MAX,
    ConflictKind,
    Held,
    Kind,
    Outcome,
    ResolutionReason,
    Settled,
)
from services.registration.withholding.schemas import ExcludedPersonBody

_DEVICE = "4be0643f-1d98-4d3b-9b1c-9a7d2f1e0c55"
_OPERATION = "0195c1a0-7b1e-7d4a-8a53-3f0c5b7e9d10"
_PERSON = "0195c1a0-7b1d-7a11-8f00-2d3e4f5a6b7c"
_REGISTER: dict[str, JsonValue] = {
    "id": _OPERATION,
    "sequence": 1,
    "made_at": "2026-03-02T19:41:00Z",
    "kind": "register",
    "person_id": _PERSON,
    "data": {
        "arrived_at": "2026-03-02T19:40:00Z",
        "reception_place": "GT01",
        "identity": {"given_names": "Sample Given", "family_names": "Sample Family"},
        "profile": {"nationality": "GT", "identity_document": "lost_on_route"},
    },
}
_NEED: dict[str, JsonValue] = {
    "id": "0195c1a0-7b1f-7c22-9a01-4e5f6a7b8c9d",
    "sequence": 2,
    "made_at": "2026-03-02T19:43:00Z",
    "kind": "report_need",
    "returnee_id": _PERSON,
    "data": {"category": "food", "urgency": "urgent"},
}
_EXCLUDED: dict[str, JsonValue] = {
    "id": "0195c1a0-7b20-7e44-8b12-5f6a7b8c9d0e",
    "sequence": 3,
    "made_at": "2026-03-02T19:44:00Z",
    "kind": "exclude_person",
    "returnee_id": _PERSON,
    "data": {
        "name": {"given_names": "Sample Partner", "family_names": "Sample Other"},
        "relation": "former_partner",
        "reason": "fear_of_harm",
    },
}


class _Operation(Body):
    """What every operation says. Ids are UUIDs that the device makes (version 4 or 7)."""

    id: UUID
    """The id of the operation. What it creates can be named by it in later operations."""
    sequence: Annotated[Whole, Field(ge=1, le=2**53)]
    """The number of the operation on this device; it only rises."""
    made_at: Moment
    """When it was done, by the device's clock."""


class _OfPerson(_Operation):
    returnee_id: UUID
    """The id of the person, or the `person_id` with which a device registered them."""
    base_revision: Annotated[Whole, Field(ge=0, le=2**31 - 1)] | None = None
    """The newest `revision` of the person that the device had read. If omitted, it knew no change of anybody else."""


class RegisterPerson(_Operation):
    """Register a person, with needs, consents, safe contact and household, as `POST /v1/returnees` does."""

    kind: Literal[Kind.REGISTER]
    person_id: UUID
    """The id by which later operations name the person."""
    data: ReturneeIntake


class CorrectPerson(_OfPerson):
    """Correct fields, as `PATCH /v1/returnees/{id}` does."""

    kind: Literal[Kind.CORRECT]
    data: ReturneeCorrection


class ReportNeed(_OfPerson):
    """Report a need. `after_need_id` may be the id of the operation that reported the other need."""

    kind: Literal[Kind.REPORT_NEED]
    data: NeedBody


class WithdrawNeed(_OfPerson):
    """Withdraw a need: its id, or the id of the operation that reported it."""

    kind: Literal[Kind.WITHDRAW_NEED]
    need_id: UUID


class GiveConsent(_OfPerson):
    """Record a consent."""

    kind: Literal[Kind.GIVE_CONSENT]
    data: AnyConsentTold


class WithdrawConsent(_OfPerson):
    """Withdraw a consent: its id, or the id of the operation that recorded it."""

    kind: Literal[Kind.WITHDRAW_CONSENT]
    consent_id: UUID


class SetSafeContact(_OfPerson):
    """Set the safe contact, or say that nobody may contact the person."""

    kind: Literal[Kind.SET_SAFE_CONTACT]
    data: SafeContactTold


class MarkAbsent(_Operation):
    """Mark an announced person as absent. A person who was met is registered with `manifest_reference`."""

    kind: Literal[Kind.MARK_ABSENT]
    arrival_batch_id: UUID
    entry_id: UUID
    reason: AbsenceReason = AbsenceReason.NOT_STATED


class JoinHousehold(_Operation):
    """Create a household, or with `household_id` add these people to it. Ids may be those that devices made."""

    kind: Literal[Kind.JOIN_HOUSEHOLD]
    household_id: UUID | None = None
    """The id of a household, or the id of the operation that created it."""
    data: HouseholdBody


class ExcludePerson(_OfPerson):
    """Record a private person who must learn nothing, as `POST /v1/returnees/{id}/excluded-people` does.

    The id of their record may be one that a device made.
    """

    kind: Literal[Kind.EXCLUDE_PERSON]
    data: ExcludedPersonBody


Operation: TypeAlias = (
    RegisterPerson
    | CorrectPerson
    | ReportNeed
    | WithdrawNeed
    | GiveConsent
    | WithdrawConsent
    | SetSafeContact
    | MarkAbsent
    | JoinHousehold
    | ExcludePerson
)
OPERATION: TypeAdapter[Operation] = TypeAdapter(Annotated[Operation, Field(discriminator="kind")])
Told: TypeAlias = SkipValidation[Annotated[Operation, Field(discriminator="kind")]]
"""An operation as it came: each is checked by itself, so that a faulty one does not stop the others."""


class SyncBody(Body):
    """Operations of one device, in the order in which it did them."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"device_id": _DEVICE, "sent_at": "2026-03-02T21:00:00Z", "operations": [_REGISTER, _NEED, _EXCLUDED]},
            ]
        },
    )

    device_id: UUID
    """An id that the device made at its first start. A device that was reset or copied needs another one."""
    sent_at: Moment
    """The time of the device's clock when it sends this request: it shows how wrong the clock is."""
    operations: Annotated[list[Told], Field(min_length=1, max_length=OPERATIONS_MAX)]


class OperationResult(BaseModel):
    """What became of one operation."""

    operation_id: UUID | None = Field(description="Null if the operation has no readable id")
    sequence: int | None
    status: int = Field(description="The status that a request for this operation alone would have", examples=[201])
    outcome: Outcome
    replayed: bool = Field(default=False, description="True if it was taken in before; nothing changed now")
    returnee_id: UUID | None = Field(default=None, description="The person's id in Enlace")
    case_code: str | None = Field(default=None, examples=["GT-7K3M-9QXC"])
    created_id: UUID | None = Field(default=None, description="The need, consent, household or exclusion")
    superseded: list[str] = Field(
        default=[], description="Fields that somebody else had changed later", examples=[["/profile/destination"]]
    )
    conflict_ids: list[UUID] = Field(default=[], description="Parts that wait for a person")
    depends_on: UUID | None = Field(default=None, description="The refused operation that this one needs")
    delete_copy: bool = Field(default=False, description="The person was erased: delete their data on the device")
    problem: Problem | None = Field(default=None, description="Why nothing was stored; pointers are in the operation")


class MissingSequences(BaseModel):
    """Sequence numbers between those that were taken in."""

    first: int
    last: int


class SyncAnswer(BaseModel):
    """The results, in the order of the request."""

    received_at: datetime
    clock_offset_seconds: float = Field(description="How far the device's clock is behind; negative if it is ahead")
    last_sequence: int = Field(description="The highest sequence number of the device that was taken in")
    missing: list[MissingSequences] = Field(description="Numbers below it that were not; at most 20 ranges")
    results: list[OperationResult]


class KnownPerson(BaseModel):
    """A person as a device keeps them; each access is recorded. Of an erased person only the id is left."""

    id: UUID
    is_erased: bool = Field(description="Delete everything about this person on the device")
    case_code: str | None = Field(default=None, examples=["GT-7K3M-9QXC"])
    version: int
    revision: int = Field(description="The `base_revision` of changes that are made on what is shown here")
    arrival_batch_id: UUID | None = None
    reception_place: str | None = None
    household_id: UUID | None = None
    given_names: str | None = Field(default=None, examples=["Sample Given"])
    family_names: str | None = Field(default=None, examples=["Sample Family"])
    age_group: AgeGroup | None = None


class Resolving(Body):
    """The decision of a person about a conflict."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"resolution": "told", "reason": "asked_the_person"}]}
    )

    resolution: Literal[Settled.HELD, Settled.STORED, Settled.TOLD, Settled.MENDED]
    """`held`: what holds now stays. `stored` or `told`: that value is recorded now. `mended`: the right data were
    entered through the usual routes."""
    reason: ResolutionReason


class SyncConflictView(BaseModel):
    """Two changes of one field, without the values."""

    id: UUID
    returnee_id: UUID
    case_code: str | None = Field(examples=["GT-7K3M-9QXC"], description="Null once the person is erased")
    kind: ConflictKind
    field: str = Field(description="The field, as a JSON pointer", examples=["/profile/protection_flags"])
    held: Held = Field(description="Which value holds until somebody decides")
    other_returnee_id: UUID | None = Field(
        description="The other person of the same manifest entry, if you can see them"
    )
    device_id: UUID
    operation_id: UUID
    made_at: datetime = Field(description="When the device made the change, by the clock of Enlace")
    found_at: datetime
    version: int
    resolution: Settled | None
    reason: ResolutionReason | None
    resolved_at: datetime | None


class SyncConflictWithValues(SyncConflictView):
    """The same with both values; each access is recorded."""

    stored: Any = Field(description="What was stored; null once it is resolved")
    told: Any = Field(description="What the device told; null once it is resolved")
