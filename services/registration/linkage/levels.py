"""How much a field of two records agrees, as a level from `exact` to `different`."""

from enum import StrEnum
from functools import lru_cache

from rapidfuzz.distance import OSA, JaroWinkler

from services.registration.linkage.nicknames import given_roots
from services.registration.linkage.sounds import sound


class Field(StrEnum):
    """A field that is compared. Every word of the family names is compared for itself."""

    GIVEN = "given_names"
    FAMILY = "family_names"
    ORDER = "name_order"
    BIRTH_DATE = "birth_date"
    BIRTH_YEAR = "birth_year"
    SEX = "sex"
    DOCUMENT = "document_number"
    PHONE = "phone"
    MUNICIPALITY = "municipality"
    STREET_NUMBER = "street_number"
    ADDRESS_1 = "address_1"
    ADDRESS_2 = "address_2"
    SUBURB = "suburb"
    POSTCODE = "postcode"
    STATE = "state"


class Level(StrEnum):
    """How much it agrees."""

    EXACT = "exact"
    SOUND = "sound"
    """The same sound, or a short form of the other name."""
    CLOSE = "close"
    """One or two letters or digits differ."""
    PART = "part"
    """All that one record says, but the other says more."""
    SECOND = "second"
    """The same, but the first given name of the other is missing."""
    INITIAL = "initial"
    SIMILAR = "similar"
    SWAPPED = "swapped"
    """Day and month, or two fields, have changed places."""
    TWO_PARTS = "two_parts"
    """Two of year, month and day."""
    YEAR = "year"
    NEAR = "near"
    DIFFERENT = "different"
    STRAIGHT = "straight"
    TRANSPOSED = "transposed"


RANK = {Level.EXACT: 4, Level.SOUND: 3, Level.CLOSE: 2, Level.SIMILAR: 1, Level.INITIAL: 1, Level.DIFFERENT: 0}
"""Which level of a word is better."""
_CLOSE_TO = 0.92
_SIMILAR_TO = 0.8
_SHORT = 4
_LONG = 8


@lru_cache(maxsize=400_000)
def word_level(one: str, other: str) -> Level:
    """The level of two words of a name."""
    if one == other:
        return Level.EXACT
    if len(one) == 1 or len(other) == 1:
        return Level.INITIAL if one[:1] == other[:1] else Level.DIFFERENT
    if sound(one) == sound(other):
        return Level.SOUND
    shorter, longer = sorted((len(one), len(other)))
    edits = OSA.distance(one, other, score_cutoff=2)
    alike = JaroWinkler.similarity(one, other)
    if (shorter >= _SHORT and edits <= 1) or (longer >= _LONG and edits <= 2) or (alike >= _CLOSE_TO and shorter > 2):
        return Level.CLOSE
    return Level.SIMILAR if alike >= _SIMILAR_TO else Level.DIFFERENT


@lru_cache(maxsize=400_000)
def given_word_level(one: str, other: str) -> Level:
    """The level of two given names. A short form counts as the same sound."""
    level = word_level(one, other)
    if level in (Level.EXACT, Level.SOUND) or given_roots(one).isdisjoint(given_roots(other)):
        return level
    return Level.SOUND


def is_one_edit(one: str, other: str) -> bool:
    """Whether one letter, or one blank at another place, makes the difference of two long texts."""
    return min(len(one), len(other)) > _SHORT and OSA.distance(one, other, score_cutoff=1) <= 1


def digits_level(one: str, other: str) -> Level:
    """The level of two numbers."""
    if one == other:
        return Level.EXACT
    return Level.CLOSE if OSA.distance(one, other, score_cutoff=1) <= 1 and min(len(one), len(other)) > 2 else _NO


_NO = Level.DIFFERENT


@lru_cache(maxsize=400_000)
def text_level(one: str, other: str) -> Level:
    """The level of two lines of an address."""
    if one == other:
        return Level.EXACT
    edits = OSA.distance(one, other, score_cutoff=3)
    if edits <= 1 + (max(len(one), len(other)) >= _LONG) or sorted(one.split()) == sorted(other.split()):
        return Level.CLOSE
    if JaroWinkler.similarity(one, other) >= 0.88 or _share_a_word(one, other):
        return Level.SIMILAR
    return Level.DIFFERENT


def _share_a_word(one: str, other: str) -> bool:
    return not {word for word in one.split() if len(word) >= _SHORT}.isdisjoint(other.split())


def date_level(digits: str, other_digits: str) -> Level:
    """The level of two dates of eight digits, which may be no days of the calendar."""
    if digits == other_digits:
        return Level.EXACT
    if digits[:4] == other_digits[:4] and digits[4:6] == other_digits[6:] and digits[6:] == other_digits[4:6]:
        return Level.SWAPPED
    edits = OSA.distance(digits, other_digits, score_cutoff=2)
    if edits <= 1:
        return Level.CLOSE
    same = [digits[start:end] == other_digits[start:end] for start, end in ((0, 4), (4, 6), (6, 8))]
    if sum(same) > 1:
        return Level.TWO_PARTS
    if edits <= 2:
        return Level.SIMILAR
    return Level.YEAR if same[0] else Level.DIFFERENT


def year_level(one: int, other: int) -> Level:
    """The level of two years of birth, of which one may be an estimate."""
    apart = abs(one - other)
    return Level.EXACT if apart == 0 else Level.CLOSE if apart <= 2 else Level.NEAR if apart <= 5 else Level.DIFFERENT
