"""Takes many answers in one call and stores the result of each, for a repeated call."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import own_work, raw
from libs.chassis.errors import Refusal
from libs.chassis.idempotency import RETENTION
from libs.chassis.problems import problem_document
from services.referral.access import Rights
from services.referral.bulk_answers.schemas import Acceptance, Acknowledgement, Answer
from services.referral.database import as_json
from services.referral.offers.actions import answering
from services.referral.pack.policy import RoutingPolicy

_KEEP = """
INSERT INTO bulk_answer (call_id, nth, offer_id, status, problem, kept_until, organization_id)
SELECT $1, nth, offer_id, status, problem::jsonb, statement_timestamp() + $6, $7
FROM unnest($2::int[], $3::uuid[], $4::int[], $5::text[]) AS given(nth, offer_id, status, problem)
"""
# The limit is the number of rows that five full calls store, so that one call does not delete the results of many.
_FORGET = """
DELETE FROM bulk_answer WHERE (call_id, nth) IN (
    SELECT call_id, nth FROM bulk_answer WHERE kept_until <= statement_timestamp()
    ORDER BY kept_until LIMIT 500 FOR UPDATE SKIP LOCKED)
"""


async def answer_offers(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, answers: Sequence[Answer], *, actor: str
) -> UUID:
    """Take all answers that are allowed, and store the result of each. Returns the id of the call."""
    given = [answering.GivenAnswer(one.offer_id, _effect(one), rights, actor) for one in answers]
    return await _keep(session, rights, answers, await answering.answer_waiting(session, policy, given))


def _effect(answer: Answer) -> answering.Effect:
    if isinstance(answer, Acceptance):
        return answering.accept
    if isinstance(answer, Acknowledgement):
        return answering.acknowledge
    return answering.decline(answer.reason, answer.note)


async def _keep(
    session: AsyncSession, rights: Rights, answers: Sequence[Answer], refusals: Sequence[Refusal | None]
) -> UUID:
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
        rights.organization_id,
    )
    async with own_work(session):  # deletes rows of all organisations
        await connection.execute(_FORGET)
    return call_id
