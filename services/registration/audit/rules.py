"""The kinds and purposes of accesses, and what an actor may see (pure)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from libs.chassis.principals import PERSON, principal_of
from libs.events.codes import NeedCategory


class AccessKind(StrEnum):
    """Whether data were read or written."""

    READ = "read"
    WRITE = "write"


RESTRICTED = "restricted."
"""The prefix of the action of an entry that concerns a need of a restricted category."""
CHILD_AUTHORITY_SCOPE = "child-releases:sign-off"
"""The scope of the authority that decides about the release of children. Staff who hold it see children only."""
EMERGENCY_SCOPE = "emergency:read"
"""The scope of staff who approve or review access in an emergency."""
EXPORTS_SCOPE = "exports:approve"
"""The scope of staff who approve identified exports as the second person."""


class AccessPurpose(StrEnum):
    """Why the data were read or written; the caller of a read names one."""

    REGISTRATION = "registration"
    REFERRAL = "referral"
    FAMILY_CONTACT = "family_contact"
    FOLLOW_UP = "follow_up"
    CORRECTION = "correction"
    REQUEST_OF_PERSON = "request_of_person"
    ERASURE = "erasure"
    INCIDENT = "incident"
    LEGAL_REQUEST = "legal_request"
    CHILD_RELEASE = "child_release"
    VITAL_INTEREST = "vital_interest"


@dataclass(frozen=True, slots=True)
class Sight:
    """What a caller may see of the people here: nothing, unless its token allows more (domain P7, P18)."""

    areas: tuple[str, ...] = ()
    """The codes of the places where the visible people were received. A code includes every place whose code begins
    with it."""
    everywhere: bool = False
    """The whole country."""
    children_only: bool = False
    """True for the desk that decides for children, and for the authority that signs their release off: they see the
    children of the whole country, and no adult."""
    restricted: bool = False
    """True with `restricted:read` and the certificates of all restricted categories. False: needs of restricted
    categories are invisible, except those of `opened_categories`."""
    restricted_categories: frozenset[NeedCategory] = frozenset()
    """The restricted categories of the country pack."""
    opened_categories: frozenset[NeedCategory] = frozenset()
    """The restricted categories for which the caller has the scope and the certificate."""
    own_packets: bool = False
    """True for an organisation with `restricted:read`: packets and deletion requests that were sent to it are its own,
    so they require no certificate."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The actor for whom data are read or written."""

    who: str
    """Subject of the token, or source of the event."""
    client_id: str
    organization_id: UUID | None = None
    """None for the reception staff of the network."""
    trace_id: str | None = None
    sight: Sight = Sight()
    person: bool = False
    """True for a person who signed in through a client that other people use too."""
    acting_as: tuple[str, ...] = ()
    """The roles and desks of its token, as codes with their kind: `role:reception_clerk`, `desk:conamigua`."""

    @property
    def principal(self) -> str:
        """The client of a program, or the person: other people who use the same client are others."""
        return principal_of(self.client_id, self.who, person=self.person)

    @property
    def source(self) -> str:
        """The source of the data that this actor registers by REST. Its own rows have this source."""
        return self.principal if self.person else f"{_CLIENT}{self.client_id}"

    def hidden_categories(self, organization_id: UUID | None) -> frozenset[NeedCategory]:
        """The categories of needs that this actor cannot see, for a person whose row belongs to that organisation.

        Staff with `restricted:read` and a certificate see the restricted needs of everybody; an organisation with
        both sees only those of its own people.
        """
        if self.organization_id not in (None, organization_id):
            return self.sight.restricted_categories
        return self._closed

    @property
    def hidden_packets(self) -> frozenset[NeedCategory]:
        """The categories of needs whose packets and deletion requests this actor cannot see."""
        return frozenset() if self.sight.own_packets else self._closed

    @property
    def _closed(self) -> frozenset[NeedCategory]:
        sight = self.sight
        return frozenset() if sight.restricted else sight.restricted_categories - sight.opened_categories


@dataclass(frozen=True, slots=True)
class Access:
    """One read or write of one subject's data. `fields` names columns or parts, never values."""

    subject_id: UUID
    kind: AccessKind
    action: str
    purpose: AccessPurpose
    fields: Sequence[str]
    referral_id: UUID | None = None
    offer_id: UUID | None = None
    trace_id: str | None = None
    """The trace of the person, if it differs from the actor's."""


_CLIENT = "client:"
_AREA = re.compile(r"[A-Z]{2}([0-9]{2,6})?")


def known_areas(codes: Iterable[str]) -> tuple[str, ...]:
    """The codes that have the form of a country or place code. Others are omitted."""
    return tuple(code for code in codes if _AREA.fullmatch(code))


def is_source_of_a_client(source: str) -> bool:
    """Whether a source belongs to a program or person that uses REST; no event may claim such a source."""
    return source.startswith((_CLIENT, PERSON))
