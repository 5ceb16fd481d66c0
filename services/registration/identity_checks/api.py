"""HTTP for the proof of identity without papers: over the telephone, or at a desk."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.idempotency import KeyReused, OnceOptional, OnceRequired
from libs.chassis.problems import responses
from libs.chassis.tenancy import RECEPTION_AND_STAFF
from services.registration.audit.api import actor_of
from services.registration.errors import ReturneeErased
from services.registration.identity_checks import actions, queries
from services.registration.identity_checks.schemas import (
    CheckAnswersBody,
    IdentityCheckBody,
    IdentityCheckResult,
    IdentityCheckView,
)
from services.registration.pack import ThePack
from services.registration.protection_errors import (
    ChildDeskOnly,
    IdentityCheckEnded,
    IdentityCheckLocked,
    TooLittleKnown,
)
from services.registration.vault.api import TheVault
from services.registration.walls import own

router = APIRouter(prefix="/v1", tags=["identity checks"])
Checker = Annotated[Caller, requires("identity-checks:write", by=RECEPTION_AND_STAFF)]


@router.post(
    "/returnees/{returnee_id}/identity-checks",
    status_code=201,
    responses=responses(NotFound, ReturneeErased, ChildDeskOnly, IdentityCheckLocked, TooLittleKnown, KeyReused),
)
async def make_identity_check(
    returnee_id: UUID,
    body: IdentityCheckBody,
    session: Session,
    caller: Checker,
    pack: ThePack,
    vault: TheVault,
    once: OnceRequired,
    response: Response,
) -> IdentityCheckView:
    """Get questions that prove who a person without papers is. Read them out, and send the answers all at once.

    Each check counts as a try of the person and of you until it is proven. After the tries of the day, only papers
    prove who the person is. A new check ends the one before. Only the desk that decides for children
    checks who asks about a child.
    """
    actor = actor_of(caller, pack)

    async def make() -> UUID:
        return await actions.make(session, returnee_id, body, actor=actor, pack=pack, vault=vault)

    check_id = await once(session, own(session, make, returnee=returnee_id))
    response.headers["Cache-Control"] = "no-store"
    return await actions.show(session, check_id, actor=actor, pack=pack, vault=vault)


@router.post(
    "/identity-checks/{identity_check_id}/answers", responses=responses(NotFound, IdentityCheckEnded, KeyReused)
)
async def judge_answers(
    identity_check_id: UUID,
    body: CheckAnswersBody,
    session: Session,
    caller: Checker,
    pack: ThePack,
    vault: TheVault,
    once: OnceOptional,
    response: Response,
) -> IdentityCheckResult:
    """Have the answers judged, once. The result says only whether they prove who the person is.

    If they do, name the check until `proven_until`: in the report to the person, and in a correction.
    """
    actor = actor_of(caller, pack)

    async def judge() -> UUID:
        return await actions.judge(session, identity_check_id, body, actor=actor, pack=pack, vault=vault)

    judged_id = await once(session, own(session, judge, identity_check=identity_check_id))
    response.headers["Cache-Control"] = "no-store"
    return queries.result(await queries.check_of(session, judged_id, actor=actor))
