"""Reads the results of a call with many answers."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from services.referral.access import Rights
from services.referral.bulk_answers.schemas import AnswersView, ResultView
from services.referral.offers import queries as offers

_RESULTS = "SELECT offer_id, status, problem FROM bulk_answer WHERE call_id = $1 ORDER BY nth"


async def answers_view(session: AsyncSession, rights: Rights, call_id: UUID) -> AnswersView:
    """The results of the call, with the offers in their present state."""
    rows = await (await raw(session)).fetch(_RESULTS, call_id)
    taken = [row["offer_id"] for row in rows if row["problem"] is None]
    views = await offers.offers_by_id(session, rights, taken)
    results = [
        ResultView(
            offer_id=row["offer_id"],
            status=row["status"],
            offer=views.get(row["offer_id"]) if row["problem"] is None else None,
            problem=row["problem"],
        )
        for row in rows
    ]
    return AnswersView(taken_count=len(taken), refused_count=len(rows) - len(taken), results=results)
