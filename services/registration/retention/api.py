"""HTTP for the report of what has gone."""

from typing import Annotated

from fastapi import APIRouter, Query

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.problems import responses
from libs.chassis.tenancy import STAFF
from libs.wire.values import Day
from services.registration.pack import ThePack
from services.registration.retention import queries
from services.registration.retention.schemas import RetentionReport

router = APIRouter(prefix="/v1/retention", tags=["retention"])
Officer = Annotated[Caller, requires("retention:read", by=STAFF)]


@router.get("/report", responses=responses())
async def report_retention(
    session: Session,
    caller: Officer,
    pack: ThePack,
    since: Annotated[Day, Query(alias="from", description="The first day, in UTC", examples=["2026-11-01"])],
    until: Annotated[Day, Query(alias="to", description="The last day, included", examples=["2026-11-30"])],
) -> RetentionReport:
    """When each kind of data ends, and how much of it has gone in these days. It contains kinds and numbers, no ids.

    `python -m services.registration.cli retention-report` prints the same.
    """
    return await queries.report(session, pack.reception, since=since, until=until)
