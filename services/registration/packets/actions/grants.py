"""Issues the signed grant of a packet, and says whether a grant is still valid.

Nothing about a grant is stored. Its validity follows from the consents that it names and from the packet, so there is
no list of grants that could lag behind a withdrawal.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, own_work
from libs.chassis.errors import FieldError, InvalidInput, NotFound, Refusal
from libs.chassis.signed_claims import ClaimKeys, ClaimsRefusedError
from services.registration.audit.actions import record
from services.registration.audit.rules import RESTRICTED, Access, AccessKind, AccessPurpose, Actor
from services.registration.consent.queries import relied_on, still_standing
from services.registration.errors import ConsentMissing, PacketClosed, PacketHalted, ReturneeErased
from services.registration.pack import Pack
from services.registration.packets.actions.opening import person_behind
from services.registration.packets.actions.packets import require_allowed
from services.registration.packets.queries import packet_access
from services.registration.packets.rules import GRANT_ISSUER, GRANT_TYPE, GrantFault, grant_ends, has_grant_form
from services.registration.packets.schemas import GrantCheckView
from services.registration.packets.tables import PacketAccess
from services.registration.people.tables import Returnee

_FAULTS: Final[Mapping[type[Refusal], GrantFault]] = {
    ConsentMissing: GrantFault.CONSENT_ENDED,
    PacketClosed: GrantFault.PACKET_CLOSED,
    PacketHalted: GrantFault.HALTED,
    ReturneeErased: GrantFault.ERASED,
}


async def issue_grant(
    session: AsyncSession,
    access: PacketAccess,
    people: Sequence[Returnee],
    fields: Collection[str],
    *,
    pack: Pack,
    keys: ClaimKeys,
) -> str:
    """The grant for a packet with the data of these people, of whom the first is the person of the offer. They must be
    locked, and they allow it."""
    gate = pack.consents.gate_of(access.category)
    assert gate is not None, "without a gate there is no packet"
    at, whom = now(session), access.organization_id
    consents = await relied_on(session, [one.id for one in people], gate=gate, organization_id=whom, at=at)
    ends = grant_ends(
        at=at,
        longest=timedelta(days=pack.packets.grant_days),
        consents_end=[one.expires_at for one in consents],
        closes_at=access.closes_at,
    )
    claims: dict[str, Any] = {
        "iss": GRANT_ISSUER,
        "aud": str(whom),
        "sub": people[0].case_code,
        "jti": str(uuid7()),
        "iat": int(at.timestamp()),
        "exp": int(ends.timestamp()),
        "offer_id": str(access.offer_id),
        "legal_ground": "consent",
        "purposes": sorted({one.purpose for one in consents}),
        "recipient_classes": sorted({one.recipient_class for one in consents if one.recipient_class is not None}),
        "fields": sorted(fields),
        "consents": [{"id": str(one.consent_id), "version": one.version} for one in consents],
    }
    # A grant is shown to others, so the grant of a restricted need does not say what the need is.
    if access.category not in pack.routing.restricted:
        claims |= {"category": access.category, "service_type": access.service_type}
    return keys.sign(claims, typ=GRANT_TYPE)


async def check_grant(
    session: AsyncSession, grant: str, *, pack: Pack, keys: ClaimKeys, actor: Actor
) -> GrantCheckView:
    """Whether a grant is valid now.

    Raises InvalidInput if registration has not signed it, NotFound if it is for another organisation, PacketNotReady
    while the offer is being evaluated again.
    """
    claims = _read(grant, keys)
    if actor.organization_id is None or claims["aud"] != str(actor.organization_id):
        raise NotFound
    access = await packet_access(session, UUID(claims["offer_id"]), actor=actor)
    ends = datetime.fromtimestamp(claims["exp"], UTC)
    async with own_work(session):  # the organisation does not see the row of the person
        fault = await _fault(session, access, [UUID(one["id"]) for one in claims["consents"]], pack=pack)
        if fault is None and ends <= now(session):
            fault = GrantFault.EXPIRED
        if fault is not GrantFault.ERASED:
            await record(session, actor, [_access(access, actor=actor)])
    return GrantCheckView(
        offer_id=access.offer_id, valid=fault is None, reason=fault, expires_at=ends, checked_at=now(session)
    )


def _read(grant: str, keys: ClaimKeys) -> dict[str, Any]:
    try:
        claims = keys.read(grant, typ=GRANT_TYPE)
    except ClaimsRefusedError:
        claims = {}
    if not has_grant_form(claims):
        detail = "This is no grant that registration has signed with a key that is in use."
        raise InvalidInput(errors=[FieldError("/grant", "signed-grant", detail)])
    return claims


async def _fault(
    session: AsyncSession, access: PacketAccess, consent_ids: Collection[UUID], *, pack: Pack
) -> GrantFault | None:
    try:
        await person_behind(session, access, pack=pack)
        standing = await still_standing(session, consent_ids, at=now(session))
        if set(consent_ids) - standing.keys():
            return GrantFault.CONSENT_ENDED
        people = (await session.exec(select(Returnee).where(col(Returnee.id).in_(set(standing.values()))))).all()
        await require_allowed(session, access, people, on=pack.reception.day_of(now(session)))
    except tuple(_FAULTS) as refusal:
        return _FAULTS[type(refusal)]
    return None


def _access(access: PacketAccess, *, actor: Actor) -> Access:
    hidden = access.category in actor.sight.restricted_categories
    return Access(
        subject_id=access.returnee_id,
        kind=AccessKind.READ,
        action=f"{RESTRICTED}grant.check" if hidden else "grant.check",
        purpose=AccessPurpose.REFERRAL,
        fields=["consent"],
        referral_id=access.referral_id,
        offer_id=access.offer_id,
    )
