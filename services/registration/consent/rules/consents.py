"""The rules for consents, and what the consents of a person allow together (pure)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from libs.chassis.errors import FieldError
from libs.events.catalogue.consents import ConsentElements
from libs.events.codes import ConsentPurpose, RecipientClass
from libs.events.people_codes import AgeGroup
from services.registration.told_times import ToldTimes


class GivenBy(StrEnum):
    """Who decided: the person, a child's guardian, or the authority that acts as guardian (domain P13)."""

    SELF = "self"
    GUARDIAN = "guardian"
    AUTHORITY = "authority"


class ConsentMethod(StrEnum):
    """How the decision was recorded. All three are valid for people who do not write."""

    SIGNATURE = "signature"
    VOICE = "voice"
    WITNESSED = "witnessed"


@dataclass(frozen=True, slots=True)
class Grant:
    """One purpose and one kind of recipient that a consent allows, and until when: a recipient class, or one named
    organisation."""

    purpose: ConsentPurpose
    recipient_class: RecipientClass | None
    expires_at: datetime
    organization_id: UUID | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What it allows, without its end. Those for classes come first."""
        return self.purpose, str(self.organization_id or ""), self.recipient_class or ""


@dataclass(frozen=True, slots=True)
class RelyingOn:
    """The consent on which a packet is based for one person, with the version of the state of their consents."""

    returnee_id: UUID
    consent_id: UUID
    version: int
    purpose: str
    recipient_class: str | None
    """None if the consent names the organisation."""
    expires_at: datetime


def standing_grants(grants: Iterable[Grant], *, at: datetime) -> list[Grant]:
    """The valid grants at a moment: not expired; for each purpose and recipient the one that lasts longest.

    `grants` must not contain withdrawn consents. The result is sorted, so that equal states compare as equal.
    """
    longest: dict[tuple[str, str, str], Grant] = {}
    for grant in grants:
        known = longest.get(grant.key)
        if grant.expires_at > at and (known is None or grant.expires_at > known.expires_at):
            longest[grant.key] = grant
    return [longest[key] for key in sorted(longest)]


def consent_faults(
    *,
    given_at: datetime,
    expires_at: datetime,
    revocation_explained: bool,
    at: datetime,
    times: ToldTimes,
    pointer: str,
) -> list[FieldError]:
    """The faults of a consent that is recorded at `at`; each names its field below `pointer`."""
    faults = [
        *times.given_at.faults(given_at, at=at, pointer=f"{pointer}/given_at"),
        *times.expires_at.faults(expires_at, at=at, pointer=f"{pointer}/expires_at"),
    ]
    if faults:
        return faults
    if expires_at <= given_at:
        faults.append(FieldError(f"{pointer}/expires_at", "after-given-at", "A consent must end after it was given."))
    if not revocation_explained:
        faults.append(
            FieldError(
                f"{pointer}/revocation_explained",
                "revocation-explained",
                "The right to withdraw the consent must have been explained.",
            )
        )
    return faults


def one_recipient_faults(
    *, recipient_class: str | None, organization_id: UUID | None, name: str | None, pointer: str
) -> list[FieldError]:
    """The faults of a consent that must be for a recipient class or for one organisation, and not for both."""
    place = f"{pointer}/recipient_organization_id"
    if (recipient_class is None) == (organization_id is None):
        return [FieldError(place, "one-recipient", "Name either a recipient class or one organisation.")]
    if (organization_id is None) != (name is None):
        detail = "The name of the organisation, as it was read to the person, and its id belong together."
        return [FieldError(f"{pointer}/recipient_name", "name-of-organization", detail)]
    return []


SPOKEN: Final = frozenset({ConsentMethod.VOICE, ConsentMethod.WITNESSED})
"""Methods that leave nothing that the person has signed, so somebody else must have heard the decision."""


def witness_faults(
    *, method: str, witness_reference: str | None, staff_reference: str, pointer: str
) -> list[FieldError]:
    """The faults of the witness of a consent: missing for a spoken one, or the same person who recorded it."""
    place = f"{pointer}/witness_reference"
    if method in SPOKEN and witness_reference is None:
        return [FieldError(place, "witness-required", "A consent that was spoken requires a witness.")]
    if witness_reference is not None and witness_reference == staff_reference:
        return [FieldError(place, "another-person", "The witness must not be the person who recorded the consent.")]
    return []


WORDS_OF_THE_PERSON = ("given_by", "revocation_explained")
"""The fields that only the person, or whoever records the consent, can state. The default of an event does not count
for them."""


def silence_faults(told: Collection[str], *, pointer: str) -> list[FieldError]:
    """The faults of a consent that omits a statement of the person. `told` has the names of the fields that it
    contains."""
    return [
        FieldError(
            f"{pointer}/{name}", "missing", "This field has no default, because it states a decision of the person."
        )
        for name in WORDS_OF_THE_PERSON
        if name not in told
    ]


def counts(*, age_group: str, given_by: str) -> bool:
    """False for a consent that a child has given for itself."""
    return not (age_group == AgeGroup.CHILD and given_by == GivenBy.SELF)


def child_consent_faults(*, age_group: str, given_by: str, pointer: str) -> list[FieldError]:
    """For a child, a guardian or the authority must decide (domain P13). A person of unknown age may decide for
    themselves here, although the rules of protection treat them as a child."""
    if not counts(age_group=age_group, given_by=given_by):
        return [
            FieldError(
                f"{pointer}/given_by",
                "guardian-required",
                "The consent of a child must be given by a guardian or an authority.",
            )
        ]
    return []


def element_faults(
    consent: ConsentElements, *, age_group: str, at: datetime, times: ToldTimes, pointer: str
) -> list[FieldError]:
    """The faults of the elements of a consent, except its recipients."""
    return [
        *consent_faults(
            given_at=consent.given_at,
            expires_at=consent.expires_at,
            revocation_explained=consent.revocation_explained,
            at=at,
            times=times,
            pointer=pointer,
        ),
        *child_consent_faults(age_group=age_group, given_by=consent.given_by, pointer=pointer),
        *witness_faults(
            method=consent.method,
            witness_reference=consent.witness_reference,
            staff_reference=consent.staff_reference,
            pointer=pointer,
        ),
    ]


def recipient_key(recipient_class: str | None, organization_id: UUID | None) -> str:
    """The recipients of a consent in pointers: the class, or the id of the organisation."""
    return str(organization_id) if recipient_class is None else recipient_class


def given_field(purpose: str, recipient: str) -> str:
    """The pointer under which a new consent for this purpose and these recipients is noted."""
    return f"/consents/{purpose}/{recipient}/given"


def withdrawn_field(purpose: str, recipient: str) -> str:
    """The pointer under which a withdrawal of a consent for this purpose and these recipients is noted."""
    return f"/consents/{purpose}/{recipient}/withdrawn"
