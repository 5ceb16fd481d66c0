"""HTTP for the report to a person about their data, as JSON and as a page to print."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.problems import responses
from libs.chassis.tenancy import RECEPTION_AND_STAFF
from services.registration.access_reports import actions
from services.registration.access_reports.page import PAGE_POLICY, page_html
from services.registration.access_reports.rules import Given, Proof, ReportLanguage
from services.registration.access_reports.schemas import AccessReport
from services.registration.audit.api import actor_of
from services.registration.errors import ReturneeErased
from services.registration.pack import ThePack
from services.registration.protection_errors import IdentityNotProven
from services.registration.vault.api import TheVault

router = APIRouter(prefix="/v1", tags=["access reports"])
Maker = Annotated[Caller, requires("access-reports:read", by=RECEPTION_AND_STAFF)]
ProofQuery = Annotated[Proof, Query(description="How the person proved who they are; it is recorded")]
CheckQuery = Annotated[
    UUID | None, Query(description="The check that proved it, with `proof=identity_check` and only then")
]
Language = Annotated[ReportLanguage, Query(description="The language of the words")]


@router.get("/returnees/{returnee_id}/access-report", responses=responses(NotFound, ReturneeErased, IdentityNotProven))
async def make_access_report(
    returnee_id: UUID,
    proof: ProofQuery,
    session: Session,
    caller: Maker,
    pack: ThePack,
    vault: TheVault,
    response: Response,
    language: Language = ReportLanguage.ES,
    identity_check_id: CheckQuery = None,
) -> AccessReport:
    """Everything that registration knows of a person, for that person: data, needs, answers, consents, who looked, to
    whom it went, and which authorities asked.

    Make it only for the person, or for who decides for a child, after a proof of identity. A request of an authority
    whose notice is deferred is left out. What others know (places, referrals, messages) is at the other services.
    """
    response.headers["Cache-Control"] = "no-store"
    return await _made(returnee_id, Given(proof, identity_check_id), language, session, caller, pack, vault)


@router.get(
    "/returnees/{returnee_id}/access-report/page",
    response_class=HTMLResponse,
    responses=responses(NotFound, ReturneeErased, IdentityNotProven),
)
async def print_access_report(
    returnee_id: UUID,
    proof: ProofQuery,
    session: Session,
    caller: Maker,
    pack: ThePack,
    vault: TheVault,
    language: Language = ReportLanguage.ES,
    identity_check_id: CheckQuery = None,
) -> HTMLResponse:
    """The same as a page to print, in plain words."""
    report = await _made(returnee_id, Given(proof, identity_check_id), language, session, caller, pack, vault)
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": PAGE_POLICY}
    return HTMLResponse(page_html(report, language=language, taxonomy=pack.taxonomy), headers=headers)


async def _made(
    returnee_id: UUID,
    given: Given,
    language: ReportLanguage,
    session: Session,
    caller: Caller,
    pack: ThePack,
    vault: TheVault,
) -> AccessReport:
    return await actions.make_access_report(
        session,
        returnee_id,
        given=given,
        language=language.value,
        traces=caller.tenant.staff,
        actor=actor_of(caller, pack),
        pack=pack,
        vault=vault,
    )
