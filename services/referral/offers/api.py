"""Offers over HTTP. A partner sees and answers the offers of its own organisation; any other offer is a 404."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import InvalidInput, NotFound
from libs.chassis.idempotency import OnceOptional
from libs.chassis.paging import Page, PageQuery, page_of
from libs.chassis.problems import responses
from libs.chassis.tenancy import ORGANIZATIONS, ORGANIZATIONS_AND_STAFF
from services.referral.access import rights_of
from services.referral.audit.recording import RecordedRoute, actor_of
from services.referral.audit.rules import Access, AccessKind, AccessPurpose, Record
from services.referral.errors import OfferExpired, OfferRecalled, StepNotAllowed
from services.referral.lifecycles.rules import OfferStatus, ReferralStatus
from services.referral.offers import queries
from services.referral.offers.actions import offers as actions
from services.referral.offers.actions.gathering import Answers
from services.referral.offers.actions.offers import Answering
from services.referral.offers.rules import Filters, OfferOrder, checked, cursor_of
from services.referral.offers.schemas import DeclineBody, ExplanationView, OfferCounts, OfferView

router = APIRouter(route_class=RecordedRoute, prefix="/v1/offers", tags=["offers"])

Reader = Annotated[Caller, requires("offers:read", by=ORGANIZATIONS_AND_STAFF)]
Answerer = Annotated[Caller, requires("offers:answer", by=ORGANIZATIONS)]
ANSWERS = responses(NotFound, StepNotAllowed, OfferRecalled, OfferExpired)


async def _answering(request: Request, offer_id: UUID, once: OnceOptional, caller: Answerer) -> Answering:
    """A request with an answer to this offer."""
    gathering: Answers = request.app.state.gathering
    access = changed_offer(caller, request.scope["route"].name, offer_id)
    return Answering(gathering, offer_id, rights_of(caller), caller.subject, once, access)


def changed_offer(caller: Caller, action: str, offer_id: UUID) -> Access:
    """The audit record of an answer. It is written in the transaction that takes the answer."""
    fields, records = sorted(OfferView.model_fields), [(Record.OFFER, offer_id)]
    return Access(actor_of(caller), AccessKind.WRITE, action, AccessPurpose.REFERRAL, fields, records)


Answered = Annotated[Answering, Depends(_answering)]


async def _filters(
    status: Annotated[OfferStatus | None, Query(description="Only offers in this state")] = None,
    referral_status: Annotated[
        list[ReferralStatus] | None,
        Query(
            max_length=len(ReferralStatus), description="Only accepted offers whose referral is in one of these states"
        ),
    ] = None,
    order: Annotated[
        OfferOrder,
        Query(
            description="The order; use the same value for every page. With `most_urgent` the list has only the offers"
            " that wait for an answer (pending or acknowledged): emergencies first, then by the deadline for the answer"
        ),
    ] = OfferOrder.OLDEST,
) -> Filters:
    return checked(Filters(status, tuple(referral_status or ()), order))


@router.get("")
async def list_offers(
    session: Session, page: PageQuery, caller: Reader, filters: Annotated[Filters, Depends(_filters)]
) -> Page[OfferView]:
    """Offers, oldest first unless `order` says otherwise. A partner sees those of its own organisation.

    Restricted ones need `restricted:read`, and certificates if the caller is staff.
    """
    views = await queries.offer_views(session, rights_of(caller), filters, after=page.after, limit=page.limit)

    def cursor(view: OfferView) -> list[str]:
        return cursor_of(filters.order, view.id, view.urgency, view.answer_by)

    return page_of(views, request=page, cursor_of=cursor)


@router.get("/counts")
async def count_offers(session: Session, caller: Reader) -> OfferCounts:
    """How many offers wait for an answer. A partner gets the number of its own organisation.

    Restricted ones are counted only with `restricted:read`, and for staff only with certificates.
    """
    return await queries.counts(session, rights_of(caller))


@router.get("/{offer_id}", responses=responses(NotFound))
async def read_offer(offer_id: UUID, session: Session, caller: Reader) -> OfferView:
    """One offer."""
    return await queries.offer_view(session, rights_of(caller), offer_id)


@router.get("/{offer_id}/explanation", responses=responses(NotFound))
async def explain_offer(offer_id: UUID, session: Session, caller: Reader) -> ExplanationView:
    """Why this service was chosen and the others were not. A partner sees only the part about itself."""
    return await queries.explanation(session, rights_of(caller), offer_id)


@router.post("/{offer_id}/acknowledge", responses=ANSWERS)
async def acknowledge_offer(answering: Answered) -> OfferView:
    """Acknowledge the offer: you have seen it. The deadline for the answer does not change."""
    return await actions.acknowledge_offer(answering)


@router.post("/{offer_id}/accept", responses=ANSWERS)
async def accept_offer(answering: Answered) -> OfferView:
    """Accept the offer: its places are taken, and shortly after that registration provides the packet."""
    return await actions.accept_offer(answering)


@router.post("/{offer_id}/decline", responses={**ANSWERS, **responses(InvalidInput)})
async def decline_offer(body: DeclineBody, answering: Answered) -> OfferView:
    """Decline the offer with a coded reason; the reason decides what happens next."""
    return await actions.decline_offer(answering, reason=body.reason, note=body.note)
