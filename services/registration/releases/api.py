"""HTTP for the release of children. For everybody but the child desk and the authority, releases do not exist."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.etag import IfMatch, PreconditionRequired, VersionMismatch, etag_of
from libs.chassis.idempotency import KeyReused, OnceOptional, OnceRequired
from libs.chassis.paging import Page, PageQuery
from libs.chassis.problems import responses
from libs.chassis.tenancy import STAFF
from services.registration.audit.api import actor_of
from services.registration.audit.rules import CHILD_AUTHORITY_SCOPE
from services.registration.errors import MayBeExcluded, ReturneeErased
from services.registration.pack import Pack, ThePack
from services.registration.protection_errors import (
    AlreadyDone,
    FourEyes,
    NotAChildAlone,
    NotTheAuthority,
    RelativeExcluded,
    ReleaseEnded,
    ReleaseNotReady,
    ReleaseOpen,
)
from services.registration.releases import queries
from services.registration.releases.actions import authority, desk, recording
from services.registration.releases.rules import DESK_SCOPE, ReleaseStatus
from services.registration.releases.schemas import (
    CancellationBody,
    ChildViewBody,
    HandoverBody,
    ReleaseBody,
    ReleaseView,
    ReleaseWithWords,
    SignOffBody,
    SignOffWithdrawalBody,
    VerificationBody,
)
from services.registration.vault.api import TheVault
from services.registration.walls import own

router = APIRouter(prefix="/v1", tags=["child releases"])
Reader = Annotated[Caller, requires("child-releases:read", by=STAFF)]
Desk = Annotated[Caller, requires(DESK_SCOPE, by=STAFF)]
Authority = Annotated[Caller, requires(CHILD_AUTHORITY_SCOPE, by=STAFF)]
_CHANGE = (NotFound, ReturneeErased, ReleaseEnded, VersionMismatch, PreconditionRequired, KeyReused)


@router.post(
    "/child-releases",
    status_code=201,
    responses=responses(
        NotFound, ReturneeErased, NotAChildAlone, ReleaseOpen, RelativeExcluded, MayBeExcluded, KeyReused
    ),
)
async def begin_release(
    body: ReleaseBody,
    session: Session,
    caller: Desk,
    pack: ThePack,
    vault: TheVault,
    once: OnceRequired,
    response: Response,
) -> ReleaseView:
    """Name the relative to whom a child who is alone may be released. Nothing is allowed by that yet."""
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await desk.begin_release(session, body, actor=actor, vault=vault)

    release_id = await once(session, own(session, do, returnee=body.returnee_id))
    response.headers["Location"] = f"/v1/child-releases/{release_id}"
    return await _answer(session, release_id, caller, pack, response)


@router.get("/child-releases", responses=responses())
async def list_releases(
    session: Session,
    caller: Reader,
    pack: ThePack,
    page: PageQuery,
    status: Annotated[ReleaseStatus | None, Query(description="Only those in this state")] = None,
    returnee_id: Annotated[UUID | None, Query(description="Only those of this child")] = None,
) -> Page[ReleaseView]:
    """Releases of children, newest first, in codes and times."""
    valid_for = pack.reception.child_releases.valid_for
    actor = actor_of(caller, pack)
    return await queries.releases(
        session, page, status=status, returnee_id=returnee_id, valid_for=valid_for, actor=actor
    )


@router.get("/child-releases/{release_id}", responses=responses(NotFound))
async def look_up_release(
    release_id: UUID, session: Session, caller: Reader, pack: ThePack, vault: TheVault, response: Response
) -> ReleaseWithWords:
    """One release with the relative, what the child said, and who did what. Each access is recorded."""
    view = await recording.look_up_release(session, release_id, actor=actor_of(caller, pack), pack=pack, vault=vault)
    response.headers["ETag"] = etag_of(view.version)
    response.headers["Cache-Control"] = "no-store"
    return view


@router.post("/child-releases/{release_id}/child-view", responses=responses(*_CHANGE))
async def record_view(
    release_id: UUID,
    body: ChildViewBody,
    session: Session,
    caller: Desk,
    pack: ThePack,
    vault: TheVault,
    once: OnceOptional,
    condition: IfMatch,
    response: Response,
) -> ReleaseView:
    """Record what the child says about going to the relative, or why the child could not be heard.

    A child may be heard again. A sign-off that the release had before ends, because it was given for another view.
    """
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await desk.record_view(session, release_id, body, condition=condition, actor=actor, vault=vault)

    await once(session, own(session, do, child_release=release_id))
    return await _answer(session, release_id, caller, pack, response)


@router.post("/child-releases/{release_id}/verification", responses=responses(*_CHANGE, FourEyes, AlreadyDone))
async def verify_relative(
    release_id: UUID,
    body: VerificationBody,
    session: Session,
    caller: Desk,
    pack: ThePack,
    once: OnceOptional,
    condition: IfMatch,
    response: Response,
) -> ReleaseView:
    """Record how the relative was verified. Who named the relative may not verify them."""
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await desk.verify_relative(session, release_id, body, condition=condition, actor=actor)

    await once(session, own(session, do, child_release=release_id))
    return await _answer(session, release_id, caller, pack, response)


@router.post(
    "/child-releases/{release_id}/sign-off",
    responses=responses(*_CHANGE, NotTheAuthority, NotAChildAlone, FourEyes, ReleaseNotReady),
)
async def sign_off(
    release_id: UUID,
    body: SignOffBody,
    session: Session,
    caller: Authority,
    pack: ThePack,
    vault: TheVault,
    once: OnceOptional,
    condition: IfMatch,
    response: Response,
) -> ReleaseView:
    """Sign the release off as the authority of the country. It is valid for the days of the pack."""
    authority.require_authority(caller)
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await authority.sign_off(
            session, release_id, body, condition=condition, actor=actor, pack=pack, vault=vault
        )

    await once(session, own(session, do, child_release=release_id))
    return await _answer(session, release_id, caller, pack, response)


@router.post(
    "/child-releases/{release_id}/sign-off-withdrawal",
    responses=responses(*_CHANGE, NotTheAuthority, AlreadyDone, ReleaseNotReady),
)
async def withdraw_sign_off(
    release_id: UUID,
    body: SignOffWithdrawalBody,
    session: Session,
    caller: Authority,
    pack: ThePack,
    once: OnceOptional,
    condition: IfMatch,
    response: Response,
) -> ReleaseView:
    """Withdraw the sign-off, until the child is handed over."""
    authority.require_authority(caller)
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await authority.withdraw_sign_off(session, release_id, body, condition=condition, actor=actor)

    await once(session, own(session, do, child_release=release_id))
    return await _answer(session, release_id, caller, pack, response)


@router.post(
    "/child-releases/{release_id}/handover",
    responses=responses(*_CHANGE, NotAChildAlone, FourEyes, ReleaseNotReady, RelativeExcluded, MayBeExcluded),
)
async def hand_over(
    release_id: UUID,
    body: HandoverBody,
    session: Session,
    caller: Desk,
    pack: ThePack,
    vault: TheVault,
    once: OnceOptional,
    condition: IfMatch,
    response: Response,
) -> ReleaseView:
    """Record that the child was handed over to the relative. Without all steps before, this is refused."""
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await desk.hand_over(session, release_id, body, condition=condition, actor=actor, pack=pack, vault=vault)

    await once(session, own(session, do, child_release=release_id))
    return await _answer(session, release_id, caller, pack, response)


@router.post("/child-releases/{release_id}/cancellation", responses=responses(*_CHANGE))
async def cancel_release(
    release_id: UUID,
    body: CancellationBody,
    session: Session,
    caller: Desk,
    pack: ThePack,
    once: OnceOptional,
    condition: IfMatch,
    response: Response,
) -> ReleaseView:
    """End the release without a handover. After `danger`, the child is not released to this relative any more."""
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await desk.cancel_release(session, release_id, body, condition=condition, actor=actor)

    await once(session, own(session, do, child_release=release_id))
    return await _answer(session, release_id, caller, pack, response)


async def _answer(session: Session, release_id: UUID, caller: Caller, pack: Pack, response: Response) -> ReleaseView:
    view = await recording.show_release(session, release_id, actor=actor_of(caller, pack), pack=pack)
    response.headers["ETag"] = etag_of(view.version)
    return view
