"""The stages of the referral mechanism over HTTP."""

from typing import Annotated

from fastapi import APIRouter

from libs.chassis.auth import Caller, requires
from libs.chassis.tenancy import ORGANIZATIONS_AND_STAFF
from services.referral.access import Policy
from services.referral.audit.recording import RecordedRoute
from services.referral.stages import queries
from services.referral.stages.schemas import MechanismView

router = APIRouter(route_class=RecordedRoute, prefix="/v1/stages", tags=["referrals"])

Reader = Annotated[Caller, requires("referrals:read", by=ORGANIZATIONS_AND_STAFF)]


@router.get("")
async def read_stages(policy: Policy, _: Reader) -> MechanismView:
    """The stages of the referral mechanism, who leads them, and which stages each kind of client goes through.

    Needs and referrals carry the number of their stage.
    """
    return queries.mechanism_view(policy)
