"""What registration publishes: who is here as a routing profile, what they need, what they consent to. No identity."""

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from libs.events.codes import (
    AccessNeed,
    AgeBand,
    CaseCode,
    ConsentPurpose,
    ContactChannel,
    Count,
    CountryCode,
    DocumentKind,
    IdentityDocumentStatus,
    LanguageCode,
    NeedCategory,
    PlaceCode,
    ProtectionFlag,
    RecipientClass,
    Sex,
    TransportMode,
    Urgency,
    Version,
)
from libs.events.event import Event
from libs.wire.values import Moment

TOPIC = "enlace.registration"


class RegistrationEvent(Event):
    """Base of registration's events about one returnee: the key is the returnee's id at birth, also after a merge."""

    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "returnee_id"

    returnee_id: UUID
    """The returnee: the id at birth, also after a merge."""


class ArrivalBatchLanded(Event):
    """A flight or bus has arrived with so many people."""

    type: ClassVar[str] = "arrival-batch.landed.v1"
    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "arrival_batch_id"

    arrival_batch_id: UUID
    """The flight or bus."""
    mode: TransportMode
    reception_place: PlaceCode
    """Where it arrived."""
    landed_at: Moment
    """When it arrived."""
    people_count: Count
    """How many people came with it."""


class ArrivalBatchIntakeCompleted(Event):
    """Every entry of the batch is registered or marked absent; these many returnees and needs were reported."""

    type: ClassVar[str] = "arrival-batch.intake-completed.v1"
    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "arrival_batch_id"

    arrival_batch_id: UUID
    """The flight or bus."""
    returnee_count: Count
    """Returnees registered; each has a `returnee.registered.v1`."""
    need_count: Count
    """Needs reported; each has a `need.reported.v1`."""
    completed_at: Moment
    """When the last entry was registered or marked absent."""


class RoutingProfile(RegistrationEvent):
    """The whole routing profile of a returnee; a higher version replaces a lower one."""

    version: Version
    """Rises with every change of the profile."""
    case_code: CaseCode
    """What the person is called outside registration."""
    arrival_batch_id: UUID | None
    """The flight or bus, or None for who came alone."""
    reception_place: PlaceCode | None
    """Where the person was received."""
    household_id: UUID | None
    """The household, or None."""
    age_band: AgeBand
    sex: Sex
    nationality: CountryCode
    """Nationality as told at intake."""
    identity_document: IdentityDocumentStatus
    documents_held: list[DocumentKind]
    languages: list[LanguageCode]
    """Languages that the person speaks."""
    destination: PlaceCode | None
    """Where the person wants to go; None if not known."""
    access_needs: list[AccessNeed]
    protection_flags: list[ProtectionFlag]
    avoid_places: list[PlaceCode]
    """Places that the person must not be sent to."""
    avoid_organizations: list[UUID]
    """Organisations that the person must not be referred to."""


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
    """The household."""
    reference_returnee_id: UUID
    """Its reference person, under whose key its needs are told too."""
    version: Version
    """Rises with every change; a consumer ignores a lower one than it has."""
    member_ids: list[UUID]
    """Returnees that are registered as its members."""
    expected_size: Count
    """How many members registration waits for; routing of a household's need waits with it."""
    stay_together: bool
    """True if it must not be split."""


class NeedReported(RegistrationEvent):
    """A returnee or a household has a need. Keyed by the reference person.

    Told again while it is open, it comes again under its id, as urgent as the most urgent that was told.
    """

    type: ClassVar[str] = "need.reported.v1"

    need_id: UUID
    """The need."""
    category: NeedCategory
    urgency: Urgency
    people_count: Count
    """For how many people."""
    household_id: UUID | None
    """The household whose need it is, or None for one person's."""
    arrival_batch_id: UUID | None
    """The flight or bus with which it came, or None."""
    after_need_id: UUID | None
    """The need that has to be met first, or None."""
    reported_at: Moment
    """When it was told; told again while it is open, when that was."""
    is_second: bool = False
    """True if a desk wants it beside an open need of its kind."""


class NeedWithdrawn(RegistrationEvent):
    """The returnee no longer asks for this; no reason is required."""

    type: ClassVar[str] = "need.withdrawn.v1"

    need_id: UUID
    """The need."""
    withdrawn_at: Moment
    """When it was withdrawn."""


class ConsentGrant(BaseModel):
    """One purpose and recipient class that the person allows now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    purpose: ConsentPurpose
    recipient_class: RecipientClass
    expires_at: Moment
    """When it ends by itself."""


class ConsentChanged(RegistrationEvent):
    """All that the person allows now; a higher version replaces a lower one. An empty list allows nothing."""

    type: ClassVar[str] = "consent.changed.v1"

    version: Version
    """Rises with every change."""
    grants: list[ConsentGrant]
    """What is allowed now."""


class DeletionReason(StrEnum):
    """Why an organisation may not know any more what a packet told it."""

    CONSENT_WITHDRAWN = "consent_withdrawn"
    CONSENT_EXPIRED = "consent_expired"
    CONSENT_INVALID = "consent_invalid"
    """Who gave it could not give it, such as a child for itself."""
    DO_NOT_SHARE = "do_not_share"
    """The person does not want this organisation to know of them."""
    ERASED = "erased"


class PacketDeletionRequested(RegistrationEvent):
    """An organisation may not know any more what the packet of an accepted offer tells: it is asked to delete it."""

    type: ClassVar[str] = "packet.deletion-requested.v1"

    offer_id: UUID
    """The accepted offer."""
    referral_id: UUID
    """Its referral."""
    organization_id: UUID
    """Who accepted it, and is told."""
    provider_service_id: UUID
    """The service for which it was accepted."""
    case_code: CaseCode
    """Whose data: the person of the offer, or a member of the household who was named in its packet."""
    reason: DeletionReason
    fetched: bool
    """True if the packet was fetched: then there is something to delete. False: it cannot be fetched any more."""
    answer_by: Moment | None
    """By when the organisation says what became of the data; None where it has fetched none."""
    at: Moment
    """When it was asked."""
    restricted: bool = False
    """Whether the service is reached by restricted referral only: then few may know of it."""


class SafeContactChanged(RegistrationEvent):
    """How the person may be reached has changed; which kind of channel, never the address."""

    type: ClassVar[str] = "safe-contact.changed.v1"

    version: Version
    """Rises with every change."""
    channel: ContactChannel


class ReturneeMerged(RegistrationEvent):
    """Two records are one person; `returnee_id` goes on under `into_returnee_id`. Keyed by the id at birth."""

    type: ClassVar[str] = "returnee.merged.v1"
    planned: ClassVar[bool] = True

    into_returnee_id: UUID
    """The record that goes on."""


class ReturneeUnmerged(RegistrationEvent):
    """A merge was wrong and has been undone."""

    type: ClassVar[str] = "returnee.unmerged.v1"
    planned: ClassVar[bool] = True

    from_returnee_id: UUID
    """The record that it had been merged into."""


class ReturneeErased(RegistrationEvent):
    """The person's key has been destroyed; others drop their profile facts."""

    type: ClassVar[str] = "returnee.erased.v1"

    erased_at: Moment
    """When the key was destroyed."""


EVENTS: tuple[type[Event], ...] = (
    ArrivalBatchLanded,
    ArrivalBatchIntakeCompleted,
    ReturneeRegistered,
    ReturneeChanged,
    HouseholdChanged,
    NeedReported,
    NeedWithdrawn,
    ConsentChanged,
    PacketDeletionRequested,
    SafeContactChanged,
    ReturneeMerged,
    ReturneeUnmerged,
    ReturneeErased,
)
