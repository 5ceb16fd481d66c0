"""Announce, land, receive people, mark absent, complete intake: in any order, and the same by REST and by event.

The row of a batch is locked late. Therefore, the people of one flight can be registered concurrently, and the
transactions wait for each other only at the end.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.chassis.errors import FieldError, InvalidInput
from libs.events.catalogue.registration import ArrivalBatchIntakeCompleted, ArrivalBatchLanded
from libs.events.codes import TransportMode
from libs.events.outbox import append
from services.registration.arrivals import queries
from services.registration.arrivals.actions.references import Found, batches_of, locked_batch
from services.registration.arrivals.rules import (
    NEXT_STATUS,
    BatchStatus,
    BatchStep,
    Journey,
    comes_too_late,
    is_another_journey,
    manifest_until,
    place_of,
)
from services.registration.arrivals.schemas import Announcement, Coming, Landing, LandingBody
from services.registration.arrivals.tables import ArrivalBatch, Words, keep_words
from services.registration.audit.rules import Actor
from services.registration.errors import (
    ArrivalBatchNotAnnounced,
    ArrivalBatchNotLanded,
    BatchReferenceReused,
    IntakeIncomplete,
    ManifestAgedOut,
)
from services.registration.intake.actions.registering import register_arrivals
from services.registration.intake.schemas import Arrival, Registration
from services.registration.manifests.actions import claim_entries, entry_key, hold_manifest, let_age_out, mark_absent
from services.registration.manifests.rules import AbsenceReason
from services.registration.manifests.schemas import Claim
from services.registration.pack import Pack, Reception
from services.registration.people.actions.correcting import place_returnees
from services.registration.vault.sealing import Vault
from services.registration.wristbands.actions.bands import tie_bands
from services.registration.wristbands.queries import locked_bands
from services.registration.wristbands.schemas import BandClaim


async def announce_batch(
    session: AsyncSession, announcement: Announcement, *, vault: Vault, reception: Reception
) -> UUID:
    """Announce a batch with its manifest; return its id. A repeated announcement replaces the earlier data."""
    body, sender = announcement.body, announcement.sender
    days = reception.manifest_days
    faults = reception.times.expected_at.faults(body.expected_at, at=now(session), pointer="/expected_at")
    _require_sound(reception, faults, place=body.reception_place, mode=body.mode)
    row = await locked_batch(session, sender, body.sender_reference, master=vault.master)
    told_at = _not_ahead(announcement.told_at, session)
    if comes_too_late(told_at, row.announced_as_of):
        return row.id
    # A flight may land elsewhere than announced, so the place is not compared here.
    _refuse_another(row, Journey(body.mode.value, None, (body.expected_at,)))
    row.announced_as_of = told_at
    row.status = NEXT_STATUS[BatchStatus(row.status), BatchStep.ANNOUNCE].value
    row.cancelled_at = row.cancelled_because = None
    keep_words(row, Words(body.sender_reference, body.carrier, body.origin), vault.master)
    row.expected_at = body.expected_at
    row.version += 1
    if row.landed_at is None:
        row.mode = body.mode.value
        row.reception_place = place_of(body.reception_place, row.reception_place, diverted_from=row.diverted_from)
    if "entries" in body.model_fields_set:
        if body.entries and row.manifest_aged_out_at is not None:
            raise ManifestAgedOut
        if body.entries:
            row.manifest_until = manifest_until(row.landed_at or body.expected_at, taken_at=now(session), days=days)
        await hold_manifest(
            session, row.id, body.entries, vault=vault, actor=sender.actor, today=reception.day_of(now(session))
        )
    await _settle(session, row, may_place=True, vault=vault)
    return row.id


async def land_batch(session: AsyncSession, landing: Landing, *, vault: Vault, reception: Reception) -> UUID:
    """Record the arrival of a batch, announced or not; return its id. A repeated call corrects the data."""
    body = landing.body
    faults = reception.times.landed_at.faults(body.landed_at, at=now(session), pointer="/landed_at")
    _require_sound(reception, faults, place=body.reception_place, mode=body.mode)
    row = await locked_batch(session, landing.sender, body.sender_reference, master=vault.master)
    told_at = _not_ahead(landing.told_at, session)
    if comes_too_late(told_at, row.landed_as_of):
        return row.id
    if row.landed_at is not None:
        _refuse_another(row, Journey(body.mode.value, body.reception_place, (body.landed_at,)))
    row.mode, row.reception_place, row.landed_as_of = body.mode.value, body.reception_place, told_at
    await _land(session, row, landed_at=body.landed_at, people_count=body.people_count, vault=vault)
    return row.id


async def land_announced_batch(
    session: AsyncSession, batch_id: UUID, body: LandingBody, *, actor: Actor, vault: Vault, reception: Reception
) -> UUID:
    """Record the arrival of a batch that is identified by our id. Its mode and place are those of the announcement."""
    at = now(session)
    faults = reception.times.landed_at.faults(body.landed_at or at, at=at, pointer="/landed_at")
    if faults:
        raise InvalidInput(errors=faults)
    row = await queries.batch(session, batch_id, actor=actor, lock=True)
    if row.mode is None or row.reception_place is None:
        raise ArrivalBatchNotAnnounced
    if row.landed_at is not None and body.landed_at is not None:
        _refuse_another(row, Journey(None, None, (body.landed_at,)))
    row.landed_as_of = at
    landed_at = body.landed_at or row.landed_at or at
    await _land(session, row, landed_at=landed_at, people_count=body.people_count, vault=vault)
    return row.id


def _not_ahead(told_at: datetime | None, session: AsyncSession) -> datetime:
    """The time of the message, at most now. Otherwise, if a sender's clock was ahead, its later messages would look
    older."""
    return now(session) if told_at is None else min(told_at, now(session))


def _refuse_another(row: ArrivalBatch, told: Journey) -> None:
    """Refuse data of another flight or bus with the same reference: the people who have already arrived must not become
    its people."""
    has_come = row.landed_at is not None or row.registered_count > 0
    times = tuple(at for at in (row.expected_at, row.landed_at) if at is not None)
    if has_come and is_another_journey(Journey(row.mode, row.reception_place, times), told):
        raise BatchReferenceReused


async def _land(
    session: AsyncSession, row: ArrivalBatch, *, landed_at: datetime, people_count: int, vault: Vault
) -> None:
    unchanged = row.landed_at == landed_at and row.people_count == people_count
    row.status = NEXT_STATUS[BatchStatus(row.status), BatchStep.LAND].value
    row.landed_at, row.people_count = landed_at, people_count
    row.cancelled_at = row.cancelled_because = None
    row.version += 1
    session.add(row)
    await session.flush()
    if not unchanged:
        assert row.mode is not None, "a batch lands with its mode"
        assert row.reception_place is not None, "a batch lands with its place"
        landed = ArrivalBatchLanded(
            arrival_batch_id=row.id,
            mode=TransportMode(row.mode),
            reception_place=row.reception_place,
            landed_at=landed_at,
            people_count=people_count,
        )
        await append(session, [landed], traceparents=[row.traceparent])
    await _settle(session, row, may_place=True, vault=vault)


async def receive_people(
    session: AsyncSession, coming: Sequence[Coming], *, vault: Vault, pack: Pack
) -> list[Registration]:
    """Register the people who are new, with all their data, and count them in their batches. Returns one `Registration`
    per arrival, in the same order."""
    await locked_bands(session, [one.wristband_id for one in coming if one.wristband_id is not None])
    batches = await batches_of(session, coming, master=vault.master)
    arrivals = [_arrival(one, batches, vault=vault) for one in coming]
    registrations = await register_arrivals(session, arrivals, vault=vault, pack=pack)
    await _tie_bands(session, coming, registrations)
    await _count_in(session, [one for one in registrations if one.is_new], vault=vault)
    return registrations


async def _tie_bands(session: AsyncSession, coming: Sequence[Coming], registrations: Sequence[Registration]) -> None:
    """Connect bands with their people. Only REST names bands, and each of its requests has a registration."""
    claims: dict[Actor, list[BandClaim]] = {}
    for one, made in zip(coming, registrations, strict=False):
        if one.wristband_id is not None:
            of_actor = claims.setdefault(one.sender.actor, [])
            of_actor.append(BandClaim(one.wristband_id, made.returnee_id, made.arrival_batch_id))
    for actor, of_actor in claims.items():
        await tie_bands(session, of_actor, actor=actor)


async def mark_entry_absent(
    session: AsyncSession, batch_id: UUID, entry_id: UUID, reason: AbsenceReason, *, actor: Actor, vault: Vault
) -> UUID:
    """Mark an announced person of the batch as absent; return the batch's id."""
    row = await queries.batch(session, batch_id, actor=actor, lock=True)
    await mark_absent(session, row.id, entry_id, reason, actor=actor)
    await _settle(session, row, may_place=False, vault=vault)
    return row.id


async def complete_intake(session: AsyncSession, batch_id: UUID, *, actor: Actor, vault: Vault) -> UUID:
    """Complete the intake because nobody else is expected. It has the same effect as the automatic completion."""
    row = await queries.batch(session, batch_id, actor=actor, lock=True)
    if row.status == BatchStatus.INTAKE_COMPLETED:
        return row.id
    counts = await queries.intake_counts(session, row)
    if counts.people_count is None:
        raise ArrivalBatchNotLanded
    if not counts.may_be_completed:
        raise IntakeIncomplete(
            open_count=counts.open_count,
            registered_count=counts.registered_count,
            open_wristbands=counts.open_wristbands,
        )
    await _complete(session, row, vault=vault)
    return row.id


async def let_manifests_age_out(session: AsyncSession, *, vault: Vault, limit: int) -> int:
    """Destroy the keys of manifests whose retention has ended; return the number of manifests."""
    due = await queries.manifests_due(session, at=now(session), limit=limit)
    for row in due:
        row.manifest_until, row.manifest_aged_out_at = None, now(session)
        session.add(row)
    await session.flush()
    if due:
        await let_age_out(session, [row.id for row in due], vault=vault, at=now(session))
    return len(due)


def _require_sound(reception: Reception, faults: list[FieldError], *, place: str, mode: TransportMode) -> None:
    if faults := [*faults, *reception.place_faults(place, mode)]:
        raise InvalidInput(errors=faults)


def _arrival(one: Coming, batches: Found, *, vault: Vault) -> Arrival:
    body, sender = one.body, one.sender
    batch_id: UUID | None = None
    place: str | None = None
    if one.arrival_batch_id is not None:
        batch_id, place = batches[one.arrival_batch_id]
    elif body.batch_reference is not None:
        batch_id, place = batches[sender.source, body.batch_reference]
    manifest_key = None
    if batch_id is not None and body.manifest_reference is not None:
        manifest_key = entry_key(vault.master, arrival_batch_id=batch_id, reference=body.manifest_reference)
    return Arrival(
        body=body,
        actor=sender.actor,
        source=sender.source,
        organization_id=sender.organization_id,
        arrival_batch_id=batch_id,
        reception_place=place,
        manifest_key=manifest_key,
        context=sender.context,
        set_aside=one.set_aside,
    )


async def _count_in(session: AsyncSession, registrations: Sequence[Registration], *, vault: Vault) -> None:
    """Count new people in their batches, match them with the manifests, and complete each batch that is complete."""
    counts = Counter(one.arrival_batch_id for one in registrations if one.arrival_batch_id is not None)
    if not counts:
        return
    rows = await queries.locked_batches(session, counts)
    claims = [
        Claim(one.arrival_batch_id, one.manifest_key, one.returnee_id)
        for one in registrations
        if one.arrival_batch_id is not None and one.manifest_key is not None
    ]
    await claim_entries(session, claims)
    unplaced = {one.arrival_batch_id for one in registrations if one.reception_place is None}
    for row in rows:
        row.registered_count += counts[row.id]
        await _settle(session, row, may_place=row.id in unplaced, vault=vault)


async def _settle(session: AsyncSession, row: ArrivalBatch, *, may_place: bool, vault: Vault) -> None:
    """Write a locked batch and do what follows from its state.

    `may_place` is True if somebody of the batch may have been registered without a reception place.

    A registration that runs while the batch gets its place waits here for the batch's row, and then sets the place.
    """
    session.add(row)
    await session.flush()
    if may_place and row.reception_place is not None:
        await place_returnees(session, row.id, reception_place=row.reception_place)
    if row.status == BatchStatus.LANDED and (await queries.intake_counts(session, row)).is_complete:
        await _complete(session, row, vault=vault)


async def _complete(session: AsyncSession, row: ArrivalBatch, *, vault: Vault) -> None:
    row.status = NEXT_STATUS[BatchStatus(row.status), BatchStep.COMPLETE_INTAKE].value
    row.intake_completed_at = now(session)
    row.version += 1
    session.add(row)
    await session.flush()
    returnees, needs = await queries.totals(session, row.id, vault=vault)
    completed = ArrivalBatchIntakeCompleted(
        arrival_batch_id=row.id, returnee_count=returnees, need_count=needs, completed_at=now(session)
    )
    await append(session, [completed], traceparents=[row.traceparent])
