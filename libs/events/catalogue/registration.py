"""What registration publishes: who is here as a routing profile, what they need, what they consent to. No identity."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from libs.events.codes import (
    AccessNeed,
    AgeBand,
    ConsentPurpose,
    ContactChannel,
    DocumentKind,
    IdentityDocumentStatus,
    NeedCategory,
    ProtectionFlag,
    RecipientClass,
    Sex,
    TransportMode,
    Urgency,
)
from libs.events.event import Event

TOPIC = "enlace.registration"


class RegistrationEvent(Event):
    """Base of registration's events about one returnee: the key is the returnee's id at birth, also after a merge."""

    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "returnee_id"

    returnee_id: UUID


class ArrivalBatchLanded(Event):
    """A flight or bus has arrived with so many people."""

    type: ClassVar[str] = "arrival-batch.landed.v1"
    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "arrival_batch_id"

    arrival_batch_id: UUID
    mode: TransportMode
    reception_place: str
    landed_at: datetime
    people_count: int


class ArrivalBatchIntakeCompleted(Event):
    """Every entry of the batch is registered or marked absent; these many returnees and needs were reported."""

    type: ClassVar[str] = "arrival-batch.intake-completed.v1"
    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "arrival_batch_id"

    arrival_batch_id: UUID
    returnee_count: int
    need_count: int
    completed_at: datetime


class RoutingProfile(RegistrationEvent):
    """The whole routing profile of a returnee; a higher version replaces a lower one."""

    version: int
    case_code: str
    """What the person is called outside registration."""
    arrival_batch_id: UUID | None
    reception_place: str | None
    household_id: UUID | None
    age_band: AgeBand
    sex: Sex
    nationality: str
    identity_document: IdentityDocumentStatus
    documents_held: list[DocumentKind]
    languages: list[str]
    destination: str | None
    access_needs: list[AccessNeed]
    protection_flags: list[ProtectionFlag]
    avoid_places: list[str]
    avoid_organizations: list[UUID]


class ReturneeRegistered(RoutingProfile):
    """A returnee has been registered for the first time."""

    type: ClassVar[str] = "returnee.registered.v1"


class ReturneeChanged(RoutingProfile):
    """A returnee's routing profile has changed."""

    type: ClassVar[str] = "returnee.changed.v1"


class HouseholdChanged(Event):
    """Who belongs to a household and whether it wishes to stay together; whole state with a rising version."""

    type: ClassVar[str] = "household.changed.v1"
    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "reference_returnee_id"

    household_id: UUID
    reference_returnee_id: UUID
    version: int
    member_ids: list[UUID]
    expected_size: int
    """How many members registration waits for; routing of a household's need waits with it."""
    stay_together: bool


class NeedReported(RegistrationEvent):
    """A returnee or a household has a need. Keyed by the reference person."""

    type: ClassVar[str] = "need.reported.v1"

    need_id: UUID
    category: NeedCategory
    urgency: Urgency
    people_count: int
    household_id: UUID | None
    arrival_batch_id: UUID | None
    after_need_id: UUID | None
    """The need that has to be met first, or None."""
    reported_at: datetime


class NeedWithdrawn(RegistrationEvent):
    """The returnee no longer asks for this; no reason is required."""

    type: ClassVar[str] = "need.withdrawn.v1"

    need_id: UUID
    withdrawn_at: datetime


class ConsentGrant(BaseModel):
    """One purpose and recipient class that the person allows now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    purpose: ConsentPurpose
    recipient_class: RecipientClass
    expires_at: datetime


class ConsentChanged(RegistrationEvent):
    """All that the person allows now; a higher version replaces a lower one. An empty list allows nothing."""

    type: ClassVar[str] = "consent.changed.v1"

    version: int
    grants: list[ConsentGrant]


class SafeContactChanged(RegistrationEvent):
    """How the person may be reached has changed; which kind of channel, never the address."""

    type: ClassVar[str] = "safe-contact.changed.v1"

    version: int
    channel: ContactChannel


class ReturneeMerged(RegistrationEvent):
    """Two records are one person; `returnee_id` goes on under `into_returnee_id`. Keyed by the id at birth."""

    type: ClassVar[str] = "returnee.merged.v1"

    into_returnee_id: UUID


class ReturneeUnmerged(RegistrationEvent):
    """A merge was wrong and has been undone."""

    type: ClassVar[str] = "returnee.unmerged.v1"

    from_returnee_id: UUID


class ReturneeErased(RegistrationEvent):
    """The person's key has been destroyed; others drop their profile facts."""

    type: ClassVar[str] = "returnee.erased.v1"

    erased_at: datetime


EVENTS: tuple[type[Event], ...] = (
    ArrivalBatchLanded,
    ArrivalBatchIntakeCompleted,
    ReturneeRegistered,
    ReturneeChanged,
    HouseholdChanged,
    NeedReported,
    NeedWithdrawn,
    ConsentChanged,
    SafeContactChanged,
    ReturneeMerged,
    ReturneeUnmerged,
    ReturneeErased,
)
