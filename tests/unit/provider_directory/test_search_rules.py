from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.provider_directory.search import rules


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("casa migrante", "'casa':* & 'migrante':*"),
        ("  ¿Niñez?  ", "'Niñez':*"),
        ("a&b | !c", "'a':* & 'b':* & 'c':*"),
        ("72h_albergue", "'72h':* & 'albergue':*"),
        ("'; drop", "'drop':*"),
        ("% _ \\", None),
        ("", None),
    ],
)
def test_a_text_is_its_words_and_each_may_be_a_beginning(text, query):
    assert rules.word_query(text) == query


@given(st.text(max_size=200))
def test_no_text_can_leave_its_quotes(text):
    query = rules.word_query(text)
    if query is not None:
        for word in query.split(" & "):
            assert word.startswith("'")
            assert word.endswith("':*")
            assert word[1:-3].isalnum() or all(letter.isalnum() for letter in word[1:-3])


def test_a_moment_is_told_by_the_clocks_of_each_zone():
    at = datetime(2026, 1, 5, 3, 30, tzinfo=UTC)
    guatemala, utc = rules.local_moments(["America/Guatemala", "UTC"], at=at, now=at)
    assert (guatemala.weekday, guatemala.minute, guatemala.today) == (7, 21 * 60 + 30, date(2026, 1, 4))
    assert (utc.weekday, utc.minute, utc.today) == (1, 3 * 60 + 30, date(2026, 1, 5))
