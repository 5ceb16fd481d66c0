"""What registration publishes: routing profiles, needs and consents of people. No identity data."""

from typing import ClassVar
from uuid import UUID

from libs.events.catalogue.consents import ConsentGrant, NamedConsentGrant
from libs.events.codes import (
    AccessNeed,
    AgeBand,
    CaseCode,
    ContactChannel,
    Count,
    CountryCode,
    DeletionReason,
    DocumentKind,
    IdentityDocumentStatus,
    LanguageCode,
    NeedCategory,
    NeedKind,
    PlaceCode,
    ProtectionFlag,
    Sex,
    TransportMode,
    Urgency,
    Version,
)  # fmt: skip
from libs.events.detail_values import ToldDetails
from libs.events.event import Event
from libs.events.people_codes import AgeGroup, ClientKind
from libs.wire.values import Moment

TOPIC = "enlace.registration"


class RegistrationEvent(Event):
    """Base of events about one returnee: the key is the id that the record had at first, also after a merge."""

    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "returnee_id"

    returnee_id: UUID
    """The returnee: the id that the record had at first, also after a merge."""


class ArrivalBatchLanded(Event):
    """A flight or bus has arrived, with this number of people."""

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
    """The intake of the batch is complete, with the numbers of returnees and needs that were reported."""

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
    """The complete routing profile of a returnee; a higher version replaces a lower one."""

    version: Version
    """Rises with every change of the profile."""
    case_code: CaseCode
    """The code that identifies the person outside registration."""
    arrival_batch_id: UUID | None
    """The flight or bus, or None if the person arrived alone."""
    reception_place: PlaceCode | None
    """Where the person was received."""
    household_id: UUID | None
    """The household, or None."""
    age_band: AgeBand
    sex: Sex
    nationality: CountryCode
    """Nationality as stated at intake."""
    identity_document: IdentityDocumentStatus
    documents_held: list[DocumentKind]
    """Documents that the person has, as codes of the country pack's taxonomy; never a number."""
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
    age_group: AgeGroup = AgeGroup.UNSURE
    """The group of the `age_band` if that is known, whatever this field says; otherwise what was told or decided."""
    client_kind: ClientKind = ClientKind.RETURNEE
    avoid_countries: list[CountryCode] = []
    """States whose authorities and consulates the person must not be referred to."""


class ReturneeRegistered(RoutingProfile):
    """A returnee has been registered for the first time."""

    type: ClassVar[str] = "returnee.registered.v1"


class ReturneeChanged(RoutingProfile):
    """A returnee's routing profile has changed."""

    type: ClassVar[str] = "returnee.changed.v1"


class HouseholdChanged(Event):
    """The members of a household, and whether it wishes to stay together; complete state with a rising version."""

    type: ClassVar[str] = "household.changed.v1"
    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "reference_returnee_id"

    household_id: UUID
    """The household."""
    reference_returnee_id: UUID
    """The reference person; events about the household's needs have the key of this person."""
    version: Version
    """Rises with every change. A consumer ignores a version lower than the one that it has."""
    member_ids: list[UUID]
    """Returnees who are registered as its members."""
    expected_size: Count
    """How many members registration expects; the household's needs are routed only when all are registered."""
    stay_together: bool
    """True if it must not be split."""


class NeedReported(RegistrationEvent):
    """A returnee or a household has a need. Keyed by the reference person.

    If the need is reported again while it is open, the event is sent again with the same id and the highest urgency. If
    a desk or an assessment has found out what is needed, it is sent again with the kind.
    """

    type: ClassVar[str] = "need.reported.v1"

    need_id: UUID
    """The need."""
    category: NeedCategory
    urgency: Urgency
    people_count: Count
    """The number of people."""
    household_id: UUID | None
    """The household that has the need, or None for the need of one person."""
    arrival_batch_id: UUID | None
    """The flight or bus with which the need was reported, or None."""
    after_need_id: UUID | None
    """The need that must be met first, or None."""
    reported_at: Moment
    """When the need was reported, or last reported again while it is open."""
    is_second: bool = False
    """True if a desk has allowed it in addition to an open need of the same category and kind."""
    kind: NeedKind | None = None
    """Exactly what is needed, as a kind of the country pack's taxonomy; None if only the category is known."""
    detail_values: ToldDetails = []
    """Coded details of the kind."""


class NeedWithdrawn(RegistrationEvent):
    """The returnee has withdrawn the need; no reason is required."""

    type: ClassVar[str] = "need.withdrawn.v1"

    need_id: UUID
    """The need."""
    withdrawn_at: Moment
    """When it was withdrawn."""


class ConsentChanged(RegistrationEvent):
    """Everything that the person allows at present; a higher version replaces a lower one. Empty: nothing."""

    type: ClassVar[str] = "consent.changed.v1"

    version: Version
    """Rises with every change."""
    grants: list[ConsentGrant]
    """What is allowed at present."""
    organizations: list[NamedConsentGrant] = []
    """What is allowed at present to one named organisation each. A reader of an earlier version ignores it, so it
    shares less, never more."""


class PacketDeletionRequested(RegistrationEvent):
    """An organisation may not have the data of the packet any more and is asked to delete them."""

    type: ClassVar[str] = "packet.deletion-requested.v1"

    offer_id: UUID
    """The accepted offer."""
    referral_id: UUID
    """Its referral."""
    organization_id: UUID
    """The organisation that accepted the offer and gets this message."""
    provider_service_id: UUID
    """The service for which it was accepted."""
    case_code: CaseCode
    """Whose data: the person of the offer, or a member of the household whose data are in the packet."""
    reason: DeletionReason
    fetched: bool
    """True if the packet was fetched, so that data have to be deleted. False: it was never fetched."""
    answer_by: Moment | None
    """Deadline for the organisation's report on the deletion; None if it never fetched the packet."""
    at: Moment
    """When the deletion was requested."""
    restricted: bool = False
    """True if the service gets only restricted referrals; then only few people may see this event."""


class SafeContactChanged(RegistrationEvent):
    """The safe contact has changed. Contains only the kind of channel, never the address."""

    type: ClassVar[str] = "safe-contact.changed.v1"

    version: Version
    """Rises with every change."""
    channel: ContactChannel


class ReturneeMerged(RegistrationEvent):
    """Two records are one person; `returnee_id` continues as `into_returnee_id`. Keyed by the first id."""

    type: ClassVar[str] = "returnee.merged.v1"

    into_returnee_id: UUID
    """The record that continues."""


class ReturneeUnmerged(RegistrationEvent):
    """A wrong merge was undone."""

    type: ClassVar[str] = "returnee.unmerged.v1"

    from_returnee_id: UUID
    """The record into which it had been merged."""


class ReturneeErased(RegistrationEvent):
    """The person's key was destroyed; the other services delete the profile."""

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
