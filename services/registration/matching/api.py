"""HTTP for matches: who may be the same person, and what staff decide about it."""

from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.etag import IfMatch, PreconditionRequired, VersionMismatch, etag_of
from libs.chassis.idempotency import KeyReused, OnceOptional
from libs.chassis.paging import Page, PageQuery
from libs.chassis.problems import responses
from libs.chassis.tenancy import WHO_REGISTERS
from services.registration.audit.api import actor_of
from services.registration.errors import (
    LaterMergeStands,
    MatchAlreadyMerged,
    MembersOfOneHousehold,
    MustStayApart,
    OtherRecordHidden,
    ReturneeErased,
    ReturneeMerged,
    ReturneeNotMerged,
)
from services.registration.linkage.priors import Priors
from services.registration.matching import queries
from services.registration.matching.actions import deciding, looking
from services.registration.matching.rules import MatchStatus
from services.registration.matching.schemas import (
    ArrivalsOfPerson,
    ComparedMatch,
    DifferentBody,
    MatchesOfPerson,
    MatchView,
    MergeBody,
)
from services.registration.pack import ThePack
from services.registration.people.schemas import RegisteredView
from services.registration.vault.api import TheVault
from services.registration.walls import own

router = APIRouter(prefix="/v1", tags=["matches"])
Reader = Annotated[Caller, requires("returnees:read", by=WHO_REGISTERS)]
Comparing = Annotated[Caller, requires("matches:read", by=WHO_REGISTERS)]
Desk = Annotated[Caller, requires("matches:decide", by=WHO_REGISTERS)]
DECIDING = (
    NotFound, OtherRecordHidden, ReturneeErased, MatchAlreadyMerged, VersionMismatch, PreconditionRequired, KeyReused
)  # fmt: skip


async def _priors(request: Request) -> Priors:
    return cast(Priors, request.app.state.priors)


ThePriors = Annotated[Priors, Depends(_priors)]


@router.get("/returnees/{returnee_id}/matches", responses=responses(NotFound, ReturneeErased))
async def look_up_matches_of_returnee(
    returnee_id: UUID,
    session: Session,
    caller: Reader,
    pack: ThePack,
    vault: TheVault,
    priors: ThePriors,
    response: Response,
) -> MatchesOfPerson:
    """Who may be the same person: somebody who was registered on that day at that place.

    Ask after a registration. A person whom you may not see is shown with day and place only. People with a protection
    concern, and children who are alone, are shown only to the desk that decides for them.
    """
    response.headers["Cache-Control"] = "no-store"
    actor = actor_of(caller, pack)
    return await looking.look_up_matches_of(
        session, returnee_id, actor=actor, reception=pack.reception, vault=vault, priors=priors
    )


@router.get("/returnees/{returnee_id}/arrivals", responses=responses(NotFound, ReturneeErased))
async def look_up_arrivals_of_returnee(
    returnee_id: UUID, session: Session, caller: Reader, pack: ThePack, response: Response
) -> ArrivalsOfPerson:
    """The arrivals of a person, newest first, as far as you may see them. Records become one person by a merge.

    No rule and no score reads earlier arrivals.
    """
    response.headers["Cache-Control"] = "no-store"
    return await looking.look_up_arrivals(session, returnee_id, actor=actor_of(caller, pack))


@router.get("/matches")
async def list_matches(
    session: Session,
    caller: Comparing,
    pack: ThePack,
    page: PageQuery,
    status: Annotated[MatchStatus, Query(description="What was decided")] = MatchStatus.OPEN,
) -> Page[MatchView]:
    """Pairs of records that may be one person, oldest first; by default those that wait for a decision."""
    actor = actor_of(caller, pack)
    return await queries.page_of_matches(session, page, status=status, actor=actor, reception=pack.reception)


@router.get("/matches/{match_id}", responses=responses(NotFound))
async def look_up_match(
    match_id: UUID, session: Session, caller: Comparing, pack: ThePack, vault: TheVault, response: Response
) -> ComparedMatch:
    """One pair, with the identity of the people whom you may see, to compare them. Each access is recorded."""
    actor = actor_of(caller, pack)
    view = await looking.compare_match(session, match_id, actor=actor, reception=pack.reception, vault=vault)
    response.headers["ETag"] = etag_of(view.version)
    response.headers["Cache-Control"] = "no-store"
    return view


@router.post(
    "/matches/{match_id}/merge",
    responses=responses(*DECIDING, ReturneeMerged, MembersOfOneHousehold, MustStayApart),
)
async def merge_match(
    match_id: UUID,
    body: MergeBody,
    session: Session,
    caller: Desk,
    pack: ThePack,
    once: OnceOptional,
    condition: IfMatch,
    response: Response,
) -> MatchView:
    """Two records are one person. The needs of the record that ends continue under the other one.

    Nothing is copied or deleted: both records keep their data, consents and safe contact, and
    `POST /v1/returnees/{returnee_id}/unmerge` takes them apart again. Services that a provider has accepted go on under
    the record that the provider knows.

    It is refused if one of the two excludes the other, or a member of the other's household.
    """
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await deciding.merge(session, match_id, body, condition=condition, actor=actor)

    await once(session, own(session, do, match=match_id))
    return await _answer(session, match_id, caller, pack, response)


@router.post("/matches/{match_id}/different", responses=responses(*DECIDING))
async def tell_match_apart(
    match_id: UUID,
    body: DifferentBody,
    session: Session,
    caller: Desk,
    pack: ThePack,
    once: OnceOptional,
    condition: IfMatch,
    response: Response,
) -> MatchView:
    """Two records are two people. The pair is not shown again, unless a document number or a birth date changes and
    more speaks for one person than before."""
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await deciding.tell_apart(session, match_id, body, condition=condition, actor=actor)

    await once(session, own(session, do, match=match_id))
    return await _answer(session, match_id, caller, pack, response)


@router.post(
    "/returnees/{returnee_id}/unmerge",
    responses=responses(
        NotFound,
        OtherRecordHidden,
        ReturneeErased,
        ReturneeNotMerged,
        LaterMergeStands,
        VersionMismatch,
        PreconditionRequired,
        KeyReused,
    ),
)
async def unmerge_returnee(
    returnee_id: UUID,
    body: DifferentBody,
    session: Session,
    caller: Desk,
    pack: ThePack,
    once: OnceOptional,
    condition: IfMatch,
    response: Response,
) -> RegisteredView:
    """The merge of this record into another one was wrong: both continue as they were, each with its own needs.

    `If-Match` names the version of this record. Several merges are undone in reverse order.
    """
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await deciding.unmerge(session, returnee_id, body, condition=condition, actor=actor)

    await once(session, own(session, do, returnee=returnee_id))
    view = await looking.show_record(session, returnee_id, actor=actor)
    response.headers["ETag"] = etag_of(view.version)
    return view


async def _answer(session: Session, match_id: UUID, caller: Caller, pack: ThePack, response: Response) -> MatchView:
    view = await looking.show_match(session, match_id, actor=actor_of(caller, pack), reception=pack.reception)
    response.headers["ETag"] = etag_of(view.version)
    return view
