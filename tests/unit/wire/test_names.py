"""What a name is, and which spellings are the same name."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from libs.wire.names import APOSTROPHES, Name, comparable, name_readings, words, words_to_find

NAME = TypeAdapter(Name)
ALPHABET = st.characters(exclude_categories=["Cs"])


def found(stored: str, looked_for: str) -> bool:
    return any(reading <= words_to_find(stored) for reading in name_readings(looked_for))


def test_names_are_compared_without_case_accents_and_punctuation():
    assert words("María José", "Muñoz-Sacán") == {"maria", "jose", "munoz", "sacan"}
    assert words("  ") == frozenset()


@pytest.mark.parametrize("stored", [*APOSTROPHES, ""])
@pytest.mark.parametrize("looked_for", ["'", "\u02bc", "\ua78c", "\u2019", "`", "\u00b4", "\u02bb", "\uff07", ""])
def test_a_mayan_name_is_found_with_every_apostrophe_and_without_one(stored, looked_for):
    assert found(f"Tz{stored}utujil K{stored}iche{stored}", f"TZ{looked_for}UTUJIL K{looked_for}iche{looked_for}")


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_a_name_is_found_in_every_form_of_unicode(form):
    written = "Ángela Muñoz D\u2019Argüello \ufb01n"
    assert found(written, unicodedata.normalize(form, written))
    assert found(unicodedata.normalize(form, written), "angela MUNOZ argüello fin")


def test_what_nobody_sees_keeps_nobody_from_being_found():
    assert found("Ana\u200b Ma\u00adría", "\ufeffANA\u200e maria")


def test_another_name_is_another_name():
    assert not found("K'iche'", "Kich")
    assert not found("Ana Paz", "Anapaz")


@given(st.text(ALPHABET, max_size=60))
def test_the_form_of_comparing_is_a_form(text):
    assert comparable(comparable(text)) == comparable(text)
    assert found(text, text)


@given(st.text(ALPHABET, max_size=60))
def test_what_is_taken_as_a_name_shows_a_letter_and_is_taken_again_unchanged(text):
    try:
        name = NAME.validate_python(text)
    except ValidationError:
        return
    assert any(character.isalpha() for character in name)
    assert NAME.validate_python(name) == name


@pytest.mark.parametrize(
    ("told", "rule"),
    [
        ("\u200b", "visible_letter"),
        ("\u200b\u200d\ufeff", "visible_letter"),
        ("\u3164", "visible_letter"),
        ("\u02bc", "visible_letter"),
        ("\u0301", "visible_letter"),
        ("", "visible_letter"),
        (" \u00a0 ", "visible_letter"),
        ("...", "visible_letter"),
        ("12", "visible_letter"),
        ("Ana\0", "control_character"),
        ("A\x07na", "control_character"),
        ("Ana\nPaz", "control_character"),
        ("Ana\tPaz", "control_character"),
        ("Ana\u2028Paz", "control_character"),
        ("a" * 121, "string_too_long"),
        ("o\u0301" * 121, "string_too_long"),
        ("a" * 100_000, "string_too_long"),
        (5, "string_type"),
    ],
)
def test_what_is_no_name_is_refused(told, rule):
    with pytest.raises(ValidationError) as refused:
        NAME.validate_python(told)
    assert [error["type"] for error in refused.value.errors()] == [rule]


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("K\u02bciche\u02bc", "K\u02bciche\u02bc"),
        (" Ana \n", "Ana"),
        ("\u202eAna\u202c", "Ana"),
        ("o\u0301" * 120, "o\u0301" * 120),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("李", "李"),
    ],
)
def test_a_name_is_kept_as_it_is_written_without_what_nobody_sees(told, kept):
    assert NAME.validate_python(told) == kept
