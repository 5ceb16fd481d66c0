"""When a child may be released: who counts as a child alone, which steps are missing, who may take which (pure)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from libs.chassis.errors import FieldError
from libs.events.codes import AgeBand, ProtectionFlag
from services.registration.people.rules import PERHAPS_CHILDREN

REFERENCE_MAX: Final = 80
WORDS_MAX: Final = 2000
DESK_SCOPE: Final = "child-releases:write"


class ReleaseStatus(StrEnum):
    """How far a release is. Its steps have times of their own."""

    OPEN = "open"
    RELEASED = "released"
    CANCELLED = "cancelled"


class Relation(StrEnum):
    """What the relative is to the child."""

    MOTHER = "mother"
    FATHER = "father"
    GRANDPARENT = "grandparent"
    SIBLING = "sibling"
    AUNT_OR_UNCLE = "aunt_or_uncle"
    OTHER_RELATIVE = "other_relative"
    LEGAL_GUARDIAN = "legal_guardian"


class Verified(StrEnum):
    """How it was verified that this is the relative."""

    BIRTH_CERTIFICATE = "birth_certificate"
    CIVIL_REGISTER = "civil_register"
    FAMILY_TRACING = "family_tracing"
    HOME_VISIT = "home_visit"
    COURT_DECISION = "court_decision"


class Wish(StrEnum):
    """What the child says about going to this relative."""

    WANTS_TO_GO = "wants_to_go"
    UNSURE = "unsure"
    DOES_NOT_WANT_TO_GO = "does_not_want_to_go"
    IS_AFRAID = "is_afraid"


class NotHeard(StrEnum):
    """Why a child could not be heard."""

    INFANT = "infant"
    ILLNESS = "illness"
    DOES_NOT_WANT_TO_SPEAK = "does_not_want_to_speak"


class Withdrawal(StrEnum):
    """Why the authority withdraws its sign-off."""

    DANGER = "danger"
    RELATIVE_IN_DOUBT = "relative_in_doubt"
    CHILD_CHANGED_MIND = "child_changed_mind"
    COURT_DECISION = "court_decision"
    SIGNED_IN_ERROR = "signed_in_error"


class Cancellation(StrEnum):
    """Why a release ends without a handover. After `danger` the child is never released to this relative."""

    DANGER = "danger"
    RELATIVE_NOT_VERIFIED = "relative_not_verified"
    RELATIVE_WITHDREW = "relative_withdrew"
    CHILD_DOES_NOT_WANT = "child_does_not_want"
    OTHER_MEASURE = "other_measure"
    ENTERED_IN_ERROR = "entered_in_error"


class RelativeShown(StrEnum):
    """How the person who came showed that they are the relative."""

    DOCUMENT_SEEN = "document_seen"
    KNOWN_TO_VERIFIER = "known_to_verifier"


class Missing(StrEnum):
    """Why a child may not be handed over."""

    CHILD_VIEW = "child-view"
    CHILD_IS_AFRAID = "child-is-afraid"
    VERIFICATION = "verification"
    SIGN_OFF = "sign-off"
    SIGN_OFF_WITHDRAWN = "sign-off-withdrawn"
    SIGN_OFF_TOO_OLD = "sign-off-too-old"


@dataclass(frozen=True, slots=True)
class Steps:
    """The times of the steps that were taken."""

    has_view: bool
    wish: str | None
    verified_at: datetime | None
    signed_at: datetime | None
    withdrawn_at: datetime | None


def not_alone_because(group: str, flags: Collection[str], *, lives_with_adult: bool) -> str | None:
    """Why the person is not a child alone; None if they are. An unsure or disputed age counts as a child (domain P14).

    A child whose household consists of children only is alone; so is one who is marked as unaccompanied.
    """
    if group not in PERHAPS_CHILDREN and ProtectionFlag.AGE_DISPUTED not in flags:
        return "adult"
    if lives_with_adult and ProtectionFlag.UNACCOMPANIED_CHILD not in flags:
        return "with-an-adult"
    return None


def view_faults(
    *, wish: Wish | None, not_heard: NotHeard | None, told: Collection[str], band: str, heard_at: datetime, at: datetime
) -> list[FieldError]:
    """What is wrong with the view of a child. `told` names the other fields that were sent."""
    faults = []
    if (wish is None) == (not_heard is None):
        detail = "Say what the child wishes, or why the child could not be heard: one of both."
        faults.append(FieldError("/wish", "one-of-both", detail))
    if wish is not None and "language" not in told:
        faults.append(FieldError("/language", "missing", "Name the language in which the child was heard."))
    if not_heard is NotHeard.INFANT and band not in (AgeBand.UNDER_5, AgeBand.UNKNOWN):
        faults.append(FieldError("/not_heard_because", "infant-of-age", "A child of this age is heard."))
    return faults + future_faults("/heard_at", heard_at, at=at)


def future_faults(pointer: str, told: datetime, *, at: datetime) -> list[FieldError]:
    """The fault of a time that has not come yet."""
    return [FieldError(pointer, "not-in-future", "This time is in the future.")] if told > at else []


def handover_faults(told: datetime, *, signed_at: datetime | None, at: datetime) -> list[FieldError]:
    """The fault of a handover in the future or before the sign-off."""
    if signed_at is not None and told < signed_at:
        return [FieldError("/handed_over_at", "after-sign-off", "A child is handed over after the sign-off.")]
    return future_faults("/handed_over_at", told, at=at)


def place_faults(place: str, *, avoided: Collection[str]) -> list[FieldError]:
    """The fault of a place that the child must avoid. A code includes all places whose codes begin with it."""
    if any(place.startswith(one) or one.startswith(place) for one in avoided):
        return [FieldError("/place", "avoided-place", "The child must avoid this place.")]
    return []


def missing_to_sign(steps: Steps) -> list[Missing]:
    """What the authority cannot sign off without."""
    missing = [] if steps.has_view else [Missing.CHILD_VIEW]
    if steps.wish == Wish.IS_AFRAID:
        missing.append(Missing.CHILD_IS_AFRAID)
    return missing if steps.verified_at is not None else [*missing, Missing.VERIFICATION]


def missing_to_release(steps: Steps, *, valid_for: timedelta, at: datetime) -> list[Missing]:
    """What a handover cannot happen without."""
    missing = missing_to_sign(steps)
    if steps.signed_at is None:
        return [*missing, Missing.SIGN_OFF]
    if steps.withdrawn_at is not None:
        return [*missing, Missing.SIGN_OFF_WITHDRAWN]
    return missing if at < steps.signed_at + valid_for else [*missing, Missing.SIGN_OFF_TOO_OLD]


def earlier_step_of(principal: str, steps: Collection[tuple[str, str | None]]) -> str | None:
    """The step among these that this caller took; None if others took all of them."""
    return next((step for step, who in steps if who == principal), None)
