"""What an access to personal data is, and how entries are chained so that none can change unnoticed (pure)."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

GENESIS = bytes(32)
"""The hash before the first link."""


class AccessKind(StrEnum):
    """Whether data were read or written."""

    READ = "read"
    WRITE = "write"


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
class Actor:
    """On whose behalf data are touched."""

    who: str
    """Subject of the token, or source of the event."""
    client_id: str
    organization_id: UUID | None = None
    """None: the network's reception as a whole."""
    trace_id: str | None = None


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


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """All that a seal covers of one entry."""

    id: int
    transaction_id: int
    at: datetime
    subject_id: UUID
    kind: str
    action: str
    who: str
    client_id: str
    organization_id: UUID | None
    purpose: str
    fields: Sequence[str]
    referral_id: UUID | None
    offer_id: UUID | None
    trace_id: str | None


def chain(previous: bytes, entries: Iterable[EntryFacts]) -> bytes:
    """The hash after `entries`, each linked to the one before: `sha256(previous || canonical entry)`."""
    link = previous
    for entry in entries:
        link = sha256(link + _canonical(entry)).digest()
    return link


def _canonical(entry: EntryFacts) -> bytes:
    """The same bytes for the same entry, for ever: JSON with fixed order, times in UTC."""
    members = [
        entry.id,
        entry.transaction_id,
        entry.at.isoformat(),
        str(entry.subject_id),
        entry.kind,
        entry.action,
        entry.who,
        entry.client_id,
        _text(entry.organization_id),
        entry.purpose,
        list(entry.fields),
        _text(entry.referral_id),
        _text(entry.offer_id),
        entry.trace_id,
    ]
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
