"""Finds bands and people for the gate under the caller's sight, and shows bands and figures."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, own_work
from libs.chassis.paging import Page, PageRequest, page_of
from services.registration.arrivals.queries import batch, visible_batches
from services.registration.arrivals.schemas import DivertedView
from services.registration.arrivals.tables import ArrivalBatch
from services.registration.audit.rules import Actor
from services.registration.gate.schemas import CheckInFigures, CheckInItem, SheetView, WristbandView
from services.registration.pack import Reception
from services.registration.people.queries import returnee, visible_to
from services.registration.people.tables import Returnee
from services.registration.wristbands import queries as bands
from services.registration.wristbands.rules import BandStatus, StageOutcome, Subject, VoidReason
from services.registration.wristbands.schemas import BandClaim, StageResult, StageTold
from services.registration.wristbands.tables import Wristband


async def sheet_view(session: AsyncSession, batch_id: UUID, sheet_id: UUID) -> SheetView:
    """The codes of one sheet. The caller sees the batch."""
    codes = await bands.codes_of_sheet(session, batch_id, sheet_id)
    return SheetView(sheet_id=sheet_id, arrival_batch_id=batch_id, codes=codes)


async def heading(session: AsyncSession, batch_id: UUID, *, actor: Actor) -> str:
    """The heading of a sheet: place, mode and day; NotFound if the caller may not see the batch."""
    row = await batch(session, batch_id, actor=actor)
    day = row.landed_at or row.expected_at
    parts = (row.reception_place, row.mode, None if day is None else day.date().isoformat())
    return " · ".join(part for part in parts if part is not None) or "Wristbands"


async def band_ids(session: AsyncSession, codes: Sequence[str], *, actor: Actor) -> list[UUID]:
    """The ids of these bands, in the same order; NotFound if one does not exist or the caller may not see it."""
    found: dict[UUID, UUID] = {}
    for code in codes:
        band = await bands.band_of_code(session, code)
        if band.arrival_batch_id not in found.values():
            await batch(session, band.arrival_batch_id, actor=actor)
        found[band.id] = band.arrival_batch_id
    return list(found)


async def claim(session: AsyncSession, code: str, returnee_id: UUID, *, actor: Actor) -> BandClaim:
    """A band and the person who has it; NotFound if the caller may not see one of them."""
    (band_id,) = await band_ids(session, [code], actor=actor)
    person = await returnee(session, returnee_id, actor=actor)
    return BandClaim(band_id, person.id, person.arrival_batch_id)


async def wristbands(
    session: AsyncSession, page: PageRequest, *, status: BandStatus | None, batch_id: UUID | None, actor: Actor
) -> Page[WristbandView]:
    """Bands of the batches that the caller sees, in the order in which they were issued."""
    later = aliased(Wristband)
    query = (
        select(Wristband, later.code)
        .join(ArrivalBatch, col(ArrivalBatch.id) == col(Wristband.arrival_batch_id))
        .outerjoin(later, col(later.id) == col(Wristband.replaced_by))
        .where(visible_batches(actor))
    )
    if status is not None:
        query = query.where(Wristband.status == status.value)
    if batch_id is not None:
        query = query.where(Wristband.arrival_batch_id == batch_id)
    if page.after is not None:
        query = query.where(col(Wristband.id) > UUID(page.after[0]))
    rows = (await session.exec(query.order_by(col(Wristband.id)).limit(page.limit + 1))).all()
    at = now(session)
    return page_of(
        rows, request=page, cursor_of=lambda row: [str(row[0].id)], view=lambda row: _view(row[0], row[1], at=at)
    )


def _view(row: Wristband, replaced_by: str | None, *, at: datetime) -> WristbandView:
    waits = row.status == BandStatus.IN_USE and row.handed_out_at is not None
    return WristbandView(
        code=row.code,
        arrival_batch_id=row.arrival_batch_id,
        status=BandStatus(row.status),
        owner=row.owner,
        issued_at=row.issued_at,
        handed_out_at=row.handed_out_at,
        waiting_seconds=max(0, int((at - row.handed_out_at).total_seconds())) if waits and row.handed_out_at else None,
        void_reason=None if row.void_reason is None else VoidReason(row.void_reason),
        replaced_by=replaced_by,
    )


async def found_stages(
    session: AsyncSession, items: Sequence[CheckInItem], *, actor: Actor, reception: Reception
) -> list[StageTold | StageResult]:
    """Each item with its band or person, or its refusal. What the caller may not see is unknown."""
    codes = {one.wristband for one in items if one.wristband is not None}
    query = select(Wristband.code, Wristband.id, Wristband.arrival_batch_id)
    query = query.join(ArrivalBatch, col(ArrivalBatch.id) == col(Wristband.arrival_batch_id))
    seen = (await session.exec(query.where(col(Wristband.code).in_(codes), visible_batches(actor)))).all()
    of_code = {code: (Subject(wristband_id=one), batch_id) for code, one, batch_id in seen}
    ids = {one.returnee_id for one in items if one.returnee_id is not None}
    people = select(Returnee.id, Returnee.arrival_batch_id).where(
        col(Returnee.id).in_(ids), visible_to(actor), col(Returnee.erased_at).is_(None)
    )
    of_id = {one: (Subject(returnee_id=one), batch_id) for one, batch_id in (await session.exec(people)).all()}
    at = now(session)

    def found(item: CheckInItem) -> StageTold | StageResult:
        known = of_code.get(item.wristband or "") if item.returnee_id is None else of_id.get(item.returnee_id)
        if known is None:
            rule = "known-wristband" if item.returnee_id is None else "known-returnee"
            return StageResult(StageOutcome.REFUSED, rule=rule)
        faults = reception.times.arrived_at.faults(item.at or at, at=at, pointer="")
        if faults:
            return StageResult(StageOutcome.REFUSED, rule=faults[0].rule)
        return StageTold(known[0], known[1], item.stage, item.at or at, item.exited_to)

    return [found(item) for item in items]


async def check_in_figures(session: AsyncSession, batch_id: UUID, *, actor: Actor) -> CheckInFigures:
    """The numbers of a batch that the caller may see. People of another organisation in it count too."""
    row = await batch(session, batch_id, actor=actor)
    async with own_work(session):
        waiting = await bands.figures(session, batch_id)
        open_count = (await bands.open_bands(session, [batch_id]))[batch_id]
    return CheckInFigures(
        arrival_batch_id=batch_id,
        welcomed=waiting.welcomed,
        informed=waiting.informed,
        registered=max(row.registered_count, waiting.registered),
        exited=waiting.exited,
        open_wristbands=open_count,
        not_informed_since=waiting.not_informed_since,
        not_registered_since=waiting.not_registered_since,
        not_exited_since=waiting.not_exited_since,
    )


async def diverted(session: AsyncSession, batch_id: UUID) -> DivertedView:
    """The batch that the caller has diverted. It may belong to another centre now, so no more of it is shown."""
    async with own_work(session):
        row = await session.get_one(ArrivalBatch, batch_id)
    assert row.reception_place is not None, "a diverted batch has a place"
    assert row.diverted_from is not None, "and the place before"
    assert row.diverted_at is not None, "and a time"
    return DivertedView(
        id=row.id,
        reception_place=row.reception_place,
        diverted_from=row.diverted_from,
        diverted_at=row.diverted_at,
    )
