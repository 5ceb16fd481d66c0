"""The stages of the referral mechanism and the desks over HTTP."""

from typing import Annotated

from fastapi import APIRouter

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.problems import responses
from libs.chassis.tenancy import ORGANIZATIONS_AND_STAFF, STAFF, StaffOnly
from services.referral.access import Policy, desks_of, sees_restricted
from services.referral.audit.recording import RecordedRoute
from services.referral.stages import queries
from services.referral.stages.schemas import DesksView, MechanismView

router = APIRouter(route_class=RecordedRoute, prefix="/v1/stages", tags=["referrals"])

desk_router = APIRouter(
    route_class=RecordedRoute, prefix="/v1/desks", tags=["ownership"], responses=responses(StaffOnly)
)

Reader = Annotated[Caller, requires("referrals:read", by=ORGANIZATIONS_AND_STAFF)]


@router.get("")
async def read_stages(policy: Policy, _: Reader) -> MechanismView:
    """The stages of the referral mechanism, who leads them, and which stages each kind of client goes through.

    Needs and referrals carry the number of their stage.
    """
    return queries.mechanism_view(policy)


@desk_router.get("")
async def list_desks(
    policy: Policy, _: Session, caller: Annotated[Caller, requires("work-lists:read", by=STAFF)]
) -> DesksView:
    """The desks of the country, with their names, the stages and categories in which they lead, and those of the
    caller."""
    # The certificates of the caller are found at the beginning of the transaction.
    return queries.desks_view(policy, desks_of(caller, policy), restricted=sees_restricted(caller))
