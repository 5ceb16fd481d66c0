"""Metrics of offers: who reads them must not learn that restricted needs exist, not even how many (domain P7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from libs.events.codes import Urgency
from services.referral.journeys.actions import spans
from services.referral.lifecycles.rules import OfferStatus

MADE = datetime(2026, 3, 2, 14, tzinfo=UTC)


class Recorded:
    """An instrument that keeps what it is told."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def record(self, _: float, attributes: dict[str, Any]) -> None:
        self.seen.append(attributes)


def offer(category: str, *, restricted: bool) -> Any:
    return SimpleNamespace(
        category=category, restricted=restricted, urgency=Urgency.URGENT, status=OfferStatus.ACCEPTED,
        made_at=MADE, ended_at=MADE + timedelta(minutes=5),
    )  # fmt: skip


def test_restricted_offers_are_counted_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to fail without `restricted` in `count_offers` and without it in `count_ends`."""
    made, ended = Recorded(), Recorded()
    monkeypatch.setattr(spans, "_TO_OFFER", made)
    monkeypatch.setattr(spans, "_TO_ANSWER", ended)
    offers = [offer("shelter", restricted=False), offer("gbv", restricted=True)]
    spans.count_offers((one, SimpleNamespace(waiting_since=MADE)) for one in offers)  # type: ignore[misc]
    spans.count_ends(offers)
    assert [one["enlace.category"] for one in made.seen] == ["shelter"]
    assert [one["enlace.category"] for one in ended.seen] == ["shelter"]
