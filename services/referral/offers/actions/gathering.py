"""Writes answers that arrive at the same time in one transaction (decision 0034).

A transaction needs about twenty statements and a commit, whether it writes one answer or fifty. If no transaction is
running, an answer is written at once. Answers that arrive during a transaction wait for its end and share the next
one. A caller gets its response only after the commit.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Final

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from services.referral.access import EVERYTHING
from services.referral.offers import queries
from services.referral.offers.actions import answering
from services.referral.offers.actions.answering import GivenAnswer
from services.referral.offers.schemas import OfferView
from services.referral.pack.policy import RoutingPolicy

log = get_logger(__name__)

MOST: Final = 50
"""The maximum number of answers in one transaction. It holds all its locks until the last answer is written."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    given: GivenAnswer
    told: asyncio.Future[OfferView]


class Gathering:
    """Writes the answers of this process. Each caller waits only for its own answer."""

    def __init__(self, database: Database, policy: RoutingPolicy) -> None:
        self._database, self._policy = database, policy
        self._waiting: list[_Waiting] = []
        self._is_sharing = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, given: GivenAnswer) -> OfferView:
        """Write an answer and return the offer as it is afterwards. Raises a Refusal if the answer is not allowed.

        `_share` writes all waiting answers: `_write_together` calls `answering.answer_free`, which applies the effect
        of each answer (`answering._answer_one`), and gives each caller its own result.
        """
        waiting = _Waiting(given, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if not self._is_sharing:
            self._is_sharing = True
            self._start(self._share())
        return await waiting.told

    async def _share(self) -> None:
        """Write waiting answers until none is left. The transactions run one after another, because two at the same
        time would often need the same journeys."""
        try:
            while self._waiting:
                together, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._write_together([one for one in together if not one.told.done()])
        finally:
            self._is_sharing = False

    async def _write_together(self, together: Sequence[_Waiting]) -> None:
        if not together:
            return
        decided = False
        try:
            async with self._database.transaction() as session:
                refusals = await answering.answer_free(session, self._policy, [one.given for one in together])
                views = await queries.offers_by_id(session, EVERYTHING, [one.given.offer_id for one in together])
                decided = True
        except Exception as error:
            if decided:  # it may be committed; then a second attempt would refuse the answers as already given
                for one in together:
                    _tell(one.told, error)
                return
            log.warning("offers.answered_one_by_one", count=len(together), error_type=type(error).__name__)
            refusals = {}
        for nth, one in enumerate(together):
            if nth in refusals:
                _tell(one.told, refusals[nth] or views[one.given.offer_id])
            else:
                self._start(self._write_alone(one))

    async def _write_alone(self, waiting: _Waiting) -> None:
        """Write one answer in its own transaction, and wait if another transaction holds its journey."""
        try:
            async with self._database.transaction() as session:
                refusal = await answering.answer_alone(session, self._policy, waiting.given)
                views = await queries.offers_by_id(session, EVERYTHING, [waiting.given.offer_id])
        except Exception as error:
            _tell(waiting.told, error)
        else:
            _tell(waiting.told, refusal or views[waiting.given.offer_id])

    def _start(self, writing: Coroutine[Any, Any, None]) -> None:
        # An empty context, because the task serves many requests and belongs to none of their traces.
        task = asyncio.get_running_loop().create_task(writing, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _tell(told: asyncio.Future[OfferView], outcome: OfferView | Exception) -> None:
    """Give the result to the caller, unless the caller no longer waits."""
    if told.done():
        return
    if isinstance(outcome, Exception):
        told.set_exception(outcome)
    else:
        told.set_result(outcome)
