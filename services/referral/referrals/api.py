"""Referrals over HTTP. A provider reports on referrals that it has accepted. Only staff may cancel or correct them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import InvalidInput, NotFound
from libs.chassis.idempotency import OnceOptional
from libs.chassis.problems import responses
from libs.chassis.tenancy import ORGANIZATIONS_AND_STAFF, STAFF, StaffOnly
from services.referral.access import Policy, rights_of, staff_rights_of
from services.referral.audit.recording import RecordedRoute
from services.referral.errors import NoPlaceFree, NotACandidate, OfferIsHalted, ProfileMissing, StepNotAllowed
from services.referral.referrals import actions, queries
from services.referral.referrals.schemas import (
    CancelBody,
    CompleteBody,
    CompletionFactsView,
    ErrorBody,
    NotDeliveredBody,
    OverrideBody,
    ReferralView,
    UpholdBody,
)

router = APIRouter(route_class=RecordedRoute, prefix="/v1/referrals", tags=["referrals"])
desk_router = APIRouter(route_class=RecordedRoute, prefix="/v1/referrals", tags=["desk"])

Reader = Annotated[Caller, requires("referrals:read", by=ORGANIZATIONS_AND_STAFF)]
Writer = Annotated[Caller, requires("referrals:write", by=ORGANIZATIONS_AND_STAFF)]
Desk = Annotated[Caller, requires("referrals:write", by=STAFF)]
STEPS = responses(NotFound, StepNotAllowed)
STAFF_STEPS = responses(NotFound, StepNotAllowed, StaffOnly)


@router.get("/completion-facts")
async def read_completion_facts(policy: Policy, _: Reader) -> CompletionFactsView:
    """The facts that a completion must state: yes or no, a count, or a code (`GET /v1/taxonomy` of the directory).

    `by_kind` is for offers with an `offered_kind`, `completion_facts` for all others, by service type.
    """
    by_kind = {kind: list(policy.completion_of(kind)) for kind in policy.taxonomy.kinds}
    met_by = {code: list(fact.met_by) for code, fact in policy.taxonomy.facts.items() if fact.met_by}
    return CompletionFactsView(completion_facts=policy.completion_facts, by_kind=by_kind, met_by=met_by)


@router.get("/{referral_id}", responses=responses(NotFound))
async def read_referral(referral_id: UUID, session: Session, policy: Policy, caller: Reader) -> ReferralView:
    """One referral. A provider sees it after it has accepted the offer."""
    return await queries.referral_view(session, policy, rights_of(caller), referral_id)


@router.post("/{referral_id}/start", responses=responses(NotFound, StepNotAllowed, OfferIsHalted))
async def start_referral(
    referral_id: UUID, session: Session, policy: Policy, once: OnceOptional, caller: Writer
) -> ReferralView:
    """Report that the service has started."""
    rights = rights_of(caller)
    await once(session, lambda: actions.start_referral(session, policy, rights, referral_id, actor=caller.subject))
    return await queries.referral_view(session, policy, rights, referral_id)


@router.post("/{referral_id}/uphold", responses=responses(NotFound, StepNotAllowed, NotACandidate, StaffOnly))
async def uphold_referral(
    referral_id: UUID, body: UpholdBody, session: Session, policy: Policy, once: OnceOptional, caller: Desk
) -> ReferralView:
    """Let a halted offer continue, with a reason: its packet opens again. Interlocks and law still apply."""
    rights = staff_rights_of(caller)
    await once(
        session,
        lambda: actions.uphold_referral(session, policy, rights, referral_id, reason=body.reason, actor=caller.subject),
    )
    return await queries.referral_view(session, policy, rights, referral_id)


@router.post("/{referral_id}/complete", responses={**STEPS, **responses(InvalidInput)})
async def complete_referral(
    referral_id: UUID, body: CompleteBody, session: Session, policy: Policy, once: OnceOptional, caller: Writer
) -> ReferralView:
    """Report that the service is completed, with its outcome and the facts that the kind or the service type requires.

    `need_met` is refused if the facts say that the need is not met: no document, no ticket, no certificate. If
    something else was given, the outcome is `something_else_given`, and the need stays open.
    """
    rights = rights_of(caller)
    await once(
        session,
        lambda: actions.complete_referral(
            session,
            policy,
            rights,
            referral_id,
            outcome=body.outcome,
            facts=body.facts,
            given_kind=body.given_kind,
            actor=caller.subject,
        ),
    )
    return await queries.referral_view(session, policy, rights, referral_id)


@router.post("/{referral_id}/not-delivered", responses=STEPS)
async def report_not_delivered(
    referral_id: UUID, body: NotDeliveredBody, session: Session, policy: Policy, once: OnceOptional, caller: Writer
) -> ReferralView:
    """Report that the accepted service was not delivered; the need is routed again."""
    rights = rights_of(caller)
    await once(
        session,
        lambda: actions.report_not_delivered(
            session, policy, rights, referral_id, reason=body.reason, actor=caller.subject
        ),
    )
    return await queries.referral_view(session, policy, rights, referral_id)


@router.post("/{referral_id}/cancel", responses=STAFF_STEPS)
async def cancel_referral(
    referral_id: UUID, body: CancelBody, session: Session, policy: Policy, once: OnceOptional, caller: Desk
) -> ReferralView:
    """Cancel the referral: offers are recalled and places become free. The reason decides what happens to the need."""
    rights = staff_rights_of(caller)
    await once(
        session,
        lambda: actions.cancel_referral(session, policy, rights, referral_id, reason=body.reason, actor=caller.subject),
    )
    return await queries.referral_view(session, policy, rights, referral_id)


@router.post("/{referral_id}/enter-in-error", responses=STAFF_STEPS)
async def enter_in_error(
    referral_id: UUID, body: ErrorBody, session: Session, policy: Policy, once: OnceOptional, caller: Desk
) -> ReferralView:
    """Mark the referral as created by mistake; a desk becomes the owner of its need."""
    rights = staff_rights_of(caller)
    await once(
        session,
        lambda: actions.enter_in_error(session, policy, rights, referral_id, note=body.note, actor=caller.subject),
    )
    return await queries.referral_view(session, policy, rights, referral_id)


@desk_router.post(
    "/{referral_id}/override",
    responses=responses(NotFound, StepNotAllowed, NotACandidate, NoPlaceFree, ProfileMissing, StaffOnly),
)
async def override_referral(
    referral_id: UUID,
    body: OverrideBody,
    session: Session,
    policy: Policy,
    once: OnceOptional,
    caller: Desk,
) -> ReferralView:
    """Choose the service instead of the router, with a reason. Interlocks, law and free places still apply."""
    rights = staff_rights_of(caller)
    await once(
        session,
        lambda: actions.override_referral(
            session,
            policy,
            rights,
            referral_id,
            provider_service_id=body.provider_service_id,
            reason=body.reason,
            actor=caller.subject,
        ),
    )
    return await queries.referral_view(session, policy, rights, referral_id)
