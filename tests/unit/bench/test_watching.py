"""Which moment counts as the last offer of a person who arrives alone."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from bench.watching import OFFER_MADE, Offers


@dataclass
class Log:
    """What a consumer reads, one fetch after the other."""

    fetches: list[list[Any]] = field(default_factory=list)

    async def getmany(self, timeout_ms: int) -> dict[str, list[Any]]:
        return {"one partition": self.fetches.pop(0)}


@dataclass
class Record:
    key: bytes
    timestamp: int
    kind: str = OFFER_MADE

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        return [("ce_type", self.kind.encode())]


async def last_offer(*fetches: list[Record]) -> datetime:
    return await Offers(Log(list(fetches))).of_next_person()  # type: ignore[arg-type]


async def test_the_last_of_the_three_offers_counts_in_whatever_order_they_are_read():
    """Seen to fail when the offer that was read last counted, and when every event counted as an offer."""
    opened = Record(b"ana", 9_000, kind="referral.opened.v1")
    at = await last_offer([opened, Record(b"ana", 2_000)], [Record(b"ana", 3_500), Record(b"ana", 1_000)])
    assert at == datetime.fromtimestamp(3.5, UTC)


async def test_a_person_who_was_not_alone_has_no_figure():
    """Seen to fail without the check: the offers of two people gave one time."""
    with pytest.raises(ValueError, match="was not"):
        await last_offer([Record(b"ana", 1), Record(b"ana", 2), Record(b"luz", 3)])
    with pytest.raises(ValueError, match="was not"):
        await last_offer([Record(b"ana", 1), Record(b"ana", 2), Record(b"ana", 3), Record(b"ana", 4)])
