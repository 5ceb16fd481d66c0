"""HTTP to look up households; they are created at intake."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.etag import etag_of
from libs.chassis.paging import Page, PageQuery
from libs.chassis.problems import responses
from libs.chassis.tenancy import WHO_REGISTERS
from services.registration.audit.api import actor_of
from services.registration.households import queries
from services.registration.households.schemas import HouseholdClaimView, HouseholdView
from services.registration.pack import ThePack

router = APIRouter(prefix="/v1", tags=["households"])
Reader = Annotated[Caller, requires("returnees:read", by=WHO_REGISTERS)]


@router.get("/households/{household_id}", responses=responses(NotFound))
async def look_up_household(
    household_id: UUID, session: Session, caller: Reader, pack: ThePack, response: Response
) -> HouseholdView:
    """One household with its members."""
    view = await queries.household_view(session, household_id, actor=actor_of(caller, pack))
    response.headers["ETag"] = etag_of(view.version)
    return view


@router.get("/household-claims")
async def list_household_claims(
    session: Session,
    caller: Annotated[Caller, requires("intake:decide", by=WHO_REGISTERS)],
    pack: ThePack,
    page: PageQuery,
    is_open: Annotated[
        bool, Query(alias="open", description="Only claims that wait for a decision, or only decided ones")
    ] = True,
) -> Page[HouseholdClaimView]:
    """People who name a household whose stated size does not match; staff decide. Oldest first."""
    return await queries.claims(session, page, is_open=is_open, actor=actor_of(caller, pack))
