"""Issue bands, take them over, give them up, and connect them with registered people.

A band is locked before the person who has it. So of two clerks who register the same band at the same time, one waits
for the other and is then refused.
"""

import secrets
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from libs.chassis.errors import FieldError, InvalidInput
from services.registration.audit.rules import Actor
from services.registration.gate_errors import ReturneeHasWristband, WristbandNotUsable, WristbandTaken
from services.registration.people.queries import visible_to
from services.registration.people.tables import Returnee
from services.registration.wristbands import queries
from services.registration.wristbands.rules import VOID_FROM, BandStatus, VoidReason, needs_replacement, new_code
from services.registration.wristbands.schemas import BandClaim
from services.registration.wristbands.tables import CheckIn, Wristband

_ISSUE = """
    INSERT INTO wristband (id, arrival_batch_id, sheet_id, code, status, issued_at)
    SELECT id, $1, $2, code, 'issued', $3 FROM unnest($4::uuid[], $5::text[]) AS b (id, code)
    ON CONFLICT (code) DO NOTHING RETURNING id
"""
_TIMES = ("welcomed_at", "informed_at", "exited_at", "exited_to")


async def issue_bands(session: AsyncSession, batch_id: UUID, *, count: int) -> UUID:
    """Make `count` new codes for a batch; return the id of their sheet. No code is ever given twice."""
    sheet_id, connection, missing = uuid7(), await raw(session), count
    while missing:
        codes = list(dict.fromkeys(new_code(secrets.randbelow) for _ in range(missing)))
        ids = [uuid7() for _ in codes]
        missing -= len(await connection.fetch(_ISSUE, batch_id, sheet_id, now(session), ids, codes))
    return sheet_id


async def tie_bands(session: AsyncSession, claims: Sequence[BandClaim], *, actor: Actor) -> None:
    """Connect bands with the people who were registered under them. The bands are locked already.

    Raises WristbandTaken if a band belongs to another person, ReturneeHasWristband if the person has another band, and
    WristbandNotUsable if the band was given up.
    """
    band_ids, returnee_ids = [one.wristband_id for one in claims], [one.returnee_id for one in claims]
    bands = await queries.locked_bands(session, band_ids)
    await queries.lock_people(session, returnee_ids)
    found = list(await queries.check_ins(session, wristband_ids=band_ids, returnee_ids=returnee_ids))
    for claim in claims:
        await _tie(session, bands[claim.wristband_id], claim, found, actor=actor)
    await session.flush()


async def _tie(session: AsyncSession, band: Wristband, claim: BandClaim, found: list[CheckIn], *, actor: Actor) -> None:
    """Connect one band. `found` are the check-ins of all bands and people; it is brought up to date."""
    if claim.arrival_batch_id != band.arrival_batch_id:
        fault = FieldError("/wristband", "batch-of-wristband", "The wristband was issued for another arrival batch.")
        raise InvalidInput(errors=[fault])
    if band.status == BandStatus.VOID:
        raise WristbandNotUsable
    of_band = next((row for row in found if row.wristband_id == band.id), None)
    of_person = next((row for row in found if row.returnee_id == claim.returnee_id), None)
    if band.status == BandStatus.REGISTERED and (of_band is None or of_band is not of_person):
        raise await _taken(session, None if of_band is None else of_band.returnee_id, actor=actor)
    if of_person is not None and of_person.wristband_id not in (None, band.id):
        raise ReturneeHasWristband
    if of_band is not None and of_band is of_person:
        return
    row = of_band or of_person or CheckIn(id=uuid7())
    if of_band is not None and of_person is not None:
        for name in _TIMES:
            setattr(of_band, name, getattr(of_band, name) or getattr(of_person, name))
        await session.delete(of_person)
        await session.flush()
    found[:] = [one for one in found if one is not of_band and one is not of_person] + [row]
    row.wristband_id, row.returnee_id, row.arrival_batch_id = band.id, claim.returnee_id, band.arrival_batch_id
    row.registered_at = row.registered_at or now(session)
    band.status = BandStatus.REGISTERED.value
    band.handed_out_at = band.handed_out_at or now(session)
    band.owner = band.owner or actor.principal
    session.add_all([band, row])


async def _taken(session: AsyncSession, returnee_id: UUID | None, *, actor: Actor) -> WristbandTaken:
    """The refusal; it contains the case code only if the caller may see the person."""
    seen = select(Returnee.case_code).where(Returnee.id == returnee_id, visible_to(actor))
    code = None if returnee_id is None else (await session.exec(seen)).first()
    return WristbandTaken() if code is None else WristbandTaken(case_code=code)


async def take_bands(session: AsyncSession, wristband_ids: Collection[UUID], *, actor: Actor) -> UUID:
    """Make the caller the owner of these bands: they answer for the people until these are registered."""
    bands = await queries.locked_bands(session, wristband_ids)
    for band in bands.values():
        if band.status != BandStatus.IN_USE:
            raise WristbandNotUsable
        band.owner = actor.principal
        session.add(band)
    await session.flush()
    return uuid7()


async def void_band(session: AsyncSession, band_id: UUID, reason: VoidReason, *, replacement_id: UUID | None) -> UUID:
    """Give up a band. If a person has it, their check-in moves to the replacement."""
    ids = [band_id] if replacement_id is None else [band_id, replacement_id]
    bands = await queries.locked_bands(session, ids)
    band = bands[band_id]
    status = BandStatus(band.status)
    if status not in VOID_FROM[reason]:
        raise WristbandNotUsable
    if needs_replacement(reason, status) != (replacement_id is not None):
        detail = (
            "A person has the band, so they need another one." if replacement_id is None else "Nobody has the band."
        )
        raise InvalidInput(errors=[FieldError("/replacement", "replacement", detail)])
    if replacement_id is not None:
        await _replace(session, band, bands[replacement_id])
    band.status, band.void_reason, band.voided_at = BandStatus.VOID.value, reason.value, now(session)
    session.add(band)
    await session.flush()
    return band_id


async def _replace(session: AsyncSession, band: Wristband, new: Wristband) -> None:
    if new.status != BandStatus.ISSUED or new.arrival_batch_id != band.arrival_batch_id:
        raise WristbandNotUsable
    new.status, new.owner, new.handed_out_at = band.status, band.owner, band.handed_out_at
    band.replaced_by = new.id
    for row in await queries.check_ins(session, wristband_ids=[band.id]):
        row.wristband_id = new.id
        session.add(row)
    session.add(new)
    await session.flush()
