"""Writes answers that arrive at the same time in one transaction (decision 0034)."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import Database
from libs.chassis.gathering import Gathering
from services.referral.access import EVERYTHING
from services.referral.offers import queries
from services.referral.offers.actions import answering
from services.referral.offers.actions.answering import GivenAnswer
from services.referral.offers.schemas import OfferView
from services.referral.pack.policy import RoutingPolicy

MOST: Final = 50
"""The maximum number of answers in one transaction. It holds all its locks until the last answer is written."""
Answers = Gathering[GivenAnswer, OfferView]


def answers_of(database: Database, policy: RoutingPolicy) -> Answers:
    """What writes the answers of this process: it returns the offer as it is afterwards.

    The transactions run one after another, because two at the same time would often need the same journeys.
    `answering.answer_free` applies the effect of each answer (`answering._answer_one`).
    """

    def begin(_: Sequence[GivenAnswer]) -> AbstractAsyncContextManager[AsyncSession]:
        return database.transaction()

    async def write(session: AsyncSession, given: Sequence[GivenAnswer]) -> list[OfferView | Exception | None]:
        refusals = await answering.answer_free(session, policy, given)
        views = await queries.offers_by_id(session, EVERYTHING, [one.offer_id for one in given])
        return [None if nth not in refusals else refusals[nth] or views[one.offer_id] for nth, one in enumerate(given)]

    async def alone(session: AsyncSession, given: GivenAnswer) -> OfferView | Exception:
        """Write one answer, and wait if another transaction holds its journey."""
        refusal = await answering.answer_alone(session, policy, given)
        views = await queries.offers_by_id(session, EVERYTHING, [given.offer_id])
        return refusal or views[given.offer_id]

    return Gathering(begin=begin, write=write, alone=alone, most=MOST)
