"""HTTP for exports of people, for staff of the network."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session, now
from libs.chassis.errors import NotFound
from libs.chassis.etag import Condition, IfMatch, PreconditionRequired, VersionMismatch, etag_of
from libs.chassis.idempotency import KeyReused, Once, OnceOptional, OnceRequired
from libs.chassis.paging import Page, PageQuery
from libs.chassis.problems import responses
from libs.chassis.tenancy import STAFF
from services.registration.answering_errors import (
    ExportDecided,
    ExportDownloadsUsed,
    ExportEnded,
    ExportNotApproved,
    ExportRecipientInactive,
    ExportsOfTheDay,
    ExportTooLarge,
    RestrictedSightNeeded,
)
from services.registration.audit.api import actor_of
from services.registration.audit.rules import EXPORTS_SCOPE
from services.registration.exports import queries
from services.registration.exports.actions import asking, files
from services.registration.exports.rules import ExportDecision
from services.registration.exports.schemas import ExportBody, ExportView, ExportWithReason
from services.registration.pack import ThePack
from services.registration.protection_errors import SecondPersonNeeded
from services.registration.vault.api import TheVault
from services.registration.walls import own

router = APIRouter(prefix="/v1", tags=["exports"])
Asking = Annotated[Caller, requires("exports:write", by=STAFF)]
Reader = Annotated[Caller, requires("exports:read", by=STAFF)]
Second = Annotated[Caller, requires(EXPORTS_SCOPE, by=STAFF)]
_DECIDING = (NotFound, SecondPersonNeeded, ExportDecided, VersionMismatch, PreconditionRequired, KeyReused)
_NO_FILE = (
    NotFound, ExportNotApproved, RestrictedSightNeeded, ExportEnded, ExportTooLarge, ExportDownloadsUsed,
    ExportRecipientInactive,
)  # fmt: skip


@router.post("/exports", status_code=201, responses=responses(RestrictedSightNeeded, ExportsOfTheDay, KeyReused))
async def ask_for_export(
    body: ExportBody,
    session: Session,
    caller: Asking,
    pack: ThePack,
    vault: TheVault,
    once: OnceRequired,
    response: Response,
) -> ExportView:
    """Ask for a file of people. A de-identified one is ready at once; an identified one waits for a second person.

    Only people who allow this purpose are in it: to the classes of statistics, or to the recipient if it is identified.
    """
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await asking.ask(session, body, actor=actor, pack=pack, master=vault.master)

    export_id = await once(session, own(session, do))
    response.headers["Location"] = f"/v1/exports/{export_id}"
    return await _answer(session, export_id, response)


@router.get("/exports", responses=responses())
async def list_exports(
    session: Session,
    caller: Reader,
    page: PageQuery,
    waiting: Annotated[bool, Query(description="Only those that wait for a second person")] = False,
) -> Page[ExportView]:
    """Exports that you asked for; all of them if you approve exports. Newest first, without reasons."""
    return await queries.exports(session, page, waiting=waiting)


@router.get("/exports/{export_id}", responses=responses(NotFound))
async def look_up_export(
    export_id: UUID, session: Session, caller: Reader, vault: TheVault, response: Response
) -> ExportWithReason:
    """One export with its reason, and with each download."""
    row = await queries.export(session, export_id)
    response.headers["ETag"] = etag_of(row.version)
    response.headers["Cache-Control"] = "no-store"
    return await queries.with_reason(session, row, master=vault.master)


@router.post("/exports/{export_id}/approve", responses=responses(*_DECIDING))
async def approve_export(
    export_id: UUID,
    session: Session,
    caller: Second,
    pack: ThePack,
    once: OnceOptional,
    condition: IfMatch,
    response: Response,
) -> ExportView:
    """Approve an identified export as the second person. It ends by itself after the days of the country pack."""
    await _decide(session, export_id, ExportDecision.APPROVED, once, condition, caller, pack)
    return await _answer(session, export_id, response)


@router.post("/exports/{export_id}/reject", responses=responses(*_DECIDING))
async def reject_export(
    export_id: UUID,
    session: Session,
    caller: Second,
    pack: ThePack,
    once: OnceOptional,
    condition: IfMatch,
    response: Response,
) -> ExportView:
    """Reject an identified export as the second person."""
    await _decide(session, export_id, ExportDecision.REJECTED, once, condition, caller, pack)
    return await _answer(session, export_id, response)


@router.get(
    "/exports/{export_id}/file",
    response_class=Response,
    responses={
        **responses(*_NO_FILE),
        200: {
            "description": "The file. Each row begins with export, recipient, purpose and the day to delete it.",
            "content": {"text/csv": {"schema": {"type": "string"}}},
        },
    },
)
async def download_export(
    export_id: UUID, session: Session, caller: Reader, pack: ThePack, vault: TheVault
) -> Response:
    """The file, for the caller who asked for it. Each download is recorded, and each person of an identified one.

    It is CSV that no spreadsheet runs as a formula. It is made from the people as they are now: who withdrew a consent
    or was erased is not in it any more.
    """
    file = await files.download(session, export_id, actor=actor_of(caller, pack), pack=pack, vault=vault)
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{file.name}"'}
    return Response(file.content, media_type="text/csv; charset=utf-8", headers=headers)


async def _decide(
    session: Session,
    export_id: UUID,
    decision: ExportDecision,
    once: Once,
    condition: Condition,
    caller: Caller,
    pack: ThePack,
) -> None:
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await asking.decide(session, export_id, decision, condition=condition, actor=actor, pack=pack)

    await once(session, own(session, do, people_export=export_id))


async def _answer(session: Session, export_id: UUID, response: Response) -> ExportView:
    row = await queries.export(session, export_id)
    response.headers["ETag"] = etag_of(row.version)
    return queries.view(row, at=now(session))
