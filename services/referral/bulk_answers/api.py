"""Many answers over HTTP. A partner answers offers of its own organisation; any other offer has the result 404."""

from typing import Annotated

from fastapi import APIRouter

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import FieldError, InvalidInput
from libs.chassis.idempotency import OnceRequired
from libs.chassis.problems import responses
from libs.chassis.tenancy import ORGANIZATIONS
from services.referral.access import Policy, rights_of
from services.referral.audit.recording import RecordedRoute
from services.referral.bulk_answers import actions, queries
from services.referral.bulk_answers.schemas import AnswersBody, AnswersView

router = APIRouter(route_class=RecordedRoute, prefix="/v1/offers", tags=["offers"])


@router.post("/answers", responses=responses(InvalidInput))
async def answer_offers(
    body: AnswersBody,
    session: Session,
    policy: Policy,
    once: OnceRequired,
    caller: Annotated[Caller, requires("offers:answer", by=ORGANIZATIONS)],
) -> AnswersView:
    """Answer up to 100 offers in one call. Each answer has its own result; a refused answer does not affect the others.

    The call fails only if the body is invalid or contains an offer twice; then no offer is answered.
    """
    _require_each_once(body)
    rights = rights_of(caller)
    call_id = await once(
        session, lambda: actions.answer_offers(session, policy, rights, body.answers, actor=caller.subject)
    )
    return await queries.answers_view(session, rights, call_id)


def _require_each_once(body: AnswersBody) -> None:
    ids = [one.offer_id for one in body.answers]
    again = [
        FieldError(f"/answers/{nth}/offer_id", "named-twice", "The call contains another answer to this offer")
        for nth, offer_id in enumerate(ids)
        if offer_id in ids[:nth]
    ]
    if again:
        raise InvalidInput("The call contains two answers to one offer.", errors=again)
