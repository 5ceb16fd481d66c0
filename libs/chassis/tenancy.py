"""Whose rows a caller may touch (pure). A token that says nothing of it is nobody's and may touch none."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Self
from uuid import UUID

from libs.chassis.errors import Refusal

RESTRICTED_SCOPE = "restricted:read"


class CallerKind(StrEnum):
    """For whom an operation is. Every route names its kinds; there is no default."""

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
    """What of a service's rows is the caller's. Hashable, and holds nothing personal."""

    client_id: str
    organization_id: UUID | None = None
    reception_places: tuple[str, ...] = ()
    """Codes of the places whose people it sees; the code of a country holds all of it."""
    staff: bool = False
    service: str | None = None
    restricted: bool = False
    """Whether rows of restricted categories exist for it."""

    @classmethod
    def of(cls, claims: Mapping[str, Any], scopes: frozenset[str]) -> Self:
        """The tenant that these claims describe; ValueError or TypeError where a claim has the wrong form.

        A token of an organisation is that organisation's alone, whatever else it claims.
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
        """What the caller is; empty for a token that is nobody's."""
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
        raise TypeError("a list of texts is asked for")
    return tuple(values)


ORGANIZATIONS = frozenset({CallerKind.ORGANIZATION})
STAFF = frozenset({CallerKind.STAFF})
SERVICES = frozenset({CallerKind.SERVICE})
ORGANIZATIONS_AND_STAFF = ORGANIZATIONS | STAFF
WHO_REGISTERS = frozenset({CallerKind.RECEPTION}) | ORGANIZATIONS_AND_STAFF
"""Those who meet people, and those of the network who look after what they told."""


class TenantMissing(Refusal):
    """The token names neither an organisation nor a reception place, and isn't of the network: it is nobody's."""

    code: ClassVar[str] = "tenant-missing"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "The token names no tenant"


class OrganizationRequired(Refusal):
    """The token names no organisation, so there is nothing that it could own here."""

    code: ClassVar[str] = "organization-required"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "The token names no organisation"


class StaffOnly(Refusal):
    """This step is taken by the network, never by a provider."""

    code: ClassVar[str] = "staff-only"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "This step is for staff of the network"


class WrongCaller(Refusal):
    """The operation is for callers of other kinds; member `callers` lists them."""

    code: ClassVar[str] = "wrong-caller"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "The operation is not for this kind of caller"


def refused_kind(kinds: AbstractSet[CallerKind], *, by: AbstractSet[CallerKind]) -> Refusal:
    """What a caller of these kinds is told where the operation is for the kinds `by`."""
    if not kinds:
        return TenantMissing()
    if by == ORGANIZATIONS:
        return OrganizationRequired()
    return StaffOnly() if by == STAFF else WrongCaller(callers=sorted(by))
