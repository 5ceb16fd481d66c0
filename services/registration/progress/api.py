"""HTTP for the progress of intakes, for reception and for staff of the network."""

from typing import Annotated

from fastapi import APIRouter, Query

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session, now
from libs.chassis.errors import FieldError, InvalidInput
from libs.chassis.paging import Page, PageQuery
from libs.chassis.tenancy import RECEPTION_AND_STAFF
from libs.events.codes import AreaCode
from libs.wire.values import Moment
from services.registration.audit.api import actor_of
from services.registration.pack import ThePack
from services.registration.progress import queries
from services.registration.progress.rules import BACK_MAX, RECENT, Asked
from services.registration.progress.schemas import BatchProgressView
from services.registration.vault.api import TheVault

router = APIRouter(prefix="/v1", tags=["arrivals"])
Reader = Annotated[Caller, requires("progress:read", by=RECEPTION_AND_STAFF)]


@router.get("/arrival-batches/progress")
async def list_batch_progress(
    session: Session,
    caller: Reader,
    pack: ThePack,
    page: PageQuery,
    vault: TheVault,
    since: Annotated[
        Moment | None,
        Query(description="Completed batches that landed since then; at most 31 days ago, if omitted 24 hours ago"),
    ] = None,
    reception_place: Annotated[
        AreaCode | None, Query(description="Only at this place, or at the places whose codes begin with this code")
    ] = None,
) -> Page[BatchProgressView]:
    """Flights and buses with an open intake, and those that landed recently, newest first, in numbers.

    A caller with reception places sees the batches of `GET /v1/arrival-batches`. Staff of the network without any see
    the numbers of all batches, because these name nobody.
    """
    at = now(session)
    asked = Asked(at - RECENT if since is None else since, reception_place)
    if asked.since < at - BACK_MAX:
        raise InvalidInput(errors=[FieldError("since", "recent", "It may be at most 31 days ago")])
    tenant = caller.tenant
    every = tenant.staff and not tenant.reception_places
    return await queries.batches(session, page, asked, actor=actor_of(caller, pack), every=every, vault=vault)
