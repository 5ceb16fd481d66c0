"""HTTP for receipts."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.problems import responses
from libs.chassis.tenancy import WHO_REGISTERS
from services.registration.audit.api import actor_of
from services.registration.errors import ReturneeErased
from services.registration.pack import ThePack
from services.registration.receipts.actions import show_receipt
from services.registration.receipts.rules import POLICY, ReceiptLanguage
from services.registration.receipts.schemas import ReceiptForm, ReceiptView
from services.registration.vault.api import TheVault

_PAGE = {"description": "The page or the texts", "content": {"text/html": {"schema": {"type": "string"}}}}

router = APIRouter(prefix="/v1", tags=["consent"])


@router.get(
    "/returnees/{returnee_id}/consents/{consent_id}/receipt",
    response_model=ReceiptView,
    responses={200: _PAGE, **responses(NotFound, ReturneeErased)},
)
async def show_consent_receipt(
    returnee_id: UUID,
    consent_id: UUID,
    session: Session,
    caller: Annotated[Caller, requires("returnees:read", by=WHO_REGISTERS)],
    pack: ThePack,
    vault: TheVault,
    response: Response,
    form: Annotated[ReceiptForm, Query(description="A page to print, or the same texts as JSON")] = ReceiptForm.HTML,
    language: Annotated[ReceiptLanguage | None, Query(description="If omitted: a language of the person")] = None,
) -> Response | ReceiptView:
    """The receipt of a consent for the person: its nine elements in plain words, and how to withdraw it.

    It names the person only by the case code. If no texts exist in a language of the person, the receipt says so and is
    in the first language of the country pack.
    """
    response.headers["Cache-Control"] = "no-store"
    receipt = await show_receipt(
        session,
        returnee_id,
        consent_id,
        wanted=language,
        actor=actor_of(caller, pack),
        vault=vault,
        pack=pack,
    )
    if form is ReceiptForm.JSON:
        return receipt.view
    return HTMLResponse(receipt.page, headers={"Cache-Control": "no-store", "Content-Security-Policy": POLICY})
