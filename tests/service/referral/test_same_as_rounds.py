"""A person who is placed at once is placed as the next round would have placed them, and nobody else notices.

Each history was seen to differ without the guards that its docstring names.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from libs.events.codes import DeclineReason
from tests.service.referral.conftest import NewWorld
from tests.service.referral.twins import SETTING, History, Twin, twin

OPERATIONS = ["arrival"] * 8 + ["telling"] * 2 + ["answer"] * 4 + ["declaration", "time"]


async def happen(history: History, twins: list[Twin]) -> str:
    """One thing, drawn once, happens in both worlds. Rounds follow each arrival, so that others may be ready before."""
    what = history.source.choice(OPERATIONS) if history.people else "arrival"
    if what in ("arrival", "telling"):
        events = history.arrival(twins[0].providers) if what == "arrival" else history.telling()
        for one in twins:
            before = await one.offers()
            await one.gate.tells(*events)
            one.at_once += await one.offers() - before
    elif what == "answer":
        await _answer(history, twins)
    elif what == "declaration":
        nth, places = history.source.randrange(len(twins[0].providers)), history.source.choice([0, 1, 4, 9])
        for one in twins:
            await one.world.declare(one.providers[nth], places, as_of=await one.world.database_now())
    else:
        minutes = history.source.choice([11, 31, 61])
        for one in twins:
            await one.world.pass_time(minutes=minutes)
    for one in twins:
        if what in ("arrival", "telling"):
            await one.rounds()
        await one.refresh()
    return what


async def _answer(history: History, twins: list[Twin]) -> None:
    needs = [row["need_id"] for row in await twins[0].world.rows("SELECT need_id FROM offer WHERE status = 'pending'")]
    if not needs:
        return
    need = history.source.choice(sorted(needs))
    body: dict[str, Any] | None = None
    if history.source.random() < 0.5:
        body = {"reason": history.source.choice([one.value for one in DeclineReason]), "note": "not now"}
    answers = []
    for one in twins:
        row = await one.world.row("SELECT offer_id FROM offer WHERE need_id = $1 AND status = 'pending'", need)
        path = f"offers/{row['offer_id']}/{'accept' if body is None else 'decline'}"
        answers.append((await one.world.step(path, body)).status_code)
    assert answers[0] == answers[1]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(4))
async def test_the_same_history_with_and_without_offers_at_once_places_everybody_alike(
    new_world: NewWorld, seed: int
) -> None:
    history = History(Random(seed))
    async with new_world(**SETTING) as one, new_world(**SETTING) as other:
        provided = history.some_providers()
        twins = [await twin(one, provided, leads=True), await twin(other, provided, leads=False)]
        for nth in range(36):
            what = await happen(history, twins)
            first, second = [await each.state() for each in twins]
            for name, rows in first.items():
                assert rows == second[name], (seed, nth, what, name)
        assert await one.promises() == {} == await other.promises()
        assert twins[0].at_once >= 5
        assert twins[1].at_once == 0
