"""HTTP for packets."""

from functools import partial
from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Request, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.problems import responses
from libs.chassis.signed_claims import ClaimKeys
from libs.chassis.tenancy import ORGANIZATIONS
from services.registration.audit.api import actor_of
from services.registration.errors import ConsentMissing, PacketClosed, PacketHalted, PacketNotReady, ReturneeErased
from services.registration.pack import ThePack
from services.registration.packets.actions import grants, packets
from services.registration.packets.schemas import EXAMPLE_GRANT, GrantBody, GrantCheckView, GrantKeysView, PacketView
from services.registration.vault.api import TheVault

router = APIRouter(prefix="/v1", tags=["packets"])


async def _grant_keys(request: Request) -> ClaimKeys:
    return cast(ClaimKeys, request.app.state.grant_keys)


_GRANT = {"grant": {"value": {"grant": EXAMPLE_GRANT}}}
GrantOfPacket = Annotated[GrantBody, Body(openapi_examples=_GRANT)]
TheGrantKeys = Annotated[ClaimKeys, Depends(_grant_keys)]


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
    grant_keys: TheGrantKeys,
    response: Response,
) -> PacketView:
    """The data of a person whose offer your organisation has accepted: the minimum for the type of service.

    For a short time after acceptance, and after a change of facts, the response can be 409 `packet-not-ready`: repeat
    the request after `Retry-After`. If the present facts do not allow the offer any more, it is 403 `packet-halted`
    until a desk of the network has decided.
    """
    response.headers["Cache-Control"] = "no-store"
    actor = actor_of(caller, pack)
    return await packets.fetch_packet(
        session,
        offer_id,
        pack=pack,
        vault=vault,
        actor=actor,
        issue=partial(grants.issue_grant, pack=pack, keys=grant_keys),
    )


@router.get("/grants/keys", responses=responses())
async def look_up_grant_keys(
    caller: Annotated[Caller, requires("packets:read", by=ORGANIZATIONS)], grant_keys: TheGrantKeys
) -> GrantKeysView:
    """The public keys with which you verify the grants of packets.

    A key is published before it signs, and until everything that it signed has expired. Fetch them again if a grant
    names a key (`kid`) that you do not have.
    """
    return GrantKeysView.model_validate({"keys": grant_keys.published()})


@router.post("/grants/check", responses=responses(NotFound, PacketNotReady))
async def check_grant(
    body: GrantOfPacket,
    session: Session,
    caller: Annotated[Caller, requires("packets:read", by=ORGANIZATIONS)],
    pack: ThePack,
    grant_keys: TheGrantKeys,
    response: Response,
) -> GrantCheckView:
    """Whether the grant of a packet of your organisation is valid now. The check changes nothing and is recorded.

    After a withdrawn consent, a closed packet, a suspension or an erasure it is invalid at once. If it is invalid, stop
    using the data. If `GET /v1/packets/{offer_id}` still answers, it has a new grant.
    """
    response.headers["Cache-Control"] = "no-store"
    actor = actor_of(caller, pack)
    return await grants.check_grant(session, body.grant, pack=pack, keys=grant_keys, actor=actor)
