"""Invented Guatemalans, their families, and second records of them with the errors of a busy reception."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from services.registration.linkage.forms import words_of
from services.registration.linkage.records import Record
from tests.unit.registration.guatemalan_names import (
    FAMILY_FIRST,
    FAMILY_MORE,
    MEN_FIRST,
    MEN_MORE,
    SHORT_FORMS,
    WOMEN_FIRST,
    WOMEN_MORE,
)

_SPELLINGS = [
    ("v", "b"), ("b", "v"), ("z", "s"), ("s", "z"), ("ll", "y"), ("x", "sh"), ("x", "j"), ("qu", "k"), ("c", "k"),
    ("j", "g"), ("h", ""), ("tz", "ts"), ("gua", "hua"), ("y", "i"),
]  # fmt: skip


@dataclass(frozen=True)
class Rates:
    """How often an error occurs in a second record."""

    short_form: float = 0.1
    no_second_name: float = 0.2
    names_exchanged: float = 0.03
    surnames_exchanged: float = 0.1
    one_surname: float = 0.15
    no_accents: float = 0.4
    spelling: float = 0.15
    typo: float = 0.1
    day_and_month: float = 0.06
    digit: float = 0.04
    approximate: float = 0.08
    no_date: float = 0.04
    no_sex: float = 0.05
    other_sex: float = 0.01
    other_place: float = 0.15
    other_phone: float = 0.35
    no_phone: float = 0.25

    def times(self, factor: float) -> "Rates":
        """The same with all rates multiplied."""
        return Rates(**{name: min(0.9, value * factor) for name, value in vars(self).items()})


@dataclass(frozen=True)
class People:
    """Records in random order, and for each the number of the person."""

    records: list[Record]
    persons: list[int]

    @property
    def matches(self) -> set[tuple[int, int]]:
        """The pairs of positions that are one person."""
        of_person: dict[int, list[int]] = {}
        for place, person in enumerate(self.persons):
            of_person.setdefault(person, []).append(place)
        return {(a, b) for places in of_person.values() for n, a in enumerate(places) for b in places[n + 1 :]}


class _Names:
    def __init__(self, first: dict[str, float], more: list[str]) -> None:
        least = min(first.values())
        self.names = [*first, *more]
        self.weights = [
            *first.values(),
            *(least * (len(first) / (len(first) + n + 1)) ** 0.9 for n in range(len(more))),
        ]

    def one(self, random: Random) -> str:
        return random.choices(self.names, self.weights)[0]


_WOMEN, _MEN, _FAMILY = (
    _Names(WOMEN_FIRST, WOMEN_MORE),
    _Names(MEN_FIRST, MEN_MORE),
    _Names(FAMILY_FIRST, FAMILY_MORE),
)
_PLACES = [f"GT{department:02}{town:02}" for department in range(1, 23) for town in range(1, 16)]


def given_names(random: Random, sex: str) -> str:
    """Two given names, or one."""
    names = _WOMEN if sex == "female" else _MEN
    first, second = names.one(random), names.one(random)
    return first if first == second or random.random() < 0.15 else f"{first} {second}"


def person(random: Random) -> Record:
    """A person as registered the first time."""
    sex = random.choice(["female", "male", "male"])
    return Record(
        given_names=given_names(random, sex),
        family_names=f"{_FAMILY.one(random)} {_FAMILY.one(random)}",
        birth_date=date(1950, 1, 1) + timedelta(days=int(random.triangular(0, 27_000, 18_000))),
        sex=sex,
        phone=f"+502 {random.choice('345')}{random.randrange(10**7):07}" if random.random() < 0.8 else None,
        municipality=random.choices(_PLACES, [1 / (n + 3) for n in range(len(_PLACES))])[0],
    )


def twin(random: Random, of: Record) -> Record:
    """A twin: other given names, all else the same."""
    sex = random.choice([of.sex or "male", "female"])
    names = given_names(random, sex)
    while words_of(names)[0] == words_of(of.given_names or "")[0]:
        names = given_names(random, sex)
    return replace(of, given_names=names, sex=sex)


def child(random: Random, of: Record) -> Record:
    """A child of the same name, born a generation later."""
    born = (of.birth_date or date(1970, 1, 1)) + timedelta(days=random.randrange(17 * 366, 40 * 365))
    return replace(of, birth_date=born)


def sibling(random: Random, of: Record) -> Record:
    """A brother or sister at the same home."""
    other = twin(random, of)
    return replace(other, birth_date=(of.birth_date or date(1990, 1, 1)) + timedelta(days=random.randrange(300, 4000)))


def people(
    seed: int, count: int, *, rates: Rates | None = None, again: float = 0.3, most: int = 1, relatives: float = 0.0
) -> People:
    """`count` people, of whom a part has further records, at most `most` each.

    `relatives`: the share of people with a twin, with a child of the same name, and with a sibling, each.
    """
    random, rates = Random(seed), rates or Rates()
    firsts: list[Record] = []
    for _ in range(count):
        firsts.append(one := person(random))
        firsts += [make(random, one) for make in (twin, child, sibling) if random.random() < relatives]
    listed = [(one, number) for number, one in enumerate(firsts)]
    for number, one in enumerate(firsts):
        if random.random() < again:
            listed += [(told_again(random, one, rates), number) for _ in range(random.randint(1, most))]
    random.shuffle(listed)
    return People([one for one, _ in listed], [number for _, number in listed])


def told_again(random: Random, one: Record, rates: Rates) -> Record:
    """A second record of a person."""

    def happens(rate: float) -> bool:
        return random.random() < rate

    given, family = _names_again(random, one.given_names or "", one.family_names or "", happens, rates)
    born, year = _date_again(random, one.birth_date, happens, rates)
    sex = None if happens(rates.no_sex) else one.sex
    if sex and happens(rates.other_sex):
        sex = "male" if sex == "female" else "female"
    phone = one.phone
    if happens(rates.no_phone):
        phone = None
    elif happens(rates.other_phone):
        phone = f"{random.choice('345')}{random.randrange(10**7):07}"
    place = random.choice(_PLACES) if happens(rates.other_place) else one.municipality
    return replace(
        one, given_names=given, family_names=family, birth_date=born, birth_year=year, sex=sex, phone=phone,
        municipality=place,
    )  # fmt: skip


def _names_again(
    random: Random, given: str, family: str, happens: Callable[[float], bool], rates: Rates
) -> tuple[str, str]:
    given_words, family_words = given.split(), family.split()
    if happens(rates.short_form):
        given_words[0] = random.choice(SHORT_FORMS.get(given_words[0], [given_words[0]]))
    if happens(rates.no_second_name):
        given_words = given_words[:1]
    if happens(rates.surnames_exchanged):
        family_words.reverse()
    if happens(rates.one_surname):
        family_words = [random.choice(family_words)]
    given, family = " ".join(given_words), " ".join(family_words)
    if happens(rates.spelling):
        given, family = (given, _respelt(random, family)) if happens(0.6) else (_respelt(random, given), family)
    if happens(rates.typo):
        given, family = (given, mistyped(random, family)) if happens(0.5) else (mistyped(random, given), family)
    if happens(rates.no_accents):
        table = str.maketrans("áéíóúÁÉÍÓÚñ", "aeiouAEIOUn")
        given, family = given.translate(table), family.translate(table)
    return (family, given) if happens(rates.names_exchanged) else (given, family)


def _respelt(random: Random, text: str) -> str:
    lower = text.lower()
    found = [(heard, written) for heard, written in _SPELLINGS if heard in lower]
    return lower.replace(*random.choice(found), 1).title() if found else text


def mistyped(random: Random, text: str) -> str:
    """The text with one letter wrong."""
    at = random.randrange(1, max(2, len(text)))
    letter = random.choice("abcdeilmnorstu")
    return random.choice(
        [
            text[:at] + text[at + 1 :],
            text[:at] + letter + text[at:],
            text[:at] + letter + text[at + 1 :],
            text[: at - 1] + text[at : at + 1] + text[at - 1 : at] + text[at + 1 :],
        ]
    )


def _date_again(
    random: Random, born: date | None, happens: Callable[[float], bool], rates: Rates
) -> tuple[date | None, int | None]:
    if born is None or happens(rates.no_date):
        return None, None
    if happens(rates.approximate):
        year = born.year + random.choice([-2, -1, 0, 0, 1, 2])
        return (date(year, 1, 1), None) if happens(0.5) else (None, year)
    if happens(rates.day_and_month) and born.day <= 12:
        return born.replace(month=born.day, day=born.month), None
    if happens(rates.digit):
        return random.choice(
            [born.replace(year=born.year + random.choice([-10, -1, 1, 10])), born.replace(day=random.randint(1, 28))]
            if (born.month, born.day) != (2, 29)
            else [born.replace(day=3)]
        ), None
    return born, None
