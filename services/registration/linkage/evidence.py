"""What two forms say about each other: a level for each field that both records have."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import permutations

from services.registration.linkage.forms import Form
from services.registration.linkage.levels import (
    RANK,
    Field,
    Level,
    date_level,
    digits_level,
    given_word_level,
    is_one_edit,
    text_level,
    word_level,
    year_level,
)

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sign:
    """One field agrees at a level. `words` are what the agreement rests on: common ones say little."""

    field: Field
    level: Level
    words: Names = ()
    ways: int = 1
    """In how many ways the words could have agreed, as surnames in either order."""


class Guard(StrEnum):
    """Why two records are not called the same."""

    OTHER_GIVEN_NAMES = "guard.other_given_names"
    """Twins and other siblings."""
    GENERATION_APART = "guard.generation_apart"
    """Parent and child of one name."""
    OTHER_SEX = "guard.other_sex"
    """A brother and a sister with similar names, such as Mario and María."""
    OTHER_DATE = "guard.other_date"
    """Siblings and cousins who share given names."""
    NO_DATE = "guard.no_date"
    """Parent and child of one name, if a birth date is not known."""
    NOT_BORN_TOGETHER = "guard.other_given_names_and_date"
    """Siblings."""


def signs(a: Form, b: Form) -> list[Sign]:
    """All signs, the names first. The order of the two forms makes no difference."""
    if (b.given, b.family) < (a.given, a.family):  # words that agree equally well are chosen in one order
        a, b = b, a
    found = name_signs(a, b)
    found += _date_signs(a, b)
    if a.sex and b.sex:
        found.append(Sign(Field.SEX, Level.EXACT if a.sex == b.sex else Level.DIFFERENT))
    if a.document and b.document:
        found.append(Sign(Field.DOCUMENT, digits_level(a.document, b.document)))
    if a.phone and b.phone:
        found.append(Sign(Field.PHONE, digits_level(a.phone, b.phone)))
    if a.municipality and b.municipality:
        found.append(_text(Field.MUNICIPALITY, a.municipality, b.municipality))
    return found + _address_signs(a, b)


def _text(field: Field, one: str, other: str) -> Sign:
    level = text_level(one, other)
    return Sign(field, level, (one,) if level is Level.EXACT else ())


_SURE = frozenset({Level.EXACT, Level.SWAPPED, Level.CLOSE})


def _date_signs(a: Form, b: Form) -> list[Sign]:
    if a.date_digits and b.date_digits:
        level = date_level(a.date_digits, b.date_digits)
        # The first of January often stands for a year without a day.
        if level in _SURE or not (a.date_digits.endswith("0101") or b.date_digits.endswith("0101")):
            return [Sign(Field.BIRTH_DATE, level)]
    if a.year and b.year:
        return [Sign(Field.BIRTH_YEAR, year_level(a.year, b.year))]
    return []


def _address_signs(a: Form, b: Form) -> list[Sign]:
    found = []
    if a.street_number and b.street_number:
        found.append(Sign(Field.STREET_NUMBER, digits_level(a.street_number, b.street_number)))
    found += _pair(Field.ADDRESS_1, Field.ADDRESS_2, (a.address_1, a.address_2), (b.address_1, b.address_2))
    found += _pair(Field.SUBURB, Field.POSTCODE, (a.suburb, a.postcode), (b.suburb, b.postcode))
    if a.state and b.state:
        found.append(Sign(Field.STATE, digits_level(a.state, b.state)))
    return found


def _pair(first: Field, second: Field, a: tuple[str, str], b: tuple[str, str]) -> list[Sign]:
    """Two fields of an address that people confuse."""
    if a != b and ((a[0] and a[0] == b[1]) or (a[1] and a[1] == b[0])):
        return [Sign(first, Level.SWAPPED)]
    found = [_text(first, a[0], b[0])] if a[0] and b[0] else []
    if a[1] and b[1]:
        number = second is Field.POSTCODE
        found.append(Sign(second, digits_level(a[1], b[1])) if number else _text(second, a[1], b[1]))
    return found


def name_signs(a: Form, b: Form) -> list[Sign]:
    """The signs of the names. If they agree better with given names and surnames exchanged, they are compared so."""
    straight, rank = _both(a.given, a.family, b.given, b.family)
    if rank >= _GOOD:
        return straight
    if a.given and a.family and b.given and b.family and _may_be_crossed(a, b):
        crossed, crossed_rank = _both(a.given, a.family, b.family, b.given)
        if crossed_rank > rank + 1:
            return [*crossed, Sign(Field.ORDER, Level.TRANSPOSED)]
    for one, other, whole in ((a, b, True), (b, a, False)):
        if not one.family and len(one.given) > 1 and other.family and other.given:
            split, split_rank = _split(one.given, other, first=whole)
            if split_rank > rank + 1:
                return [*split, Sign(Field.ORDER, Level.TRANSPOSED)]
    return straight


def _may_be_crossed(a: Form, b: Form) -> bool:
    """Whether a given name of one begins like a surname of the other, in both directions."""
    return any(one[0] == other[0] for one in a.given for other in b.family) and any(
        one[0] == other[0] for one in a.family for other in b.given
    )


_GOOD = 2 * RANK[Level.EXACT] - 1


def _split(words: Names, other: Form, *, first: bool) -> tuple[list[Sign], int]:
    """All names stand in one field: the division that agrees best."""
    options = []
    for at in range(1, len(words)):
        parts = (words[:at], words[at:])
        theirs = (other.given, other.family)
        options.append(_both(*parts, *theirs) if first else _both(*theirs, *parts))
    return max(options, key=lambda option: option[1])


def _both(given: Names, family: Names, other_given: Names, other_family: Names) -> tuple[list[Sign], int]:
    found: list[Sign] = []
    rank = 0
    if given and other_given:
        sign = given_sign(given, other_given)
        found.append(sign)
        rank += RANK.get(sign.level, 2)
    if family and other_family:
        of_family = family_signs(family, other_family)
        found += of_family
        rank += max(RANK[sign.level] for sign in of_family)
    return found, rank


def given_sign(one: Names, other: Names) -> Sign:
    """The sign of the given names. All words of the shorter one must agree; otherwise they are different names."""
    if one == other:
        return Sign(Field.GIVEN, Level.EXACT, one)
    if (joined := _joined(one, other)) is not None:
        return Sign(Field.GIVEN, joined)
    shorter, longer = sorted((one, other), key=_length_first)
    pairs = _best(shorter, longer, given_word_level)
    worst = min((level for _, _, level in pairs), key=RANK.__getitem__)
    words = tuple(mine for mine, _, level in pairs if level is Level.EXACT)
    if worst in (Level.DIFFERENT, Level.SIMILAR):
        if is_one_edit("".join(one), "".join(other)):
            return Sign(Field.GIVEN, Level.CLOSE)
        return Sign(Field.GIVEN, worst if len(shorter) == 1 else Level.DIFFERENT)
    if len(shorter) < len(longer) and all(theirs != longer[0] for _, theirs, _ in pairs):
        return Sign(Field.GIVEN, Level.SECOND, words)
    if len(shorter) < len(longer) and worst in (Level.EXACT, Level.SOUND):
        return Sign(Field.GIVEN, Level.PART, words)
    return Sign(Field.GIVEN, worst, words if worst is Level.EXACT else ())


def family_signs(one: Names, other: Names) -> list[Sign]:
    """The signs of the surnames, one for each word of the shorter side, in the order that agrees best."""
    if (joined := _joined(one, other)) is not None:
        return [Sign(Field.FAMILY, joined)]
    shorter, longer = sorted((one, other), key=_length_first)
    ways = 1 if len(longer) == 1 else len(longer)
    found = []
    for mine, _, level in _best(shorter, longer, word_level):
        found.append(Sign(Field.FAMILY, level, (mine,) if level is Level.EXACT else (), ways))
        ways = 1
    return found


def _best(shorter: Names, longer: Names, level: Callable[[str, str], Level]) -> list[tuple[str, str, Level]]:
    """Each word of the shorter side with its word of the longer one, so that they agree best."""
    rows = [[level(mine, theirs) for theirs in longer] for mine in shorter]
    if len(longer) == 1:
        return [(shorter[0], longer[0], rows[0][0])]
    best: tuple[int, ...] = ()
    best_rank = -1
    for order in _orders(len(longer), len(shorter)):
        rank = 0
        for row, at in zip(rows, order, strict=True):
            rank += RANK[row[at]]
        if rank > best_rank:
            best, best_rank = order, rank
    return [(mine, longer[at], row[at]) for mine, row, at in zip(shorter, rows, best, strict=True)]


@cache
def _orders(longer: int, shorter: int) -> tuple[tuple[int, ...], ...]:
    return tuple(permutations(range(longer), shorter))


def _length_first(names: Names) -> tuple[int, Names]:
    return len(names), names


def _joined(one: Sequence[str], other: Sequence[str]) -> Level | None:
    """`mac donald` is `macdonald`."""
    return Level.SOUND if len(one) != len(other) and "".join(one) == "".join(other) else None
