"""Times of the pages, in words of each language."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.console.moments import Moments
from services.console.words import all_words

NOW = datetime(2026, 3, 2, 20, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def _moments(language: str) -> Moments:
    return Moments(NOW, ZoneInfo("America/Guatemala"), all_words()[language])


@pytest.mark.parametrize(
    ("language", "clocks", "day", "spans", "left", "late"),
    [
        (
            "es",
            ["14:30", "1 mar 14:30", "25 dic 2025 14:30"],
            "25 de diciembre de 2025",
            ["45 segundos", "12 minutos", "3 horas", "2 días"],
            "quedan 12 minutos",
            "3 horas de atraso",
        ),
        (
            "en",
            ["14:30", "1 Mar 14:30", "25 Dec 2025 14:30"],
            "December 25, 2025",
            ["45 seconds", "12 minutes", "3 hours", "2 days"],
            "12 minutes left",
            "3 hours late",
        ),
    ],
)
def test_times_are_said_in_the_language_and_the_zone_of_the_pack(
    language: str, clocks: list[str], day: str, spans: list[str], left: str, late: str
):
    moments = _moments(language)
    told = [NOW, NOW - DAY, datetime(2025, 12, 25, 20, 30, tzinfo=UTC)]
    assert [moments.clock(one.isoformat()) for one in told] == clocks
    assert moments.day("2025-12-25") == day
    assert [moments.span(seconds) for seconds in (45, 720, 10800, 172800)] == spans
    assert moments.age(NOW - timedelta(seconds=720)) == spans[1]
    assert left in moments.left(NOW + timedelta(seconds=720))
    assert late in moments.left(NOW - timedelta(seconds=10800))
