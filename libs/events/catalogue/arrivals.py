"""What reception systems send on `enlace.arrivals`: the only contract that may contain identity data (DESIGN 3).

The models are also the bodies of registration's REST resources for arrival batches and returnees, so that an arrival
means the same on either way in. `sender_reference` values are the sender's own ids; they make a repeated arrival
recognisable as the same one.
"""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, StringConstraints

from libs.events.catalogue.consents import ConsentGiven, NamedConsentGiven
from libs.events.catalogue.parts import Part, Reference
from libs.events.codes import (
    AccessNeed,
    ContactChannel,
    CountryCode,
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
)
from libs.events.detail_values import ToldDetails
from libs.events.event import Event, OptionalPart
from libs.events.people_codes import (
    AddressOwner,
    AgeBasis,
    AgeGroup,
    ClientKind,
    ReturnKind,
    ReturnMode,
    ReturnOrder,
    ReturnSign,
)
from libs.wire.names import Name, written_number
from libs.wire.values import Day, Flag, Moment, Whole

TOPIC = "enlace.arrivals"

DocumentNumber = Annotated[str, StringConstraints(min_length=1, max_length=60), AfterValidator(written_number)]


class ManifestEntry(Part):
    """A person who is announced and has not been met yet. Names are used only to prepare reception (domain P17)."""

    sender_reference: Reference
    """The sender's reference of the person."""
    given_names: Name
    """As the manifest has them."""
    family_names: Name
    """As the manifest has them."""
    birth_date: Day | None = None
    """As the manifest has it."""
    sex: Sex = Sex.UNKNOWN
    nationality: CountryCode | None = None
    """As the manifest has it."""


class Identity(Part):
    """Who the person is. Registration encrypts these data with a key for this person when it receives them."""

    given_names: Name
    """As the person says or a document shows."""
    family_names: Name
    """As the person says or a document shows."""
    birth_date: Day | None = None
    """None if it is not known; then `profile.age` can say whether the person is a child or an adult."""
    document_number: DocumentNumber | None = None
    """The number of an identity document, if there is one."""


class AgeTold(Part):
    """Whether the person is a child or an adult, for a person whose birth date is not known."""

    group: AgeGroup
    """`unsure`: a desk decides before anything is offered. With a birth date: the birth date is doubted."""
    basis: AgeBasis
    """On what the statement is based."""


class Profile(Part):
    """The facts about the person that routing may use, as stated at intake; codes and coarse areas only."""

    age: AgeTold | None = None
    """If omitted and the birth date is not known: `unsure`. A birth date that says otherwise is refused beside it."""
    client_kind: ClientKind = ClientKind.RETURNEE
    """Who the person is to the country. People of every kind are registered. The flow charts of the country pack say
    for which of their needs a desk decides before they are routed."""
    sex: Sex = Sex.UNKNOWN
    nationality: CountryCode
    """As stated at intake."""
    identity_document: IdentityDocumentStatus
    documents_held: Annotated[list[DocumentKind], Field(max_length=10)] = []
    """Documents that the person has, as codes of the country pack's taxonomy; never a number."""
    languages: Annotated[list[LanguageCode], Field(min_length=1, max_length=10)] = ["spa"]
    """Languages that the person speaks. If omitted, they count as not stated; the default is not used."""
    destination: PlaceCode | None = None
    """Where the person wants to go, as a place code of the first administrative level; None if unknown."""
    access_needs: Annotated[list[AccessNeed], Field(max_length=10)] = []
    protection_flags: Annotated[list[ProtectionFlag], Field(max_length=10)] = []
    avoid_places: Annotated[list[PlaceCode], Field(max_length=40)] = []
    """Places the person must not be sent to."""


class ReturnFacts(Part):
    """How the person was returned, as far as they tell. No fact excludes anybody from anything.

    Fear to be returned is the flag `fears_return` of the profile; it opens a legal need like a sign.
    """

    kind: ReturnKind | None = None
    order: ReturnOrder | None = None
    mode: ReturnMode | None = None
    signs: Annotated[list[ReturnSign], Field(max_length=5)] = []
    """Signs of an unlawful return; each opens a legal need."""


class NeedTold(Part):
    """One need as stated at intake. A need of a household contains the number of people."""

    sender_reference: Reference | None = None
    """The sender's reference of the need; it identifies a repetition of the same need."""
    category: NeedCategory
    kind: NeedKind | None = None
    """Exactly what is needed: a kind of the category (`GET /v1/taxonomy` of the directory). If omitted, a desk finds it
    out."""
    detail_values: ToldDetails = []
    """Coded details of the kind, such as limb and side of a prosthesis."""
    urgency: Urgency = Urgency.NORMAL
    people_count: Annotated[Whole, Field(ge=1, le=30)] = 1
    """If more than one: a need of the household, of which this person is the reference person."""
    after_category: NeedCategory | None = None
    """The person's other need that has to be met first, such as documents before employment."""
    after_kind: NeedKind | None = None
    """The same, named by its kind; instead of `after_category`."""


CodeWord = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=2, max_length=40, pattern=r"^[^\x00-\x1f\x7f]*$")
]


class SafeContactTold(Part):
    """A safe way to reach the person (domain P9). The address is encrypted together with the identity."""

    channel: ContactChannel
    address: Annotated[str, StringConstraints(min_length=3, max_length=120)] | None = None
    """Number or address on that channel."""
    language: LanguageCode = "spa"
    """The language to use. If omitted, it counts as not stated; the default is not used."""
    hours_from: Annotated[Whole, Field(ge=0, le=23)] = 8
    """First hour of the day at which contact is safe, local time. If omitted, it counts as not stated."""
    hours_until: Annotated[Whole, Field(ge=1, le=24)] = 20
    """Hour of the day at which the safe time ends. If omitted, it counts as not stated."""
    may_leave_message: Flag = False
    """True if a message may be left."""
    address_owner: AddressOwner | None = None
    """Whose telephone or address it is. If omitted, it counts as not stated."""
    code_word: CodeWord | None = None
    """The word that a caller must say, so that the person knows the call is genuine. Encrypted like the address."""
    may_name_organization: Flag = False
    """True if the caller may say from which organisation they call."""
    expires_at: Moment | None = None
    """Until when this is safe. If omitted, a time of the country counts. Afterwards nobody gets this contact."""


class ArrivalBatchAnnounced(Event):
    """A flight or bus is expected, with its manifest."""

    type: ClassVar[str] = "arrival-batch.announced.v1"
    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "sender_reference"

    sender_reference: Reference
    """The sender's reference of the flight or bus."""
    mode: TransportMode
    carrier: Annotated[str, StringConstraints(max_length=80)] | None = None
    """The carrier."""
    origin: Annotated[str, StringConstraints(max_length=80)] | None = None
    """The place of departure."""
    reception_place: PlaceCode
    """Where it will arrive."""
    expected_at: Moment
    """When it is expected."""
    entries: Annotated[list[ManifestEntry], Field(max_length=1000)] = []
    """The manifest."""


class ArrivalBatchLanded(Event):
    """A flight or bus has arrived, announced or not."""

    type: ClassVar[str] = "arrival-batch.landed.v1"
    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "sender_reference"

    sender_reference: Reference
    """The sender's reference of the flight or bus."""
    mode: TransportMode
    reception_place: PlaceCode
    """Where it arrived."""
    landed_at: Moment
    """When it arrived."""
    people_count: Annotated[Whole, Field(ge=0, le=1000)]
    """How many people came with it."""


_URGENT = """
    /reception_place /identity/birth_date /profile/age /profile/access_needs /profile/access_needs/*
    /profile/protection_flags /profile/protection_flags/* /profile/avoid_places /profile/avoid_places/*
    /return_facts/signs /return_facts/signs/* /needs /needs/* /needs/*/kind /needs/*/people_count
"""
_LESS_URGENT = """
    /batch_reference /manifest_reference /identity/document_number /profile/client_kind /profile/sex
    /profile/documents_held /profile/documents_held/* /profile/languages /profile/languages/* /profile/destination
    /return_facts /return_facts/kind /return_facts/order /return_facts/mode /household_reference /household_size
    /stay_together /needs/*/sender_reference /needs/*/detail_values /needs/*/detail_values/* /needs/*/after_category
    /needs/*/after_kind /consents /consents/* /named_consents /named_consents/* /safe_contact
"""
OPTIONAL_PARTS_OF_AN_ARRIVAL = (
    *(OptionalPart(path, is_urgent=True) for path in _URGENT.split()),
    # A person who may need something within a day must not wait for two weeks.
    OptionalPart("/needs/*/urgency", is_urgent=True, stand_in=Urgency.URGENT.value),
    *(OptionalPart(path) for path in _LESS_URGENT.split()),
)
"""The parts without which the person can still be registered and helped: all except the five required facts and the
sender's reference. A consent or a safe contact with a faulty part is set aside as a whole, because an incomplete one
could do harm."""


class ReturneeArrived(Event):
    """One person has been met, with the intake data that exist so far; further data may follow."""

    optional_parts: ClassVar[tuple[OptionalPart, ...]] = OPTIONAL_PARTS_OF_AN_ARRIVAL
    type: ClassVar[str] = "returnee.arrived.v1"
    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "sender_reference"

    sender_reference: Reference
    """The sender's reference of this arrival of the person."""
    batch_reference: Reference | None = None
    """The sender's reference of the flight or bus."""
    manifest_reference: Reference | None = None
    """The sender's reference of the manifest entry, if the person was announced."""
    reception_place: PlaceCode | None = None
    """Where the person is, for a person who came without a flight or bus; otherwise it is the place of the batch."""
    arrived_at: Moment
    """When the person was met."""
    identity: Identity
    profile: Profile
    return_facts: ReturnFacts | None = None
    """How the person was returned."""
    household_reference: Reference | None = None
    """The sender's reference of the household; all members have the same one."""
    household_size: Annotated[Whole, Field(ge=2, le=30)] | None = None
    """How many people belong to it."""
    stay_together: Flag = True
    """True if the household must not be split."""
    needs: Annotated[list[NeedTold], Field(max_length=20)] = []
    """What the person needs."""
    consents: Annotated[list[ConsentGiven], Field(max_length=20)] = []
    """The consents of the person."""
    named_consents: Annotated[list[NamedConsentGiven], Field(max_length=20)] = []
    """The consents of the person that name one organisation. A reader of an earlier version ignores them, so it shares
    less, never more."""
    safe_contact: SafeContactTold | None = None


EVENTS: tuple[type[Event], ...] = (ArrivalBatchAnnounced, ArrivalBatchLanded, ReturneeArrived)
