"""HTTP for the gate: wristbands, check-ins, and flights or buses that do not come or go elsewhere."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from uuid_utils.compat import uuid7

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.idempotency import KeyReused, OnceOptional, OnceRequired
from libs.chassis.paging import Page, PageQuery
from libs.chassis.problems import responses
from libs.chassis.tenancy import WHO_REGISTERS
from services.registration.arrivals.actions import changes
from services.registration.arrivals.queries import batch_view
from services.registration.arrivals.schemas import ArrivalBatchView, CancelBody, DivertBody, DivertedView
from services.registration.audit.api import actor_of
from services.registration.errors import ReturneeErased
from services.registration.gate import queries
from services.registration.gate.rules import SHEET_POLICY, sheet_html
from services.registration.gate.schemas import (
    AssignBody,
    BandsBody,
    CheckInFigures,
    CheckInResult,
    CheckInResults,
    CheckInsBody,
    SheetView,
    TakeBody,
    VoidBody,
    WristbandView,
)
from services.registration.gate_errors import (
    ArrivalBatchHasCome,
    ReturneeHasWristband,
    WristbandNotUsable,
    WristbandTaken,
)
from services.registration.pack import ThePack
from services.registration.vault.api import TheVault
from services.registration.walls import own
from services.registration.wristbands.actions.bands import issue_bands, take_bands, tie_bands, void_band
from services.registration.wristbands.actions.stages import record_stages
from services.registration.wristbands.rules import BandStatus
from services.registration.wristbands.schemas import StageResult, StageTold

router = APIRouter(prefix="/v1", tags=["gate"])
Reader = Annotated[Caller, requires("arrivals:read", by=WHO_REGISTERS)]
Writer = Annotated[Caller, requires("arrivals:write", by=WHO_REGISTERS)]


@router.post("/arrival-batches/{batch_id}/wristbands", status_code=201, responses=responses(NotFound, KeyReused))
async def issue_wristbands(
    batch_id: UUID,
    body: BandsBody,
    session: Session,
    caller: Writer,
    once: OnceRequired,
    pack: ThePack,
    response: Response,
) -> SheetView:
    """Issue wristbands for a flight or bus: codes that are given to people before anybody registers them."""
    await queries.heading(session, batch_id, actor=actor_of(caller, pack))

    async def issue() -> UUID:
        return await issue_bands(session, batch_id, count=body.count)

    sheet_id = await once(session, own(session, issue, arrival_batch=batch_id))
    response.headers["Location"] = f"/v1/arrival-batches/{batch_id}/wristbands/{sheet_id}"
    return await queries.sheet_view(session, batch_id, sheet_id)


@router.get(
    "/arrival-batches/{batch_id}/wristbands/{sheet_id}",
    response_class=HTMLResponse,
    responses=responses(NotFound),
)
async def print_wristbands(
    batch_id: UUID, sheet_id: UUID, session: Session, caller: Reader, pack: ThePack
) -> HTMLResponse:
    """A sheet as a page to print, with each code as a QR symbol and as text. It contains no personal data."""
    heading = await queries.heading(session, batch_id, actor=actor_of(caller, pack))
    sheet = await queries.sheet_view(session, batch_id, sheet_id)
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": SHEET_POLICY}
    return HTMLResponse(sheet_html(sheet.codes, heading=heading), headers=headers)


@router.get("/wristbands")
async def list_wristbands(
    session: Session,
    caller: Reader,
    pack: ThePack,
    page: PageQuery,
    status: BandStatus | None = None,
    arrival_batch_id: UUID | None = None,
) -> Page[WristbandView]:
    """Wristbands, in the order in which they were issued. `status=in_use` lists everybody who has a band and is not
    registered yet, with the time that they have waited and who answers for them."""
    actor = actor_of(caller, pack)
    return await queries.wristbands(session, page, status=status, batch_id=arrival_batch_id, actor=actor)


@router.post("/wristbands/take", status_code=204, responses=responses(NotFound, WristbandNotUsable, KeyReused))
async def take_wristbands(body: TakeBody, session: Session, caller: Writer, once: OnceOptional, pack: ThePack) -> None:
    """Take over people who have a wristband and are not registered yet: from now on the caller answers for them."""
    actor = actor_of(caller, pack)
    ids = await queries.band_ids(session, body.codes, actor=actor)

    async def take() -> UUID:
        return await take_bands(session, ids, actor=actor)

    await once(session, own(session, take))


@router.post(
    "/wristbands/assign",
    status_code=204,
    responses=responses(NotFound, ReturneeErased, WristbandTaken, WristbandNotUsable, ReturneeHasWristband, KeyReused),
)
async def assign_wristband(
    body: AssignBody, session: Session, caller: Writer, once: OnceOptional, pack: ThePack
) -> None:
    """Record which wristband a registered person has, if the registration did not name it."""
    actor = actor_of(caller, pack)
    claim = await queries.claim(session, body.code, body.returnee_id, actor=actor)

    async def assign() -> UUID:
        await tie_bands(session, [claim], actor=actor)
        return claim.returnee_id

    await once(session, own(session, assign, returnee=claim.returnee_id))


@router.post("/wristbands/void", status_code=204, responses=responses(NotFound, WristbandNotUsable, KeyReused))
async def void_wristband(body: VoidBody, session: Session, caller: Writer, once: OnceOptional, pack: ThePack) -> None:
    """Give up a wristband. If it is lost or torn, the person gets another one and keeps the times."""
    actor = actor_of(caller, pack)
    codes = [body.code] if body.replacement in (None, body.code) else [body.code, body.replacement]
    ids = await queries.band_ids(session, codes, actor=actor)

    async def give_up() -> UUID:
        return await void_band(session, ids[0], body.reason, replacement_id=None if len(ids) == 1 else ids[1])

    await once(session, own(session, give_up))


@router.post("/check-ins", responses=responses(KeyReused))
async def check_in(
    body: CheckInsBody, session: Session, caller: Writer, once: OnceOptional, pack: ThePack
) -> CheckInResults:
    """Record stages of check-ins, each once. The response has one result for each item; one that is refused does not
    prevent the others."""
    actor = actor_of(caller, pack)
    found = await queries.found_stages(session, body.items, actor=actor, reception=pack.reception)
    told = [one for one in found if isinstance(one, StageTold)]
    results: list[StageResult] = []

    async def record() -> UUID:
        results.extend(await record_stages(session, told, actor=actor))
        return uuid7()

    await once(session, own(session, record))
    if once.replayed:  # the stages are recorded already, and are read again
        await own(session, record)()
    waiting = iter(results)
    in_order = [next(waiting) if isinstance(one, StageTold) else one for one in found]
    return CheckInResults(results=[CheckInResult(outcome=one.outcome, at=one.at, rule=one.rule) for one in in_order])


@router.get("/arrival-batches/{batch_id}/check-ins", responses=responses(NotFound))
async def look_up_check_ins(batch_id: UUID, session: Session, caller: Reader, pack: ThePack) -> CheckInFigures:
    """How many people of a flight or bus have reached each stage, and since when the first has waited."""
    return await queries.check_in_figures(session, batch_id, actor=actor_of(caller, pack))


@router.post("/arrival-batches/{batch_id}/cancel", responses=responses(NotFound, ArrivalBatchHasCome, KeyReused))
async def cancel_batch(
    batch_id: UUID,
    body: CancelBody,
    session: Session,
    caller: Writer,
    once: OnceOptional,
    pack: ThePack,
    vault: TheVault,
) -> ArrivalBatchView:
    """Record that a flight or bus does not come. The people on its manifest are deleted.

    If it comes after all, announce it again, or report its landing.
    """
    actor = actor_of(caller, pack)

    async def cancel() -> UUID:
        return await changes.cancel_batch(session, batch_id, body.reason, actor=actor, vault=vault)

    await once(session, own(session, cancel, arrival_batch=batch_id))
    return await batch_view(session, batch_id, actor=actor, vault=vault)


@router.post("/arrival-batches/{batch_id}/divert", responses=responses(NotFound, ArrivalBatchHasCome, KeyReused))
async def divert_batch(
    batch_id: UUID, body: DivertBody, session: Session, caller: Writer, once: OnceOptional, pack: ThePack
) -> DivertedView:
    """Record that a flight or bus will arrive at another reception place.

    The batch, its manifest and its wristbands then belong to that place. The place that expected it sees it no more.
    """
    actor, reception = actor_of(caller, pack), pack.reception

    async def divert() -> UUID:
        return await changes.divert_batch(session, batch_id, body, actor=actor, reception=reception)

    return await queries.diverted(session, await once(session, own(session, divert, arrival_batch=batch_id)))
