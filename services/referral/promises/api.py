"""The promises over HTTP, for staff of the network."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Request

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.problems import responses
from libs.chassis.tenancy import STAFF, StaffOnly
from services.referral.access import staff_rights_of
from services.referral.audit.recording import RecordedRoute
from services.referral.promises import queries
from services.referral.promises.queries import LATE_AFTER_S
from services.referral.promises.schemas import InvariantsView

router = APIRouter(route_class=RecordedRoute, prefix="/v1", tags=["invariants"])


@router.get("/invariants", responses=responses(StaffOnly))
async def read_invariants(
    session: Session, request: Request, caller: Annotated[Caller, requires("work-lists:read", by=STAFF)]
) -> InvariantsView:
    """The invariants of referral, with the present number of violations of each."""
    late_after = timedelta(seconds=LATE_AFTER_S * request.app.state.settings.clock_rate)
    return await queries.invariants(session, staff_rights_of(caller), late_after=late_after)
