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
