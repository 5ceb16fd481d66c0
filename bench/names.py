"""Invented people with names as frequent as in Guatemala: as many people share a blocking key as in life (pure).

Shares of the most common names: the registry RENAP, as reported by Guatemalate and Soy502 on 1 October 2025 and by
Emisoras Unidas on 11 March 2026. The other names follow a law of Zipf. Rare surnames are invented from syllables,
because a country has thousands of them and a list has a hundred.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate, product
from random import Random
from typing import Final

from services.registration.linkage.common_names import FAMILY, GIVEN
from services.registration.linkage.records import Record

_WOMEN: Final = {"María": 0.0940, "Ana": 0.0276, "Juana": 0.0226, "Rosa": 0.0153, "Marta": 0.0115}
_MEN: Final = {"José": 0.0564, "Juan": 0.0456, "Carlos": 0.0315, "Luis": 0.0285, "Pedro": 0.0179}
_FAMILY: Final = {"López": 0.094, "Pérez": 0.066, "García": 0.047}
_NEXT: Final = ["Hernández", "Morales", "Ramírez", "Gómez", "González", "Vásquez", "Caal"]
_RARE: Final = ["".join(one).title() for one in product(
    ("ba", "chi", "cu", "ixqui", "ma", "pa", "que", "sa", "tzu", "xi", "ya", "zu", "aj", "ox"),
    ("ca", "le", "mu", "no", "pi", "ra", "so", "tu", "chá", "qué", "xo"),
    ("b", "c", "j", "l", "n", "r", "s", "t", "x", "ch", "tz", "lón", "ché"),
)]  # fmt: skip
_PLACES: Final = [f"GT{number:02}" for number in range(1, 23)]
_FIRST_DAY: Final = date(1950, 1, 1)
_DAYS: Final = 20_800
"""The youngest was born at the end of 2006: everybody is an adult."""
_USUAL_AGE: Final = 13_500
WOMEN_SHARE: Final = 0.06
ONE_NAME_SHARE: Final = 0.15
PHONE_SHARE: Final = 0.8


@dataclass(frozen=True, slots=True)
class Sample:
    """One invented person."""

    given_names: str
    family_names: str
    birth_date: date
    sex: str
    phone: str | None
    destination: str

    @property
    def record(self) -> Record:
        """What is compared of this person."""
        return Record(
            given_names=self.given_names,
            family_names=self.family_names,
            birth_date=self.birth_date,
            sex=self.sex,
            phone=self.phone,
            municipality=self.destination,
        )


class _Drawn:
    """Names from which one is drawn by its share."""

    def __init__(self, first: dict[str, float], more: Sequence[str]) -> None:
        least, place = min(first.values()), len(first)
        shares = [*first.values(), *(least * (place / (place + nth)) ** 0.9 for nth in range(1, len(more) + 1))]
        self._names, self._sums = [*first, *more], list(accumulate(shares))

    def one(self, chance: Random) -> str:
        return chance.choices(self._names, cum_weights=self._sums)[0]


def _others(names: frozenset[str], known: Sequence[str]) -> list[str]:
    """The names of a list that are not among the known ones, in the order of the alphabet."""
    folded = {one.lower().translate(str.maketrans("áéíóú", "aeiou")) for one in known}
    return [one.title() for one in sorted(names - folded)]


_GIVEN = _others(GIVEN, [*_WOMEN, *_MEN])
_OF_WOMEN = _Drawn(_WOMEN, [one for one in _GIVEN if one.endswith("a")])
_OF_MEN = _Drawn(_MEN, [one for one in _GIVEN if not one.endswith("a")])
_OF_FAMILIES = _Drawn(_FAMILY, [*_NEXT, *_others(FAMILY, [*_FAMILY, *_NEXT]), *_RARE])


def sample(number: int, *, seed: int = 1) -> Sample:
    """The person with this number; always the same one for the same seed."""
    chance = Random(seed << 40 | number)  # noqa: S311 - a load, not a secret
    sex = "female" if chance.random() < WOMEN_SHARE else "male"
    names = _OF_WOMEN if sex == "female" else _OF_MEN
    first, second = names.one(chance), names.one(chance)
    return Sample(
        given_names=first if first == second or chance.random() < ONE_NAME_SHARE else f"{first} {second}",
        family_names=f"{_OF_FAMILIES.one(chance)} {_OF_FAMILIES.one(chance)}",
        birth_date=_FIRST_DAY + timedelta(days=int(chance.triangular(0, _DAYS, _USUAL_AGE))),
        sex=sex,
        phone=f"+502{chance.choice('345')}{chance.randrange(10**7):07}" if chance.random() < PHONE_SHARE else None,
        destination=chance.choice(_PLACES),
    )
