"""Acts when the consent ends under which a packet was fetched."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.events.codes import DeletionReason, NeedCategory
from services.registration.audit.rules import Actor
from services.registration.consent.queries import who_allow
from services.registration.pack import Pack
from services.registration.people.tables import Returnee
from services.registration.sharing.actions import Withdrawn, ask_for_deletion, lapsed, renew_share

_ACTOR = Actor(who="urn:enlace:registration", client_id="registration")


async def act_on_ended_consents(session: AsyncSession, *, pack: Pack, limit: int) -> int:
    """Request the deletion of data that were fetched under consents that have ended.

    Returns the number of checked shares. If the person has given a longer consent meanwhile, the share is kept until
    the end of that consent.
    """
    found = await lapsed(session, limit=limit)
    for returnee_id in sorted({share.returnee_id for share in found}):
        categories = {share.category for share in found if share.returnee_id == returnee_id}
        await _act(session, returnee_id, categories, pack=pack)
    return len(found)


async def _act(session: AsyncSession, returnee_id: UUID, categories: set[NeedCategory], *, pack: Pack) -> None:
    row = await session.get(Returnee, returnee_id, with_for_update={"key_share": True}, populate_existing=True)
    assert row is not None, "a share names somebody who is registered"
    ended = set()
    for category in sorted(categories):
        gate = pack.consents.gate_of(category)
        until = (await who_allow(session, [returnee_id], gate=gate, at=now(session))).get(returnee_id)
        if until is None:
            ended.add(category)
        else:
            await renew_share(session, returnee_id, category, until=until)
    if ended:
        withdrawn = Withdrawn(
            returnee_id,
            row.case_code,
            DeletionReason.CONSENT_EXPIRED,
            categories=ended,
            traceparent=row.traceparent,
        )
        await ask_for_deletion(session, withdrawn, pack=pack, actor=_ACTOR)
