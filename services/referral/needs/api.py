"""Needs and journeys over HTTP; for staff of the network."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import InvalidInput, NotFound
from libs.chassis.idempotency import OnceOptional
from libs.chassis.problems import responses
from libs.chassis.tenancy import STAFF, StaffOnly
from services.referral.access import Policy, staff_rights_of
from services.referral.audit.recording import RecordedRoute
from services.referral.errors import JourneyEnded, PrerequisiteCycle, StepNotAllowed
from services.referral.needs import actions, queries
from services.referral.needs.schemas import AssignBody, CloseBody, EndBody, JourneyView, NeedView, PrerequisiteBody

router = APIRouter(route_class=RecordedRoute, prefix="/v1", tags=["needs"])

Reader = Annotated[Caller, requires("referrals:read", by=STAFF)]
Writer = Annotated[Caller, requires("needs:write", by=STAFF)]
STEPS = responses(NotFound, StepNotAllowed, StaffOnly)
GOING_ON = responses(NotFound, StepNotAllowed, JourneyEnded, StaffOnly)
ENDS = responses(NotFound, JourneyEnded, StaffOnly)
PREREQUISITES = responses(NotFound, StepNotAllowed, PrerequisiteCycle, StaffOnly, InvalidInput)


@router.get("/needs/{need_id}", responses=responses(NotFound, StaffOnly))
async def read_need(need_id: UUID, session: Session, policy: Policy, caller: Reader) -> NeedView:
    """One need."""
    return await queries.need_view(session, policy, staff_rights_of(caller), need_id)


@router.get("/returnees/{returnee_id}/journey", responses=responses(NotFound, StaffOnly))
async def read_journey(returnee_id: UUID, session: Session, policy: Policy, caller: Reader) -> JourneyView:
    """All needs of one returnee with their referrals, offers and every step taken."""
    return await queries.journey_view(session, policy, staff_rights_of(caller), returnee_id)


@router.post("/returnees/{returnee_id}/journey/end", responses=ENDS)
async def end_journey(
    returnee_id: UUID, body: EndBody, session: Session, policy: Policy, once: OnceOptional, caller: Writer
) -> JourneyView:
    """Record that the person has died or left the country. Every need ends, offers are recalled, providers that had
    accepted are notified, and places become free. A desk decides about needs of the whole household."""
    rights = staff_rights_of(caller)
    await once(
        session,
        lambda: actions.end_journey(session, policy, returnee_id, reason=body.reason, actor=caller.subject),
    )
    return await queries.journey_view(session, policy, rights, returnee_id)


@router.post("/returnees/{returnee_id}/journey/reopen", responses=STEPS)
async def reopen_journey(
    returnee_id: UUID, session: Session, policy: Policy, once: OnceOptional, caller: Writer
) -> JourneyView:
    """Undo the end of a journey: the needs that it closed are reopened, and needs reported since then are routed."""
    rights = staff_rights_of(caller)
    await once(session, lambda: actions.reopen_journey(session, policy, returnee_id, actor=caller.subject))
    return await queries.journey_view(session, policy, rights, returnee_id)


@router.post("/needs/{need_id}/assign", responses={**STEPS, **responses(InvalidInput)})
async def assign_need(
    need_id: UUID, body: AssignBody, session: Session, policy: Policy, once: OnceOptional, caller: Writer
) -> NeedView:
    """Assign an open need to a desk."""
    rights = staff_rights_of(caller)
    if body.owner not in policy.desks:
        raise InvalidInput("The country pack contains no such desk", pointer="/owner")
    await once(
        session,
        lambda: actions.assign_need(session, policy, rights, need_id, owner=body.owner, actor=caller.subject),
    )
    return await queries.need_view(session, policy, rights, need_id)


@router.post("/needs/{need_id}/acknowledge", responses=STEPS)
async def acknowledge_need(
    need_id: UUID, session: Session, policy: Policy, once: OnceOptional, caller: Writer
) -> NeedView:
    """Confirm that the owner works on the need. Otherwise the desk above becomes the owner at `owner_due_at`."""
    rights = staff_rights_of(caller)
    await once(session, lambda: actions.acknowledge_need(session, policy, rights, need_id, actor=caller.subject))
    return await queries.need_view(session, policy, rights, need_id)


@router.post("/needs/{need_id}/refuse", responses=STEPS)
async def refuse_need(need_id: UUID, session: Session, policy: Policy, once: OnceOptional, caller: Writer) -> NeedView:
    """Record that the returnee does not want help with this need. No reason is required."""
    rights = staff_rights_of(caller)
    await once(session, lambda: actions.refuse_need(session, policy, rights, need_id, actor=caller.subject))
    return await queries.need_view(session, policy, rights, need_id)


@router.post("/needs/{need_id}/close", responses=STEPS)
async def close_need(
    need_id: UUID, body: CloseBody, session: Session, policy: Policy, once: OnceOptional, caller: Writer
) -> NeedView:
    """Close a need that was neither met nor refused, with a reason."""
    rights = staff_rights_of(caller)
    await once(
        session,
        lambda: actions.close_need(session, policy, rights, need_id, reason=body.reason, actor=caller.subject),
    )
    return await queries.need_view(session, policy, rights, need_id)


@router.post("/needs/{need_id}/reopen", responses=GOING_ON)
async def reopen_need(need_id: UUID, session: Session, policy: Policy, once: OnceOptional, caller: Writer) -> NeedView:
    """Reopen an ended need: it is routed again."""
    rights = staff_rights_of(caller)
    await once(session, lambda: actions.reopen_need(session, policy, rights, need_id, actor=caller.subject))
    return await queries.need_view(session, policy, rights, need_id)


@router.post("/needs/{need_id}/seek-again", responses=GOING_ON)
async def seek_again(need_id: UUID, session: Session, policy: Policy, once: OnceOptional, caller: Writer) -> NeedView:
    """Let the router look again for a provider for an open need, for example after its referral was cancelled."""
    rights = staff_rights_of(caller)
    await once(session, lambda: actions.seek_again(session, policy, rights, need_id, actor=caller.subject))
    return await queries.need_view(session, policy, rights, need_id)


@router.put("/needs/{need_id}/prerequisite", responses=PREREQUISITES)
async def set_prerequisite(
    need_id: UUID, body: PrerequisiteBody, session: Session, policy: Policy, caller: Writer
) -> NeedView:
    """Set another need of the same person as prerequisite. When that is met, routing starts; if it ends unmet, the lead
    desk decides. Refused if the need has an open or accepted offer, or an open review."""
    rights = staff_rights_of(caller)
    await actions.set_prerequisite(session, policy, rights, need_id, prerequisite_id=body.need_id, actor=caller.subject)
    return await queries.need_view(session, policy, rights, need_id)


@router.delete("/needs/{need_id}/prerequisite", responses=STEPS)
async def remove_prerequisite(need_id: UUID, session: Session, policy: Policy, caller: Writer) -> NeedView:
    """Remove the prerequisite of the need."""
    rights = staff_rights_of(caller)
    await actions.remove_prerequisite(session, policy, rights, need_id, actor=caller.subject)
    return await queries.need_view(session, policy, rights, need_id)
