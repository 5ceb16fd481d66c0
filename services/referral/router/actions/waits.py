"""What a round does with referrals for which nothing can be offered now: queue, look again, wait for a document, or
hand over to a desk."""

from collections.abc import Mapping
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from services.referral.candidates import facts as candidates
from services.referral.candidates.choice import Decision, Market
from services.referral.candidates.reasons import Exclusion
from services.referral.journeys import queries as journeys
from services.referral.journeys.facts import Referral
from services.referral.journeys.work import Work
from services.referral.router import queries, rules
from services.referral.router.queries import Placing
from services.referral.router.rules import Line, Way
from services.referral.steps import routing as routing_steps
from services.referral.steps.prerequisites import closes_circle, kinds_yielding, prerequisite_among


def queue(
    piece: Work,
    referral: Referral,
    need: candidates.Need,
    decision: Decision,
    market: Market,
    line: Line | None,
    *,
    supply_count: int,
) -> None:
    """Put the referral in the queues of the services that lack only places for it.

    Without a `line`, no pool is kept for it: another referral of its group keeps one for all.
    """
    waits = market.waits(need, decision)
    if line is not None:
        line.keep(referral.referral_id, waits)
    look_at = market.opens_at(need, decision)
    routing_steps.waitlist(
        piece, referral, tuple(decision.full_services), waits, supply_count=supply_count, look_at=look_at
    )


def let_wait(
    piece: Work,
    referral: Referral,
    way: Way,
    *,
    asked_before: bool,
    supply: Mapping[str, int],
    lacking: Exclusion | None = None,
) -> None:
    """Look at the referral again later, or let the lead desk own its need. `lacking`: the kind that nobody offers."""
    supply_count = supply.get(referral.category, 0)
    if way is Way.LOOK_AGAIN:
        routing_steps.look_again(piece, referral, at=piece.at + rules.LOOK_AGAIN_AFTER, supply_count=supply_count)
    else:
        routing_steps.nobody(piece, referral, asked_before=asked_before, supply_count=supply_count, lacking=lacking)


async def wait_for_documents(
    session: AsyncSession,
    piece: Work,
    placing: Placing,
    missing: Mapping[UUID, frozenset[str]],
    supply: Mapping[str, int],
) -> None:
    """Block each of these referrals until the person's open need for a missing document is met, if there is such a
    need.

    `missing`: the documents that the person lacks, by referral. A document that was issued a moment ago is not in the
    profile yet; the referral then rests until the profile comes, and its routing clock runs.
    """
    waiting = [referral for referral in placing.referrals if referral.referral_id in missing]
    if not waiting:
        return
    returnees = {referral.returnee_id for referral in waiting}
    found, waits = await queries.document_needs(session, returnees), await journeys.waits_of(session, returnees)
    for referral in waiting:
        yielding = kinds_yielding(piece.policy.taxonomy, missing[referral.referral_id])
        told = found.get(referral.returnee_id, [])
        prerequisite = prerequisite_among(told, yielding, piece.policy.taxonomy)
        if prerequisite is not None and not closes_circle(waits, referral.need_id, prerequisite):
            waits.setdefault(referral.need_id, set()).add(prerequisite)
            routing_steps.block(piece, referral, prerequisite)
        elif any(not one.is_open and one.kind in yielding for one in told):
            routing_steps.rest(piece, referral, supply_count=supply.get(referral.category, 0))
        else:
            asked = bool(placing.refused_by.get(referral.need_id))
            let_wait(piece, referral, Way.NOBODY, asked_before=asked, supply=supply)
