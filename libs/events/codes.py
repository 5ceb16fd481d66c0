"""The codes in events: one type per concept, the same in every service, table and URL.

What a country decides (categories and kinds of need, documents, desks) is a text of a bounded form. The service that
owns the data checks it against the country pack; the bus carries codes that it does not know. The rest are enums. Only
codes and coarse areas, never names, contacts, document numbers or free text (DESIGN 3). Source: domain 1A-1E, 3.6.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1, two letters."""
PlaceCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}[0-9]{2,6}$")]
"""An OCHA p-code: a coarse area, never an address."""
AreaCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}([0-9]{2,6})?$")]
"""A place code or a country: an area contains every place whose code begins with the code of the area."""
LanguageCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]
"""ISO 639-3."""
CaseCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}-[0-9A-Z]{4}-[0-9A-Z]{4}$")]
"""The code that identifies a person outside registration."""
CaseCodeIfKnown = Annotated[str, StringConstraints(pattern=r"^([A-Z]{2}-[0-9A-Z]{4}-[0-9A-Z]{4})?$")]
"""A case code; empty if the profile of the person has not arrived yet or is erased."""
ServiceType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,63}$")]
"""A code of the country pack, finer than a category, such as `temporary_shelter`."""
PACK_CODE = r"^[a-z][a-z0-9_]{1,39}$"
"""The form of a code that the country pack defines."""
_CATEGORY = "A category of the country pack's taxonomy, such as `shelter`: of a need, and of services that can meet it."
NeedCategory = Annotated[str, StringConstraints(pattern=PACK_CODE), Field(description=_CATEGORY)]
_DOCUMENT = "A document of the country pack's taxonomy, such as `passport`; never a document number."
DocumentKind = Annotated[str, StringConstraints(pattern=PACK_CODE), Field(description=_DOCUMENT)]
CertificateKind = Annotated[str, StringConstraints(pattern=PACK_CODE)]
HolderDigest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
NeedKind = Annotated[str, StringConstraints(pattern=PACK_CODE)]
"""A kind of need of the country pack's taxonomy, such as `prosthesis`. The bus carries kinds that it does not know."""
PoolKind = ServiceType
"""A code such as `adult_beds`."""
DeskCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,60}$")]
"""A desk of the country pack, such as `igm-shelter-desk`."""
_ZONE = r"^[A-Za-z_-]{2,14}(/[A-Za-z_-]{2,24}){0,2}([+-]?[0-9]{1,2}([A-Z]{3})?)?$"
TimeZoneName = Annotated[str, StringConstraints(pattern=_ZONE)]
"""A name of the IANA time zone database."""
EventType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{1,39}(\.[a-z][a-z-]{1,39}){1,3}\.v[1-9][0-9]?$")]
"""The name of an event type."""
Count = Annotated[int, Field(ge=0, le=1_000_000)]
"""A number of people, places, needs or attempts."""
Version = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""Rises with every change of the object; small enough for every JSON reader."""
Years = Annotated[int, Field(ge=0, le=150)]
"""Whole years of age."""


class Urgency(StrEnum):
    """How soon a need must be met: within 24 hours (emergency), 72 hours (urgent) or two weeks (normal)."""

    EMERGENCY = "emergency"
    URGENT = "urgent"
    NORMAL = "normal"


class Sex(StrEnum):
    """Sex as stated at intake; it affects eligibility only if a service is licensed for one sex."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"
    UNKNOWN = "unknown"


class AgeBand(StrEnum):
    """Age in coarse bands; eligibility rules of services may use only the limits of these bands."""

    UNDER_5 = "under_5"
    FROM_5_TO_11 = "5_11"
    FROM_12_TO_17 = "12_17"
    FROM_18_TO_24 = "18_24"
    FROM_25_TO_34 = "25_34"
    FROM_35_TO_59 = "35_59"
    FROM_60 = "60_plus"
    UNKNOWN = "unknown"


class IdentityDocumentStatus(StrEnum):
    """Whether the person has an identity document, or one of the three known reasons why not (domain A13)."""

    HELD = "held"
    LEFT_ABROAD = "left_abroad"
    LOST_ON_ROUTE = "lost_on_route"
    NEVER_APPLIED = "never_applied"


class AccessNeed(StrEnum):
    """What a place must provide so that the person can use it."""

    WHEELCHAIR = "wheelchair"
    VISUAL = "visual"
    HEARING = "hearing"
    COGNITIVE = "cognitive"


class ProtectionFlag(StrEnum):
    """Protection concerns that routing must respect (DESIGN 5). Codes only; the details stay encrypted."""

    UNACCOMPANIED_CHILD = "unaccompanied_child"
    AGE_DISPUTED = "age_disputed"
    FEARS_RETURN = "fears_return"
    RESTRICTED_PATH = "restricted_path"


class ConsentPurpose(StrEnum):
    """The purpose for which data may be used; nothing is allowed by default (domain P1)."""

    REGISTRATION_SERVICES = "registration_services"
    REFERRAL = "referral"
    FAMILY_CONTACT = "family_contact"
    FOLLOW_UP = "follow_up"
    EMPLOYER_SHARING = "employer_sharing"
    STATISTICS = "statistics"
    RESEARCH = "research"
    JUSTICE = "justice"


class RecipientClass(StrEnum):
    """The recipients to whom a consent allows data to be given."""

    PROVIDERS = "providers"
    FAMILY = "family"
    NETWORK_STAFF = "network_staff"
    EMPLOYERS = "employers"
    STATISTICS_OFFICE = "statistics_office"
    JUSTICE_BODIES = "justice_bodies"


class ContactChannel(StrEnum):
    """The kind of channel to reach a person; the address itself never leaves registration."""

    SMS = "sms"
    CALL = "call"
    EMAIL = "email"
    RELAY = "relay"
    NONE = "none"


class TransportMode(StrEnum):
    """The means of transport of an arrival batch."""

    FLIGHT = "flight"
    BUS = "bus"
    BOAT = "boat"
    ON_FOOT = "on_foot"


class PublicationStatus(StrEnum):
    """Whether a provider service or an organisation takes part in routing now."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"


class DeclineReason(StrEnum):
    """Why a provider declines; each reason has its own effect (DESIGN 4)."""

    FULL = "full"
    NOT_ELIGIBLE = "not_eligible"
    NOT_OUR_AREA = "not_our_area"
    PERSON_NOT_FOUND = "person_not_found"
    PERSON_REFUSED = "person_refused"
    NO_LONGER_OFFERED = "no_longer_offered"
    CONFLICT_OF_INTEREST = "conflict_of_interest"
    UNSAFE = "unsafe"
    OTHER = "other"


class RecallReason(StrEnum):
    """Why the network withdraws an offer."""

    CONSENT_WITHDRAWN = "consent_withdrawn"
    NEED_WITHDRAWN = "need_withdrawn"
    BY_RETURNEE = "by_returnee"
    SERVICE_WITHDRAWN = "service_withdrawn"
    ERASED = "erased"
    OVERRIDDEN = "overridden"
    ENTERED_IN_ERROR = "entered_in_error"
    CONFLICT_OF_INTEREST = "conflict_of_interest"
    JOURNEY_ENDED = "journey_ended"
    MERGED = "merged"
    FACTS_CHANGED = "facts_changed"
    MORE_URGENT = "more_urgent"


class CancelReason(StrEnum):
    """Why a referral ends before its service began or while it ran."""

    BY_RETURNEE = "by_returnee"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    DUPLICATE = "duplicate"
    MET_ELSEWHERE = "met_elsewhere"
    NEED_CLOSED = "need_closed"
    REVIEW_REJECTED = "review_rejected"
    ERASED = "erased"
    DIED = "died"
    LEFT_THE_COUNTRY = "left_the_country"
    MERGED = "merged"


class CloseReason(StrEnum):
    """Why a need was closed that was neither met nor refused."""

    DUPLICATE = "duplicate"
    LEFT_THE_COUNTRY = "left_the_country"
    DIED = "died"
    LOST_CONTACT = "lost_contact"
    NOT_A_NEED = "not_a_need"
    NO_HELP_EXISTS = "no_help_exists"
    MERGED = "merged"
    ERASED = "erased"


class JourneyEnd(StrEnum):
    """Why no needs of a person are routed any more."""

    DIED = "died"
    LEFT_THE_COUNTRY = "left_the_country"
    MERGED = "merged"  # The needs continue under another record.


class Outcome(StrEnum):
    """What a completed referral has achieved."""

    NEED_MET = "need_met"
    NEED_PARTLY_MET = "need_partly_met"
    REFERRED_ONWARD = "referred_onward"
    SOMETHING_ELSE_GIVEN = "something_else_given"
    """The need stays open."""


class OwnerReason(StrEnum):
    """Why a need has a named owner now."""

    NO_CANDIDATE = "no_candidate"
    CANDIDATES_SPENT = "candidates_spent"
    ROUTING_OVERDUE = "routing_overdue"
    REVIEW_REQUIRED = "review_required"
    REPORT_OVERDUE = "report_overdue"
    WAITLIST_OVERDUE = "waitlist_overdue"
    PREREQUISITE_UNMET = "prerequisite_unmet"
    PERSON_NOT_FOUND = "person_not_found"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    OUTCOME_INCOMPLETE = "outcome_incomplete"
    PROMISE_BROKEN = "promise_broken"
    STAY_ENDING = "stay_ending"
    BY_HAND = "by_hand"
    OWNER_SILENT = "owner_silent"
    PERSON_REFUSED = "person_refused"
    UNSAFE = "unsafe"
    JOURNEY_ENDED = "journey_ended"
    MERGED = "merged"
    FACTS_CHANGED = "facts_changed"
    SERVICE_WITHDRAWN = "service_withdrawn"
    LOST_AT_REGISTRATION = "lost_at_registration"
    KIND_NOT_OFFERED = "kind_not_offered"
    BEYOND_SCOPE = "beyond_scope"


class DeletionReason(StrEnum):
    """Why an organisation may not have the data of a packet any more."""

    CONSENT_WITHDRAWN = "consent_withdrawn"
    CONSENT_EXPIRED = "consent_expired"
    CONSENT_INVALID = "consent_invalid"
    """The consent was given by somebody who may not give it, such as a child."""
    DO_NOT_SHARE = "do_not_share"
    """The person does not want this organisation to have their data."""
    ERASED = "erased"


class StayPhase(StrEnum):
    """Why an event about a stay is sent."""

    NEARING = "nearing"
    EXTENDED = "extended"
    OVER = "over"


class Awaited(StrEnum):
    """What is expected next from a provider that has accepted."""

    START = "start"
    REPORT = "report"


class NotDeliveredReason(StrEnum):
    """Why an accepted service was not delivered."""

    PERSON_NOT_FOUND = "person_not_found"
    PERSON_REFUSED = "person_refused"
    PROVIDER_UNABLE = "provider_unable"
    OTHER = "other"
