"""Taking answers to offers, many in one transaction. An answer that is refused leaves no trace on the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from opentelemetry import trace
from opentelemetry.trace import Span
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.errors import NotFound, Refusal
from libs.events.codes import DeclineReason
from services.referral.journeys import offer_steps, referral_steps
from services.referral.journeys import queries as journeys
from services.referral.journeys.access import Rights
from services.referral.journeys.actions import work
from services.referral.journeys.facts import Offer
from services.referral.journeys.work import Work
from services.referral.offers import queries
from services.referral.pack import RoutingPolicy

Step = Callable[[Work, Offer], None]
"""What an answer does; raises a Refusal where it may not be given."""

accept: Step = referral_steps.accept_offer
acknowledge: Step = offer_steps.acknowledge


def decline(reason: DeclineReason, note: str | None) -> Step:
    """The step of a provider that says no for this reason."""
    return partial(referral_steps.decline_offer, reason=reason, note=note)


@dataclass(frozen=True, slots=True)
class Said:
    """An answer to one offer, as it was given."""

    offer_id: UUID
    step: Step
    rights: Rights
    """What the one who answers may see; any other offer doesn't exist for it."""
    actor: str
    request: Span = field(default_factory=trace.get_current_span)
    """The span of the request that brought it."""


async def take_waiting(session: AsyncSession, policy: RoutingPolicy, said: Sequence[Said]) -> list[Refusal | None]:
    """Take each answer that may be taken, waiting for whoever holds its journey; why not, for each that may not."""
    returnees = await queries.returnees_of(session, [(one.offer_id, one.rights) for one in said])
    concerned = {one for one in returnees if one is not None}
    await journeys.lock(session, concerned)
    return await _take(session, policy, list(zip(said, returnees, strict=True)), concerned)


async def take_alone(session: AsyncSession, policy: RoutingPolicy, said: Said) -> UUID:
    """Take one answer, waiting for whoever holds its journey; its offer. Raises the Refusal where it may not be."""
    (refusal,) = await take_waiting(session, policy, [said])
    if refusal is not None:
        raise refusal
    return said.offer_id


async def take_free(
    session: AsyncSession, policy: RoutingPolicy, said: Sequence[Said]
) -> tuple[dict[int, Refusal | None], list[int]]:
    """As `take_waiting`, by position; last the positions of those whose journey somebody holds, who are left alone."""
    returnees = await queries.returnees_of(session, [(one.offer_id, one.rights) for one in said])
    claimed = await journeys.claim(session, {one for one in returnees if one is not None})
    mine = [nth for nth, one in enumerate(returnees) if one is None or one in claimed]
    refusals = await _take(session, policy, [(said[nth], returnees[nth]) for nth in mine], claimed)
    return dict(zip(mine, refusals, strict=True)), sorted(set(range(len(said))) - set(mine))


async def _take(
    session: AsyncSession, policy: RoutingPolicy, said: Sequence[tuple[Said, UUID | None]], locked: set[UUID]
) -> list[Refusal | None]:
    loaded = await journeys.load(session, locked)
    async with work(session, policy, loaded, actor="provider") as piece:
        return [_take_one(piece, one, returnee_id) for one, returnee_id in said]


def _take_one(piece: Work, said: Said, returnee_id: UUID | None) -> Refusal | None:
    """Take the answer, unless its rehearsal is refused: a step that stops half-way must leave nothing behind."""
    if returnee_id is None:
        return NotFound("There is no such offer")
    try:
        rehearsed = piece.rehearsal(returnee_id)
        said.step(rehearsed, rehearsed.journeys[returnee_id].offers[said.offer_id])
    except Refusal as refusal:
        return refusal
    with piece.acting_as(said.actor), trace.use_span(said.request):
        said.step(piece, piece.journeys[returnee_id].offers[said.offer_id])
    return None
