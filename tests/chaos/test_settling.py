"""What the evidence is read from is one state, in which nothing is on its way."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from tests.chaos import settling
from tests.chaos.evidence import Evidence


async def test_a_commit_that_ends_after_its_service_was_stopped_has_all_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such an event is in the outbox when it is read, and on no topic. Seen to fail without the second look."""
    looks = iter(([], ["1 events in the outbox of referral"], [], []))
    stage: Any = SimpleNamespace(heal=lambda: None, receivers=SimpleNamespace(fail_share=1.0))
    load: Any = SimpleNamespace(partners=SimpleNamespace(is_closing=False))
    read: list[Evidence] = []

    async def nothing(*_: object) -> list[str]:
        return []

    async def look(_: object) -> list[str]:
        return next(looks)

    async def take() -> Evidence:
        read.append(Evidence())
        return read[-1]

    monkeypatch.setattr(settling, "standing_still", lambda _: nullcontext())
    monkeypatch.setattr(settling, "_on_its_way", nothing)
    monkeypatch.setattr(settling, "looked_at", look)
    monkeypatch.setattr(settling, "LOOK_SECONDS", 0.0)
    evidence, unsettled = await settling.at_rest(stage, load, patience_s=60, say=print, read=take)
    assert len(read) == 2
    assert evidence is read[1]
    assert unsettled == []


async def test_what_happens_while_a_webhook_waits_gets_time_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience is over when the webhook is done, and an event of a clock is on its way. Seen to fail without the
    quarter of the patience: the run had not come to rest."""
    at = 0.0
    on_its_way = iter((["1 webhooks on their way"], ["1 events in the outbox of referral"], []))
    stage: Any = SimpleNamespace(heal=lambda: None, receivers=SimpleNamespace(fail_share=1.0))
    load: Any = SimpleNamespace(partners=SimpleNamespace(is_closing=False))

    async def look(*_: object) -> list[str]:
        nonlocal at
        at += 59
        return next(on_its_way)

    async def nothing(*_: object) -> list[str]:
        return []

    async def no_wait(_: object) -> float:
        return 0.0

    async def take() -> Evidence:
        return Evidence()

    monkeypatch.setattr(settling, "standing_still", lambda _: nullcontext())
    monkeypatch.setattr(settling, "_on_its_way", look)
    monkeypatch.setattr(settling, "looked_at", nothing)
    monkeypatch.setattr(settling, "retries_wait", no_wait)
    monkeypatch.setattr(settling, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(settling.asyncio, "get_running_loop", lambda: SimpleNamespace(time=lambda: at))
    _, unsettled = await settling.at_rest(stage, load, patience_s=100, say=print, read=take)
    assert unsettled == []
