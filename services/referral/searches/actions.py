"""Records attempts to find a person, and the action of the clock of a search. The journey is locked first."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.events.codes import OwnerReason
from services.referral.access import Rights
from services.referral.clocks.queries import Due
from services.referral.database import insert_rows
from services.referral.journeys.actions.writing import fired, opened
from services.referral.journeys.facts import Referral
from services.referral.journeys.work import Work
from services.referral.pack.policy import RoutingPolicy
from services.referral.searches import queries
from services.referral.searches.rules import SearchResult
from services.referral.searches.schemas import SearchAttemptBody
from services.referral.searches.tables import SearchAttemptRow
from services.referral.steps import routing as routing_steps
from services.referral.steps import searches as search_steps
from services.referral.steps.owners import disown


async def log_attempt(
    session: AsyncSession,
    policy: RoutingPolicy,
    rights: Rights,
    referral_id: UUID,
    attempt: SearchAttemptBody,
    *,
    actor: str,
) -> UUID:
    """Record an attempt. If the person was found, the need is offered again at once, also to the same service."""
    returnee_id = await queries.returnee_of(session, rights, referral_id)
    attempt_id: UUID = uuid7()
    async with opened(session, policy, [returnee_id], actor=actor) as piece:
        referral = piece.journeys[returnee_id].referrals[referral_id]
        search_steps.log(piece, referral, result=attempt.result.value, note=attempt.note)
        if attempt.result is SearchResult.FOUND:
            _found(piece, referral)
        elif attempt.result is SearchResult.WILL_RETURN:
            search_steps.put_off(piece, referral)
        else:
            search_steps.miss(piece, referral)
        row = {
            "search_attempt_id": attempt_id,
            "referral_id": referral_id,
            "need_id": referral.need_id,
            "returnee_id": returnee_id,
            "at": piece.at,
            "by": actor,
            "channel": attempt.channel.value,
            "result": attempt.result.value,
        }
        await insert_rows(session, SearchAttemptRow, [row])
    return attempt_id


async def remind_of_searches(session: AsyncSession, policy: RoutingPolicy, due: Sequence[Due]) -> None:
    """The next attempts of these searches are due and were not made. The journeys are already locked."""
    async with fired(session, policy, due, Referral) as (piece, found):
        for referral in found:
            if referral.searching_since is not None:
                search_steps.remind(piece, referral)


def _found(piece: Work, referral: Referral) -> None:
    search_steps.end(piece, referral)
    piece.stop_timers(referral)
    need = routing_steps.need_of(piece, referral)
    if need.owner_reason is OwnerReason.PERSON_NOT_FOUND:
        disown(piece, need)
    routing_steps.seek(piece, referral)
    routing_steps.start_routing_clock(piece, referral)
