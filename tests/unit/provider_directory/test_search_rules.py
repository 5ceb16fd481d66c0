from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.provider_directory.search import rules


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("casa migrante", [["casa", "migrante"]]),
        ("  ¿Niñez?  ", [["Niñez"]]),
        ("a&b | !c", [["a", "b", "c"]]),
        ("72h_albergue", [["72h", "albergue"]]),
        ("'; drop", [["drop"]]),
        ("K\u02bciche\u02bc", [["K", "iche"], ["Kiche"]]),
        ("casa casa", [["casa"]]),
        ("% _ \\", []),
        ("", []),
    ],
)
def test_a_text_is_its_words_with_its_apostrophes_and_without(text, readings):
    assert rules.readings(text) == readings


@given(st.text(max_size=200))
def test_no_text_can_leave_its_quotes(text):
    for word in (word for reading in rules.readings(text) for word in reading):
        assert rules.word_query(word) == f"'{word}':*"
        assert all(letter.isalnum() for letter in word)


def test_a_place_is_called_by_the_beginning_of_each_word_of_its_name():
    names = {"GT12": "San Marcos", "GT13": "Huehuetenango", "GT14": "Quiché", "GT06": "Santa Rosa"}
    assert rules.places_called("HUEHUE", names) == ["GT13"]
    assert rules.places_called("quiche", names) == ["GT14"]
    assert rules.places_called("san", names) == ["GT06", "GT12"]
    assert rules.places_called("marcos", names) == ["GT12"]
    assert rules.places_called("tenango", names) == []


def test_a_moment_is_told_by_the_clocks_of_each_zone():
    at = datetime(2026, 1, 5, 3, 30, tzinfo=UTC)
    guatemala, utc = rules.local_moments(["America/Guatemala", "UTC"], at=at, now=at)
    assert (guatemala.weekday, guatemala.minute, guatemala.today) == (7, 21 * 60 + 30, date(2026, 1, 4))
    assert (utc.weekday, utc.minute, utc.today) == (1, 3 * 60 + 30, date(2026, 1, 5))
