"""HTTP for packets."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.problems import responses
from libs.chassis.tenancy import ORGANIZATIONS
from services.registration.audit.api import actor_of
from services.registration.errors import ConsentMissing, PacketClosed, PacketHalted, PacketNotReady, ReturneeErased
from services.registration.pack import ThePack
from services.registration.packets.actions import packets
from services.registration.packets.schemas import PacketView
from services.registration.vault.api import TheVault

router = APIRouter(prefix="/v1", tags=["packets"])


@router.get(
    "/packets/{offer_id}",
    responses=responses(NotFound, PacketNotReady, PacketHalted, PacketClosed, ReturneeErased, ConsentMissing),
)
async def fetch_packet(
    offer_id: UUID,
    session: Session,
    caller: Annotated[Caller, requires("packets:read", by=ORGANIZATIONS)],
    vault: TheVault,
    pack: ThePack,
    response: Response,
) -> PacketView:
    """The data of a person whose offer your organisation has accepted: the minimum for the type of service.

    For a short time after acceptance, and after a change of facts, the response can be 409 `packet-not-ready`: repeat
    the request after `Retry-After`. If the present facts do not allow the offer any more, it is 403 `packet-halted`
    until a desk of the network has decided.
    """
    response.headers["Cache-Control"] = "no-store"
    actor = actor_of(caller, pack)
    return await packets.fetch_packet(session, offer_id, pack=pack, vault=vault, actor=actor)
