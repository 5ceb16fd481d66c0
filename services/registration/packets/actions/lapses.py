"""Acts when the consent ends under which a packet was fetched."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.events.codes import DeletionReason, NeedCategory
from services.registration.audit.rules import Actor
from services.registration.consent.queries import who_allow
from services.registration.pack import Pack
from services.registration.people.tables import Returnee
from services.registration.sharing.actions import Lapsed, Withdrawn, ask_for_deletion, lapsed, renew_share

_ACTOR = Actor(who="urn:enlace:registration", client_id="registration")


async def act_on_ended_consents(session: AsyncSession, *, pack: Pack, limit: int) -> int:
    """Request the deletion of data that were fetched under consents that have ended.

    Returns the number of checked shares. If the person has given a longer consent meanwhile, the share is kept until
    the end of that consent.
    """
    found = await lapsed(session, limit=limit)
    for returnee_id in sorted({share.returnee_id for share in found}):
        await _act(session, returnee_id, [share for share in found if share.returnee_id == returnee_id], pack=pack)
    return len(found)


async def _act(session: AsyncSession, returnee_id: UUID, shares: Sequence[Lapsed], *, pack: Pack) -> None:
    row = await session.get(Returnee, returnee_id, with_for_update={"key_share": True}, populate_existing=True)
    assert row is not None, "a share names somebody who is registered"
    ended: dict[UUID, set[NeedCategory]] = defaultdict(set)
    for organization_id, category in sorted({(one.organization_id, one.category) for one in shares}):
        gate = pack.consents.gate_of(category)
        allowing = await who_allow(session, [returnee_id], gate=gate, organization_id=organization_id, at=now(session))
        if returnee_id in allowing:
            await renew_share(
                session, returnee_id, category, organization_id=organization_id, until=allowing[returnee_id]
            )
        else:
            ended[organization_id].add(category)
    for organization_id, categories in ended.items():
        withdrawn = Withdrawn(
            returnee_id,
            row.case_code,
            DeletionReason.CONSENT_EXPIRED,
            categories=categories,
            organizations=[organization_id],
            traceparent=row.traceparent,
        )
        await ask_for_deletion(session, withdrawn, pack=pack, actor=_ACTOR)
