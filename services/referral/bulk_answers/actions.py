"""Taking many answers in one transaction. An answer that is refused leaves no trace on the others."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import raw
from libs.chassis.errors import NotFound, Refusal
from libs.chassis.idempotency import RETENTION
from libs.chassis.problems import problem_document
from services.referral.bulk_answers import queries
from services.referral.bulk_answers.schemas import Acceptance, Acknowledgement, Answer
from services.referral.database import as_json
from services.referral.journeys import offer_steps, referral_steps
from services.referral.journeys import queries as journeys
from services.referral.journeys.access import Rights
from services.referral.journeys.actions import work
from services.referral.journeys.work import Work
from services.referral.pack import RoutingPolicy

_KEEP = """
INSERT INTO bulk_answer (call_id, nth, offer_id, status, problem, kept_until)
SELECT $1, nth, offer_id, status, problem::jsonb, statement_timestamp() + $6
FROM unnest($2::int[], $3::uuid[], $4::int[], $5::text[]) AS given(nth, offer_id, status, problem)
"""
# As many at the most as a few calls leave behind, so that no call pays for many others.
_FORGET = """
DELETE FROM bulk_answer WHERE (call_id, nth) IN (
    SELECT call_id, nth FROM bulk_answer WHERE kept_until <= statement_timestamp()
    ORDER BY kept_until LIMIT 500 FOR UPDATE SKIP LOCKED)
"""


async def answer_offers(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, answers: Sequence[Answer], *, actor: str
) -> UUID:
    """Take each answer that may be taken, and keep what became of each; returns the id of the call."""
    returnees = await queries.returnees_of(session, rights, [one.offer_id for one in answers])
    journey_ids = set(returnees.values())
    await journeys.lock(session, journey_ids)
    loaded = await journeys.load(session, journey_ids)
    refusals: list[Refusal | None] = []
    async with work(session, policy, loaded, actor=actor) as piece:
        for one in answers:
            returnee_id = returnees.get(one.offer_id)
            refusals.append(_NO_SUCH_OFFER if returnee_id is None else _take(piece, returnee_id, one))
    return await _keep(session, answers, refusals)


_NO_SUCH_OFFER = NotFound("There is no such offer")


def _take(piece: Work, returnee_id: UUID, answer: Answer) -> Refusal | None:
    """Take the answer, unless its rehearsal is refused: a step that stops half-way must leave nothing behind."""
    try:
        _step(piece.rehearsal(returnee_id), returnee_id, answer)
    except Refusal as refusal:
        return refusal
    _step(piece, returnee_id, answer)
    return None


def _step(piece: Work, returnee_id: UUID, answer: Answer) -> None:
    offer = piece.journeys[returnee_id].offers[answer.offer_id]
    if isinstance(answer, Acceptance):
        referral_steps.accept_offer(piece, offer)
    elif isinstance(answer, Acknowledgement):
        offer_steps.acknowledge(piece, offer)
    else:
        referral_steps.decline_offer(piece, offer, reason=answer.reason, note=answer.note)


async def _keep(session: AsyncSession, answers: Sequence[Answer], refusals: Sequence[Refusal | None]) -> UUID:
    call_id = uuid7()
    connection = await raw(session)
    await connection.execute(
        _KEEP,
        call_id,
        list(range(len(answers))),
        [one.offer_id for one in answers],
        [200 if refusal is None else refusal.status for refusal in refusals],
        [None if refusal is None else as_json(problem_document(refusal)) for refusal in refusals],
        RETENTION,
    )
    await connection.execute(_FORGET)
    return call_id
