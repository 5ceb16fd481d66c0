"""A flight or bus that does not come, or that goes to another reception place."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.chassis.errors import FieldError, InvalidInput
from libs.events.codes import TransportMode
from services.registration.arrivals import queries
from services.registration.arrivals.rules import CancelReason
from services.registration.arrivals.schemas import DivertBody
from services.registration.arrivals.tables import ArrivalBatch
from services.registration.audit.rules import Actor
from services.registration.gate_errors import ArrivalBatchHasCome
from services.registration.manifests.actions import hold_manifest
from services.registration.pack import Reception
from services.registration.vault.sealing import Vault


async def cancel_batch(
    session: AsyncSession, batch_id: UUID, reason: CancelReason, *, actor: Actor, vault: Vault
) -> UUID:
    """Record that a batch does not come, and delete its manifest: its names have no purpose any more (domain P17)."""
    row = await _not_come(session, batch_id, actor=actor)
    is_new = row.cancelled_at is None
    row.cancelled_at, row.cancelled_because = row.cancelled_at or now(session), reason.value
    row.version += 1
    if is_new:
        await hold_manifest(session, row.id, [], vault=vault, actor=actor, today=now(session).date())
    session.add(row)
    await session.flush()
    return row.id


async def divert_batch(
    session: AsyncSession, batch_id: UUID, body: DivertBody, *, actor: Actor, reception: Reception
) -> UUID:
    """Move what is expected to another reception place, which sees it from now on instead of the first."""
    row = await _not_come(session, batch_id, actor=actor)
    at = now(session)
    faults = reception.place_faults(body.reception_place, None if row.mode is None else TransportMode(row.mode))
    if body.expected_at is not None:
        faults += reception.times.expected_at.faults(body.expected_at, at=at, pointer="/expected_at")
    if row.reception_place is None:
        faults.append(FieldError("/reception_place", "announced", "The batch has no reception place yet: announce it."))
    elif body.reception_place == row.reception_place:
        faults.append(FieldError("/reception_place", "another-place", "The batch is expected at this place already."))
    if faults:
        raise InvalidInput(errors=faults)
    row.diverted_from, row.diverted_at, row.reception_place = row.reception_place, at, body.reception_place
    row.expected_at = body.expected_at or row.expected_at
    row.version += 1
    session.add(row)
    await session.flush()
    return row.id


async def _not_come(session: AsyncSession, batch_id: UUID, *, actor: Actor) -> ArrivalBatch:
    """The locked batch; ArrivalBatchHasCome if it has landed or somebody of it is registered."""
    row = await queries.batch(session, batch_id, actor=actor, lock=True)
    if row.landed_at is not None or row.registered_count:
        raise ArrivalBatchHasCome
    return row
