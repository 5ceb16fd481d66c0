"""The rights of a caller in the directory, and the allowed changes of the status of an organisation or a service."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self
from uuid import UUID

from libs.events.codes import NeedCategory, PublicationStatus
from services.provider_directory.errors import StepNotAllowed


class OrganizationType(StrEnum):
    """The types of organisation in a referral network (domain H1)."""

    GOVERNMENT = "government"
    MUNICIPALITY = "municipality"
    CIVIL_SOCIETY = "civil_society"
    CHURCH = "church"
    INTERNATIONAL = "international"
    PRIVATE_SECTOR = "private_sector"
    COMMUNITY = "community"


class Step(StrEnum):
    """The steps that change the status of a published object."""

    SUSPEND = "suspend"
    RESUME = "resume"
    WITHDRAW = "withdraw"


NEXT_STATUS: Final[dict[tuple[PublicationStatus, Step], PublicationStatus]] = {
    (PublicationStatus.ACTIVE, Step.SUSPEND): PublicationStatus.SUSPENDED,
    (PublicationStatus.ACTIVE, Step.WITHDRAW): PublicationStatus.WITHDRAWN,
    (PublicationStatus.SUSPENDED, Step.RESUME): PublicationStatus.ACTIVE,
    (PublicationStatus.SUSPENDED, Step.WITHDRAW): PublicationStatus.WITHDRAWN,
}
"""`withdrawn` is final. An organisation or service that comes back is registered with a new id, so that nobody confuses
it with the old one."""

_STEP_TO: Final = {
    PublicationStatus.ACTIVE: Step.RESUME,
    PublicationStatus.SUSPENDED: Step.SUSPEND,
    PublicationStatus.WITHDRAWN: Step.WITHDRAW,
}


def next_status(current: PublicationStatus, step: Step) -> PublicationStatus:
    """The status to which `step` leads from `current`. Raises `StepNotAllowed`."""
    try:
        return NEXT_STATUS[current, step]
    except KeyError:
        raise StepNotAllowed(state=current.value, step=step.value) from None


def status_after(current: PublicationStatus, *, wanted: PublicationStatus | None) -> PublicationStatus:
    """The status after a replacement that names `wanted`; None keeps the current status. May raise `StepNotAllowed`."""
    if wanted is None or wanted is current:
        return current
    return next_status(current, _STEP_TO[wanted])


@dataclass(frozen=True, slots=True)
class Rights:
    """What a caller may see and change here, according to its token."""

    organization_id: UUID | None
    is_admin: bool
    writes: bool
    sees_restricted: bool

    @classmethod
    def of(cls, scopes: AbstractSet[str], *, organization_id: UUID | None, staff: bool) -> Self:
        """The rights that these scopes and claims give. Only staff can administer."""
        is_admin = staff and "directory:admin" in scopes
        return cls(
            organization_id=organization_id,
            is_admin=is_admin,
            writes=is_admin or "directory:write" in scopes,
            sees_restricted="restricted:read" in scopes,
        )

    def may_write(self, organization_id: UUID) -> bool:
        """True for the organisation's own client and for administrators."""
        return self.is_admin or self.organization_id == organization_id

    def sees(self, *, restricted: bool) -> bool:
        """True if the caller may see a listing with this mark."""
        return self.sees_restricted or not restricted

    def sees_category(self, category: NeedCategory, *, restricted: AbstractSet[str]) -> bool:
        """True if the caller may know that an organisation works in this category. `restricted`: those of the pack."""
        return self.sees(restricted=category in restricted)

    def sees_address(self, *, hidden: bool, organization_id: UUID) -> bool:
        """True if the caller may see the address. Hidden addresses are shown only to holders of `restricted:read` and
        to the organisation's own clients that may write."""
        own = self.writes and self.organization_id == organization_id
        return not hidden or self.sees_restricted or own
