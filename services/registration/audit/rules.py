"""What an access to personal data is (pure)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from libs.events.codes import NeedCategory


class AccessKind(StrEnum):
    """Whether data were read or written."""

    READ = "read"
    WRITE = "write"


RESTRICTED = "restricted."
"""How the action of an entry begins that tells of a need of a restricted category."""


class AccessPurpose(StrEnum):
    """Why the data were touched; the caller of a read names one."""

    REGISTRATION = "registration"
    REFERRAL = "referral"
    FAMILY_CONTACT = "family_contact"
    FOLLOW_UP = "follow_up"
    CORRECTION = "correction"
    REQUEST_OF_PERSON = "request_of_person"
    ERASURE = "erasure"


@dataclass(frozen=True, slots=True)
class Sight:
    """What a caller may see of the people here: nothing, unless its token says more (domain P7, P18)."""

    areas: tuple[str, ...] = ()
    """Where the people were received whom it sees, by code; a code holds every place whose code begins with it."""
    everywhere: bool = False
    """The whole country."""
    children_only: bool = False
    """The desk that decides for children sees those of the whole country, and no adult."""
    restricted: bool = False
    """Without it needs of restricted categories do not exist."""
    restricted_categories: frozenset[NeedCategory] = frozenset()
    """Those of the country pack."""


@dataclass(frozen=True, slots=True)
class Actor:
    """On whose behalf data are touched."""

    who: str
    """Subject of the token, or source of the event."""
    client_id: str
    organization_id: UUID | None = None
    """None: the network's reception as a whole."""
    trace_id: str | None = None
    sight: Sight = Sight()

    def hidden_categories(self, organization_id: UUID | None) -> frozenset[NeedCategory]:
        """The categories whose needs do not exist for this actor, of a person whose row is that organisation's.

        Staff with `restricted:read` see them of everybody, an organisation with it those of its own people only.
        """
        if self.sight.restricted and self.organization_id in (None, organization_id):
            return frozenset()
        return self.sight.restricted_categories


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
    """When it differs from the actor's: the trace of the person."""


_CLIENT = "client:"
_AREA = re.compile(r"[A-Z]{2}([0-9]{2,6})?")


def known_areas(codes: Iterable[str]) -> tuple[str, ...]:
    """The codes that have the form of a country or place; others name nothing and are left out."""
    return tuple(code for code in codes if _AREA.fullmatch(code))


def source_of_client(client_id: str) -> str:
    """The source of what a client registers by REST."""
    return f"{_CLIENT}{client_id}"


def is_source_of_a_client(source: str) -> bool:
    """Whether a source is that of a client of REST, which no event may claim."""
    return source.startswith(_CLIENT)
