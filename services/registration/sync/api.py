"""HTTP for devices that work without a line, and for the conflicts that a person decides."""

from contextlib import AbstractAsyncContextManager
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Database, Session
from libs.chassis.errors import NotFound
from libs.chassis.etag import IfMatch, PreconditionRequired, VersionMismatch, etag_of
from libs.chassis.idempotency import KeyReused, OnceOptional
from libs.chassis.paging import Page, PageQuery
from libs.chassis.problems import responses
from libs.chassis.telemetry import current_traceparent
from libs.chassis.tenancy import WHO_REGISTERS
from services.registration.audit.api import actor_of, said_of
from services.registration.device_errors import SyncConflictResolved
from services.registration.pack import ThePack
from services.registration.sync import queries
from services.registration.sync.actions import conflicts
from services.registration.sync.actions.given import Given
from services.registration.sync.actions.showing import look_up_people
from services.registration.sync.actions.taking import take_in_operations
from services.registration.sync.rules import NETWORK
from services.registration.sync.schemas import (
    KnownPerson,
    Resolving,
    SyncAnswer,
    SyncBody,
    SyncConflictView,
    SyncConflictWithValues,
)
from services.registration.vault.api import TheVault
from services.registration.walls import own

router = APIRouter(prefix="/v1/sync", tags=["offline"])
Device = Annotated[Caller, requires("returnees:write", by=WHO_REGISTERS)]
Desk = Annotated[Caller, requires("intake:decide", by=WHO_REGISTERS)]


@router.post("")
async def take_in_operations_of_device(
    body: SyncBody, request: Request, caller: Device, pack: ThePack, vault: TheVault, response: Response
) -> SyncAnswer:
    """Take in up to 500 operations that a device did without a line. Each has its own result and is stored by itself.

    An operation that was taken in before changes nothing and has the same result, so a device sends everything again
    that has no result yet. A refused operation stores nothing and stops no other one, except those that need it
    (424 `depends-on-refused`). Each operation needs the scope of the route that does the same with a line.

    Of an ordinary field the last change counts. Of a field of safety or consent that both sides have changed, the safer
    value holds until a person has decided (`conflict_ids`). No `Idempotency-Key` is needed, because each operation has
    an id.
    """
    database: Database = request.app.state.database
    said = said_of(caller, pack=pack)

    def opening() -> AbstractAsyncContextManager[AsyncSession]:
        return database.transaction_of(caller.tenant, said)

    given = Given(
        actor=actor_of(caller, pack),
        scopes=caller.scopes,
        owner=caller.organization_id or NETWORK,
        device_id=body.device_id,
        context=current_traceparent(),
        vault=vault,
        pack=pack,
    )
    answer = await take_in_operations(body, given, opening=opening)
    for _ in (one for one in answer.results if one.status == 404):
        request.app.state.rates.guessed(request)
    response.headers["Cache-Control"] = "no-store"
    return answer


@router.get("/people")
async def look_up_people_for_device(
    session: Session,
    caller: Annotated[Caller, requires("returnees:read", by=WHO_REGISTERS)],
    pack: ThePack,
    vault: TheVault,
    page: PageQuery,
    response: Response,
) -> Page[KnownPerson]:
    """The people of the last 45 days whom the caller may see, with the `revision` on which changes are made.

    A device that works without a line reads them before it leaves the line, and keeps only those that it needs. It
    deletes people who are erased or not listed any more. Each access is recorded. Expected people are on the manifest
    (`GET /v1/arrival-batches/{id}/entries`).
    """
    response.headers["Cache-Control"] = "no-store"
    return await look_up_people(session, page, actor=actor_of(caller, pack), vault=vault)


@router.get("/conflicts")
async def list_sync_conflicts(
    session: Session,
    caller: Desk,
    pack: ThePack,
    page: PageQuery,
    is_open: Annotated[bool, Query(alias="open", description="Only open conflicts, or only those that ended")] = True,
    returnee_id: Annotated[UUID | None, Query(description="Only conflicts about this person")] = None,
) -> Page[SyncConflictView]:
    """Fields that were changed on two sides, of which neither knew the other; oldest first.

    With `open=false` also values of ordinary fields that lost against a later change (`last_writer`).
    """
    actor = actor_of(caller, pack)
    return await queries.conflicts(session, page, is_open=is_open, returnee_id=returnee_id, actor=actor)


@router.get("/conflicts/{conflict_id}", responses=responses(NotFound))
async def look_up_sync_conflict(
    conflict_id: UUID, session: Session, caller: Desk, pack: ThePack, vault: TheVault, response: Response
) -> SyncConflictWithValues:
    """One conflict with both values; each access is recorded."""
    response.headers["Cache-Control"] = "no-store"
    view = await conflicts.look_up_conflict(session, conflict_id, actor=actor_of(caller, pack), vault=vault)
    response.headers["ETag"] = etag_of(view.version)
    return view


@router.post(
    "/conflicts/{conflict_id}/resolve",
    responses=responses(NotFound, SyncConflictResolved, VersionMismatch, PreconditionRequired, KeyReused),
)
async def resolve_sync_conflict(
    conflict_id: UUID,
    body: Resolving,
    session: Session,
    caller: Desk,
    pack: ThePack,
    vault: TheVault,
    condition: IfMatch,
    once: OnceOptional,
    response: Response,
) -> SyncConflictView:
    """Decide which value is right, and why. The chosen value is recorded, and both values are deleted here."""
    actor = actor_of(caller, pack)

    async def resolve() -> UUID:
        return await conflicts.resolve_conflict(
            session, conflict_id, body, condition=condition, actor=actor, vault=vault, pack=pack
        )

    await once(session, own(session, resolve, sync_conflict=conflict_id))
    view = await conflicts.show_conflict(session, conflict_id, actor=actor)
    response.headers["ETag"] = etag_of(view.version)
    return view
