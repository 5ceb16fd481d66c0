"""Makes desks owners of the needs of people about whom registration has lost data, and takes the needs back later."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.events.audit import Hand, note
from libs.events.codes import OwnerReason
from services.referral.journeys.actions.writing import opened
from services.referral.lifecycles.rules import NeedStatus
from services.referral.pack.policy import RoutingPolicy
from services.referral.reconciling import queries
from services.referral.steps.owners import assign, disown

ACTOR: Final = "reconcile"
_REASON: Final = OwnerReason.LOST_AT_REGISTRATION


async def assign_to_desks(
    session: AsyncSession,
    policy: RoutingPolicy,
    returnee_ids: Collection[UUID],
    need_ids: Collection[UUID],
    by: Hand,
) -> tuple[int, int]:
    """Make the lead desk of its category the owner of each open need of these people, and of each of these needs.

    Needs from an earlier run that are no longer among them lose this owner. Returns the number of needs for each
    direction. Routing continues, because a person whose record is lost still needs a bed.
    """
    lost = await queries.open_without_owner(session, returnee_ids, need_ids)
    found = await queries.owned_for_nothing(session, returnee_ids, need_ids)
    async with opened(session, policy, {*lost.values(), *found.values()}, actor=ACTOR) as piece:
        for need_id, returnee_id in lost.items():
            need = piece.journeys[returnee_id].needs[need_id]
            if need.status is NeedStatus.OPEN and need.owner is None:
                assign(piece, need, owner=piece.rules_of(need).lead_desk, reason=_REASON)
                piece.change(need)
        for need_id, returnee_id in found.items():
            need = piece.journeys[returnee_id].needs[need_id]
            if need.owner_reason is _REASON:
                disown(piece, need)
    handed = {"to_desks": len(lost), "back": len(found)}
    await note(await raw(session), "reconcile", by, handed)
    return len(lost), len(found)
