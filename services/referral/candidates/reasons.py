"""The codes that say why a service is not a candidate."""

from enum import StrEnum


class Exclusion(StrEnum):
    """Why a service of the right category is not a candidate."""

    NOT_ACTIVE = "not_active"
    NOT_ACCREDITED = "not_accredited"
    NO_AGREEMENT = "no_agreement"
    CLOSED = "closed"
    NO_CONSENT = "no_consent"
    AGE = "age"
    SEX = "sex"
    NATIONALITY = "nationality"
    HOUSEHOLD = "household"
    DOCUMENT_NEEDED_FIRST = "document_needed_first"
    NOT_PRESENT_HERE = "not_present_here"
    CATCHMENT = "catchment"
    TOO_FAR = "too_far"
    BEYOND_RING = "beyond_ring"
    """A service that is nearer is asked first."""
    LANGUAGE = "language"
    ACCESS = "access"
    DECLINED_BEFORE = "declined_before"
    EXPIRED_BEFORE = "expired_before"
    NO_LONGER_OFFERED = "no_longer_offered"
    CONFLICT_OF_INTEREST = "conflict_of_interest"
    UNSAFE = "unsafe"
    KIND_NOT_OFFERED = "kind_not_offered"
    BEYOND_SCOPE = "beyond_scope"
    """The service gives the kind, but not what the details ask for."""
    NO_FREE_PLACE = "no_free_place"
