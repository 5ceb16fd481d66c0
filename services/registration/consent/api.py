"""HTTP for consents and the safe contact."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.idempotency import KeyReused, OnceOptional, OnceRequired
from libs.chassis.problems import responses
from libs.chassis.tenancy import SERVICES, WHO_REGISTERS
from libs.events.catalogue.arrivals import SafeContactTold
from services.registration.audit.api import actor_of
from services.registration.audit.rules import AccessPurpose
from services.registration.consent.actions import consents, safe_contacts
from services.registration.consent.schemas import AnyConsentTold, ConsentView, ContactStateView, SafeContactView
from services.registration.errors import ConsentAlreadyWithdrawn, ReturneeErased, SafeContactMissing
from services.registration.pack import ThePack
from services.registration.vault.api import TheVault
from services.registration.walls import own

_CONSENT_EXAMPLE = {
    "purpose": "referral",
    "recipient_class": "providers",
    "data_described": "My identity, my needs and how to reach me safely.",
    "given_by": "self",
    "method": "signature",
    "language": "spa",
    "staff_reference": "desk-3",
    "given_at": "2026-03-02T19:45:00Z",
    "expires_at": "2027-03-02T19:45:00Z",
    "revocation_explained": True,
}
_CONTACT_EXAMPLE = {
    "channel": "sms",
    "address": "+502 5123 4567",
    "address_owner": "relative",
    "code_word": "zanate",
    "may_name_organization": False,
    "language": "spa",
    "hours_from": 9,
    "expires_at": "2026-06-02T19:45:00Z",
}
_NAMED_EXAMPLE = {name: value for name, value in _CONSENT_EXAMPLE.items() if name != "recipient_class"} | {
    "recipient_organization_id": "0195c1a0-7b20-7e33-9b02-5f6a7b8c9d0e",
    "recipient_name": "Casa de Acogida Ejemplo",
}
_CONSENTS = {"referral": {"value": _CONSENT_EXAMPLE}, "one organisation": {"value": _NAMED_EXAMPLE}}
ConsentBody = Annotated[AnyConsentTold, Body(openapi_examples=_CONSENTS)]
ContactBody = Annotated[SafeContactTold, Body(openapi_examples={"message": {"value": _CONTACT_EXAMPLE}})]

router = APIRouter(prefix="/v1", tags=["consent"])
Reader = Annotated[Caller, requires("returnees:read", by=WHO_REGISTERS)]
Writer = Annotated[Caller, requires("consents:write", by=WHO_REGISTERS)]


@router.post(
    "/returnees/{returnee_id}/consents", status_code=201, responses=responses(NotFound, ReturneeErased, KeyReused)
)
async def give_consent(
    returnee_id: UUID,
    body: ConsentBody,
    session: Session,
    caller: Writer,
    once: OnceRequired,
    vault: TheVault,
    pack: ThePack,
) -> ConsentView:
    """Record a consent with its nine elements, for a recipient class or for one organisation. Nothing is allowed by
    default, and a "no" is not recorded."""
    actor = actor_of(caller, pack)

    async def give() -> UUID:
        return await consents.give_consent(session, returnee_id, body, actor=actor, vault=vault, pack=pack)

    consent_id = await once(session, own(session, give, returnee=returnee_id))
    return await consents.show_consent(session, returnee_id, consent_id, vault=vault)


@router.get("/returnees/{returnee_id}/consents", responses=responses(NotFound, ReturneeErased))
async def look_up_consents(
    returnee_id: UUID, session: Session, caller: Reader, pack: ThePack, vault: TheVault
) -> list[ConsentView]:
    """All consents that were ever recorded of a person, oldest first, including withdrawn ones."""
    return await consents.look_up_consents(session, returnee_id, actor=actor_of(caller, pack), vault=vault)


@router.post(
    "/returnees/{returnee_id}/consents/{consent_id}/withdraw",
    responses=responses(NotFound, ReturneeErased, ConsentAlreadyWithdrawn, KeyReused),
)
async def withdraw_consent(
    returnee_id: UUID,
    consent_id: UUID,
    session: Session,
    caller: Writer,
    pack: ThePack,
    once: OnceOptional,
    vault: TheVault,
) -> ConsentView:
    """Withdraw a consent, without a reason. Packets close at once; organisations that fetched one must delete the data.

    Enlace cannot delete data at a provider: `GET /v1/deletion-requests` shows what each reports that it did.
    """
    actor = actor_of(caller, pack)

    async def withdraw() -> UUID:
        return await consents.withdraw_consent(session, returnee_id, consent_id, pack=pack, actor=actor)

    await once(session, own(session, withdraw, returnee=returnee_id))
    return await consents.show_consent(session, returnee_id, consent_id, vault=vault)


@router.put("/returnees/{returnee_id}/safe-contact", responses=responses(NotFound, ReturneeErased))
async def set_safe_contact(
    returnee_id: UUID,
    body: ContactBody,
    session: Session,
    caller: Annotated[Caller, requires("returnees:write", by=WHO_REGISTERS)],
    pack: ThePack,
    vault: TheVault,
    response: Response,
) -> SafeContactView:
    """Set a safe way to reach the person, or state (channel `none`) that nobody may contact them."""
    actor = actor_of(caller, pack)

    async def set_it() -> None:
        await safe_contacts.set_safe_contact(session, returnee_id, body, actor=actor, vault=vault, pack=pack)

    await own(session, set_it, returnee=returnee_id)()
    response.headers["Cache-Control"] = "no-store"
    lasts = pack.reception.retention.safe_contact_lasts
    return await safe_contacts.show_safe_contact(session, returnee_id, vault=vault, lasts=lasts)


@router.get("/returnees/{returnee_id}/safe-contact/state", responses=responses(NotFound, ReturneeErased))
async def contact_state(returnee_id: UUID, session: Session, caller: Reader, pack: ThePack) -> ContactStateView:
    """Whether a safe contact is known or must be asked again, without the contact itself."""
    return await safe_contacts.show_contact_state(session, returnee_id, actor=actor_of(caller, pack), pack=pack)


@router.get("/returnees/{returnee_id}/safe-contact", responses=responses(NotFound, ReturneeErased, SafeContactMissing))
async def look_up_safe_contact(
    returnee_id: UUID,
    session: Session,
    caller: Annotated[Caller, requires("safe-contact:read", by=SERVICES)],
    pack: ThePack,
    vault: TheVault,
    response: Response,
    purpose: Annotated[AccessPurpose, Query(description="Why you want to reach the person; recorded")],
) -> SafeContactView:
    """The safe contact of a person. Request it with a purpose directly before you send; never store the response."""
    response.headers["Cache-Control"] = "no-store"
    actor = actor_of(caller, pack)
    return await safe_contacts.look_up_safe_contact(
        session, returnee_id, purpose=purpose, actor=actor, vault=vault, pack=pack
    )
