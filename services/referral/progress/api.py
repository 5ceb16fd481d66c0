"""Numbers of arrival batches and waiting times over HTTP, for staff of the network and for reception."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.tenancy import RECEPTION_AND_STAFF, WrongCaller
from services.referral.access import Policy, sees_restricted
from services.referral.audit.recording import RecordedRoute
from services.referral.pack.policy import RoutingPolicy
from services.referral.progress import queries
from services.referral.progress.rules import BATCHES_MAX, HOURS_MAX, Sight, sight_of
from services.referral.progress.schemas import ProgressView, WaitingTimesView

router = APIRouter(route_class=RecordedRoute, prefix="/v1", tags=["progress"])

Reader = Annotated[Caller, requires("progress:read", by=RECEPTION_AND_STAFF)]


@router.get("/arrival-batches/progress")
async def read_batch_progress(
    session: Session,
    policy: Policy,
    caller: Reader,
    batch_id: Annotated[
        list[UUID],
        Query(min_length=1, max_length=BATCHES_MAX, description="Flights and buses, by their ids at registration"),
    ],
) -> ProgressView:
    """How far the needs of these flights and buses are.

    A caller with reception places counts only the people who were received there. A batch of which referral has not
    heard yet has zeros, as one of another place has.
    """
    return await queries.progress(session, _sight(caller, policy), list(dict.fromkeys(batch_id)))


@router.get("/waiting-times")
async def read_waiting_times(
    session: Session,
    policy: Policy,
    caller: Reader,
    hours: Annotated[int, Query(ge=1, le=HOURS_MAX, description="The period: so many hours until now")] = 24,
) -> WaitingTimesView:
    """How long people waited for a first offer, and how long offers waited for an answer; and what waits now.

    The numbers are those of the whole network. Restricted categories need `restricted:read` and certificates.
    """
    return await queries.waiting_times(session, _sight(caller, policy), hours=hours)


def _sight(caller: Caller, policy: RoutingPolicy) -> Sight:
    tenant = caller.tenant
    if tenant.organization_id is not None:
        # Referral does not know which organisation registered a person, so it could not leave out those of others.
        raise WrongCaller(callers=sorted(RECEPTION_AND_STAFF))
    return sight_of(
        restricted=sees_restricted(caller),
        reception_places=tenant.reception_places,
        staff=tenant.staff,
        country=policy.country,
    )
