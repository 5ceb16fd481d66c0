"""HTTP for needs."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from libs.chassis.auth import Caller, ScopeMissing, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.idempotency import KeyReused, OnceOptional, OnceRequired
from libs.chassis.paging import Page, PageQuery
from libs.chassis.problems import responses
from libs.chassis.tenancy import WHO_REGISTERS
from services.registration.audit.api import actor_of
from services.registration.errors import (
    NeedAlreadyWithdrawn,
    NeedEnded,
    NeedKindKnown,
    NeedOfKindOpen,
    NeedReferenceTaken,
    ReturneeErased,
)
from services.registration.needs.actions import needs, refining
from services.registration.needs.schemas import KindFound, NeedBody, NeedView
from services.registration.pack import ThePack
from services.registration.vault.api import TheVault
from services.registration.walls import own

router = APIRouter(prefix="/v1", tags=["needs"])
Reader = Annotated[Caller, requires("returnees:read", by=WHO_REGISTERS)]
Writer = Annotated[Caller, requires("returnees:write", by=WHO_REGISTERS)]
DECIDE = "intake:decide"


@router.post(
    "/returnees/{returnee_id}/needs",
    status_code=201,
    responses={
        200: {"description": "The need was open already", "model": NeedView},
        **responses(NotFound, ReturneeErased, NeedReferenceTaken, KeyReused),
    },
)
async def report_need(
    returnee_id: UUID,
    body: NeedBody,
    session: Session,
    caller: Writer,
    pack: ThePack,
    once: OnceRequired,
    vault: TheVault,
    response: Response,
) -> NeedView:
    """Report a need. With a `people_count` above 1 it is a need of the household, held by its reference person.

    Name the kind of the need (`GET /v1/taxonomy` of the directory) if it is known. Otherwise a desk finds out what
    exactly is needed (`POST …/refine`), and the need is offered only to services that assess needs of its category.

    A person has at most one open need of a category and kind, and a household has at most one for all its members. If
    it is reported again, it is the same need: the response is a 200 with the existing need and `told_again`. Its
    urgency is the highest reported, and details that it lacks are added. A desk (scope `intake:decide`) can allow a
    second need with `second_reason`.

    A need of a restricted category is visible only with `restricted:read` and a certificate that is valid now. Other
    callers who report one get a response that repeats what they sent, and cannot read or withdraw the need afterwards.
    """
    actor = actor_of(caller, pack)
    if body.second_reason is not None and DECIDE not in caller.scopes:
        raise ScopeMissing(DECIDE)

    async def report() -> UUID:
        return await needs.report_need(
            session, returnee_id, body, source=actor.source, actor=actor, vault=vault, taxonomy=pack.taxonomy
        )

    told_id = await once(session, own(session, report, returnee=returnee_id))
    view = await needs.show_told_need(session, returnee_id, told_id, body, actor=actor, vault=vault)
    response.status_code = 200 if view.told_again else 201
    response.headers["Location"] = f"/v1/returnees/{returnee_id}/needs/{view.id}"
    return view


@router.get("/returnees/{returnee_id}/needs", responses=responses(NotFound, ReturneeErased))
async def look_up_needs(
    returnee_id: UUID, session: Session, caller: Reader, pack: ThePack, vault: TheVault, page: PageQuery
) -> Page[NeedView]:
    """The needs of a person and of the person's household, in the order in which they were reported."""
    return await needs.look_up_needs(session, returnee_id, page, actor=actor_of(caller, pack), vault=vault)


@router.get("/returnees/{returnee_id}/needs/{need_id}", responses=responses(NotFound, ReturneeErased))
async def look_up_need(
    returnee_id: UUID, need_id: UUID, session: Session, caller: Reader, pack: ThePack, vault: TheVault
) -> NeedView:
    """One need as reported."""
    return await needs.look_up_need(session, returnee_id, need_id, actor=actor_of(caller, pack), vault=vault)


@router.post(
    "/returnees/{returnee_id}/needs/{need_id}/refine",
    responses=responses(NotFound, ReturneeErased, NeedEnded, NeedKindKnown, NeedOfKindOpen, KeyReused),
)
async def refine_need(
    returnee_id: UUID,
    need_id: UUID,
    body: KindFound,
    session: Session,
    caller: Writer,
    pack: ThePack,
    vault: TheVault,
    once: OnceOptional,
) -> NeedView:
    """Name the kind of a need of which only the category was known, or add details to its kind."""
    actor = actor_of(caller, pack)

    async def refine() -> UUID:
        return await refining.refine_need(
            session, returnee_id, need_id, body, actor=actor, vault=vault, taxonomy=pack.taxonomy
        )

    await once(session, own(session, refine, returnee=returnee_id))
    return await needs.show_need(session, returnee_id, need_id, actor=actor, vault=vault)


@router.post(
    "/returnees/{returnee_id}/needs/{need_id}/withdraw",
    responses=responses(NotFound, ReturneeErased, NeedAlreadyWithdrawn, KeyReused),
)
async def withdraw_need(
    returnee_id: UUID,
    need_id: UUID,
    session: Session,
    caller: Writer,
    pack: ThePack,
    vault: TheVault,
    once: OnceOptional,
) -> NeedView:
    """Withdraw the need; no reason is required."""
    actor = actor_of(caller, pack)

    async def withdraw() -> UUID:
        return await needs.withdraw_need(session, returnee_id, need_id, actor=actor, vault=vault)

    await once(session, own(session, withdraw, returnee=returnee_id))
    return await needs.show_need(session, returnee_id, need_id, actor=actor, vault=vault)
