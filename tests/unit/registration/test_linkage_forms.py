"""The comparable forms of records, and their blocking keys."""

from dataclasses import fields, replace
from datetime import date

import pytest

from services.registration.linkage.blocking import keys
from services.registration.linkage.forms import form_of, words_of
from services.registration.linkage.levels import Level, date_level, given_word_level, word_level
from services.registration.linkage.nicknames import given_roots
from services.registration.linkage.records import Record
from services.registration.linkage.sounds import sound
from tests.unit.registration.guatemalans import people

PERSON = Record(
    given_names="José Luis",
    family_names="Tzoc de León",
    birth_date=date(1985, 3, 12),
    sex="male",
    document_number="2545 12345 0101",
    phone="+502 5512-3456",
    municipality="GT0101",
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("vasquez", "bazques"), ("yac", "llac"), ("hernandez", "ernandes"), ("quej", "kej"), ("gimenez", "jimenes"),
        ("xicay", "shicay"), ("xicay", "jicay"), ("tzoc", "tsok"), ("warchaj", "guarchaj"), ("huarchaj", "guarchaj"),
        ("caal", "cal"), ("choc", "chok"), ("ximena", "jimena"), ("philip", "filip"),
    ],
)  # fmt: skip
def test_spellings_of_one_sound_are_one(one: str, other: str):
    assert sound(one) == sound(other)
    assert word_level(one, other) in (Level.SOUND, Level.CLOSE)


@pytest.mark.parametrize(("one", "other"), [("lopez", "perez"), ("choc", "coc"), ("tzul", "tzoc"), ("pop", "coc")])
def test_other_names_sound_different(one: str, other: str):
    assert sound(one) != sound(other)


def test_a_name_is_folded_loses_its_particles_and_keeps_the_glottal_stop_inside_one_word():
    assert words_of("María del Carmen de la Cruz y Peña") == ("maria", "carmen", "cruz", "pena")
    assert words_of("K’iche’ Tz'unun") == ("kiche", "tzunun")
    assert words_of("De la") == ("de", "la")


@pytest.mark.parametrize(
    ("short", "name"),
    [("pepe", "jose"), ("chepe", "jose"), ("paco", "francisco"), ("lupe", "guadalupe"), ("chayo", "rosario"),
     ("meme", "manuel"), ("beto", "roberto"), ("beto", "humberto"), ("tono", "antonio")],
)  # fmt: skip
def test_a_short_form_stands_for_its_names(short: str, name: str):
    assert name in given_roots(short)
    assert given_word_level(short, name) is Level.SOUND


@pytest.mark.parametrize(
    ("other", "level"),
    [
        ("19850312", Level.EXACT), ("19851203", Level.SWAPPED), ("19850313", Level.CLOSE), ("19850321", Level.CLOSE),
        ("19890312", Level.CLOSE), ("19850325", Level.TWO_PARTS), ("19981122", Level.DIFFERENT),
        ("19851122", Level.YEAR),
    ],
)  # fmt: skip
def test_dates_agree_by_their_parts(other: str, level: Level):
    assert date_level("19850312", other) is level
    assert date_level(other, "19850312") is level


def test_a_date_that_is_no_day_keeps_its_digits_and_its_year():
    form = form_of(Record(birth_text="19450231"))
    assert (form.day, form.year, form.date_digits) == (None, 1945, "19450231")


def test_numbers_are_compared_without_marks_and_without_the_code_of_the_country():
    form = form_of(PERSON)
    assert (form.phone, form.document) == ("55123456", "2545123450101")


def test_a_record_has_at_most_sixteen_keys_and_an_empty_one_none():
    assert max(len(keys(record)) for record in people(1, 500).records) <= 16
    assert len(keys(PERSON)) <= 16
    assert keys(Record()) == frozenset()


@pytest.mark.parametrize("field", [field.name for field in fields(Record) if getattr(PERSON, field.name) is not None])
def test_a_record_is_found_when_any_one_field_is_missing_or_wrong(field: str):
    wrong = {
        "given_names": "Petrona", "family_names": "Zapeta Ochoa", "birth_date": date(1961, 8, 30), "sex": "female",
        "document_number": "1111222233333", "phone": "33334444", "municipality": "GT2207",
    }[field]  # fmt: skip
    for other in (replace(PERSON, **{field: None}), replace(PERSON, **{field: wrong})):
        bare = replace(other, document_number=None, phone=None)
        assert keys(PERSON) & keys(bare), field


@pytest.mark.parametrize(
    "other",
    [
        replace(PERSON, family_names="de León Tzoc"), replace(PERSON, family_names="León"),
        replace(PERSON, given_names="Chepe"), replace(PERSON, birth_date=date(1985, 12, 3)),
        replace(PERSON, given_names="Tsoc León", family_names="Jose Luis"), replace(PERSON, given_names="Luis"),
        replace(PERSON, birth_date=None, birth_year=1985),
    ],
)  # fmt: skip
def test_a_record_is_found_by_its_names_and_date_alone_with_a_usual_error(other: Record):
    alone = {"document_number": None, "phone": None, "municipality": None, "sex": None}
    assert keys(replace(PERSON, **alone)) & keys(replace(other, **alone))
