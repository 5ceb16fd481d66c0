"""The rows that a caller may read and change (pure). A caller whose token has none of these claims may use no rows."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Self
from uuid import UUID

from libs.chassis.errors import Refusal

RESTRICTED_SCOPE = "restricted:read"


class CallerKind(StrEnum):
    """The kinds of caller. Every route declares who may call it; there is no default."""

    ORGANIZATION = "organization"
    """A client or person of a partner: the rows of its own organisation."""
    RECEPTION = "reception"
    """A client or person of reception centres: the people who were received there."""
    STAFF = "staff"
    """A client or person of the network itself."""
    SERVICE = "service"
    """One of our own services."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """The rows of a service that belong to the caller. It is hashable and contains no personal data."""

    client_id: str
    organization_id: UUID | None = None
    reception_places: tuple[str, ...] = ()
    """Codes of the places whose people it sees; the code of a country includes all its places."""
    staff: bool = False
    service: str | None = None
    restricted: bool = False
    """Whether it can see rows of restricted categories."""

    @classmethod
    def of(cls, claims: Mapping[str, Any], scopes: frozenset[str]) -> Self:
        """The tenant that these claims describe. ValueError or TypeError if a claim has the wrong form.

        A token with an organisation acts only for that organisation, whatever other claims it has.
        """
        written = claims.get("organization_id")
        staff, service = claims.get("staff", False), claims.get("service")
        if not isinstance(staff, bool) or not (service is None or (isinstance(service, str) and service)):
            raise TypeError("staff is a boolean, service a text")
        organization = None if written is None else UUID(written)
        return cls(
            client_id=claims["client_id"],
            organization_id=organization,
            reception_places=_texts(claims.get("reception_places")),
            staff=staff and organization is None,
            service=service if organization is None else None,
            restricted=RESTRICTED_SCOPE in scopes,
        )

    @property
    def kinds(self) -> frozenset[CallerKind]:
        """The kinds of the caller; empty for a token without a tenant."""
        held = {
            CallerKind.ORGANIZATION: self.organization_id is not None,
            CallerKind.RECEPTION: bool(self.reception_places) and self.service is None,
            CallerKind.STAFF: self.staff,
            CallerKind.SERVICE: self.service is not None,
        }
        return frozenset(kind for kind, has in held.items() if has)


def _texts(values: Any) -> tuple[str, ...]:
    if values is None:
        return ()
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError("the claim must be a list of texts")
    return tuple(values)


ORGANIZATIONS = frozenset({CallerKind.ORGANIZATION})
STAFF = frozenset({CallerKind.STAFF})
SERVICES = frozenset({CallerKind.SERVICE})
ORGANIZATIONS_AND_STAFF = ORGANIZATIONS | STAFF
RECEPTION_AND_STAFF = frozenset({CallerKind.RECEPTION}) | STAFF
WHO_REGISTERS = frozenset({CallerKind.RECEPTION}) | ORGANIZATIONS_AND_STAFF
"""Callers who register people, and staff of the network who correct the data."""


class TenantMissing(Refusal):
    """The token names no organisation, reception place or service, and is not a token of staff."""

    code: ClassVar[str] = "tenant-missing"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "The token names no tenant"


class OrganizationRequired(Refusal):
    """The token names no organisation, so no rows of this operation belong to it."""

    code: ClassVar[str] = "organization-required"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "The token names no organisation"


class StaffOnly(Refusal):
    """Only staff of the network may take this step, never a provider."""

    code: ClassVar[str] = "staff-only"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "This step is for staff of the network"


class WrongCaller(Refusal):
    """The operation is for callers of other kinds; member `callers` lists them."""

    code: ClassVar[str] = "wrong-caller"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "The operation is not for this kind of caller"


def refused_kind(kinds: AbstractSet[CallerKind], *, by: AbstractSet[CallerKind]) -> Refusal:
    """The refusal for a caller of these kinds if the operation is for the kinds `by`."""
    if not kinds:
        return TenantMissing()
    if by == ORGANIZATIONS:
        return OrganizationRequired()
    return StaffOnly() if by == STAFF else WrongCaller(callers=sorted(by))
