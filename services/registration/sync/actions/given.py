"""What every operation of one request is taken in with, and what becomes of one."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.registration.audit.rules import Actor
from services.registration.pack import Pack
from services.registration.sync.rules import Made, Outcome
from services.registration.vault.sealing import Vault


@dataclass(frozen=True, slots=True)
class Given:
    """Who sends operations, and from which device."""

    actor: Actor
    scopes: frozenset[str]
    owner: UUID
    """The organisation of the caller; the nil UUID for the reception of the network."""
    device_id: UUID
    context: str | None
    """The trace context of the request."""
    vault: Vault
    pack: Pack


@dataclass(frozen=True, slots=True)
class Moments:
    """The times of one operation by our clock."""

    made: Made
    operation_id: UUID
    shift: timedelta
    """By how much times in the data are moved."""
    now: datetime


@dataclass(frozen=True, slots=True)
class Done:
    """What an operation came to. Nothing of it is refused."""

    outcome: Outcome = Outcome.DONE
    returnee_id: UUID | None = None
    created_id: UUID | None = None
    client_person_id: UUID | None = None
    superseded: list[str] = field(default_factory=list)
    conflict_ids: list[UUID] = field(default_factory=list)
