"""Dates of birth as people and programs write them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from libs.wire.names import comparable

_YEARS = range(1850, 2101)
_CENTURY_FROM = 30
"""A year of two digits from this on is of the last century."""
_MONTH_WORDS = """
ene enero jan january|feb febrero february|mar marzo march|abr abril apr april|may mayo|jun junio june|jul julio july
|ago agosto aug august|sep sept septiembre setiembre september|oct octubre october|nov noviembre november
|dic diciembre dec december
"""
_MONTHS = {word: number for number, words in enumerate(_MONTH_WORDS.split("|"), start=1) for word in words.split()}
_PIECE = re.compile(r"[a-z]+|\d+")
_TIME = re.compile(r"[t ]\d\d?:\d\d")
_FRACTION = re.compile(r"^(\d{4}|\d{8})\.0+$")


@dataclass(frozen=True, slots=True)
class Born:
    """What a cell says: a date, or a year, or digits that are no day of the calendar, or nothing."""

    day: date | None = None
    year: int | None = None
    text: str | None = None


class DateReader:
    """Reads the dates of one column, which all have the day before the month, or all after it."""

    def __init__(self, cells: Iterable[str]) -> None:
        months = days = 0
        for cell in cells:
            pieces = _pieces(cell)
            if len(pieces) == 3 and len(pieces[0]) <= 2 and all(piece.isdigit() for piece in pieces):
                days += int(pieces[0]) > 12
                months += int(pieces[1]) > 12
        self._month_first = months > days

    def read(self, cell: str) -> Born:
        """What a cell says."""
        pieces = _pieces(cell)
        if len(pieces) == 1 and pieces[0].isdigit():
            return _digits(pieces[0])
        words = [piece for piece in pieces if piece not in ("de", "del", "of", "st", "nd", "rd", "th")]
        if len(words) == 2 and words[1].isdigit() and len(words[1]) == 4:  # `circa 1985`, `03/1985`
            return _year(int(words[1]))
        return self._parts(words) if len(words) == 3 else Born()

    def _parts(self, words: list[str]) -> Born:
        if len(words[0]) == 4 and words[0].isdigit():
            year, month, day = words
        elif words[0] in _MONTHS or (self._month_first and words[1] not in _MONTHS):
            month, day, year = words
        else:
            day, month, year = words
        numbers = [_MONTHS.get(word, int(word) if word.isdigit() else 0) for word in (year, month, day)]
        if len(year) == 2 and year.isdigit():
            numbers[0] += 1900 if numbers[0] >= _CENTURY_FROM else 2000
        if not all(numbers[:1]) or max(numbers[1:]) > 99:
            return Born()
        return _day(*numbers)


def _pieces(cell: str) -> list[str]:
    plain = comparable(cell)
    time = _TIME.search(plain)
    plain = plain[: time.start()] if time else plain
    return _PIECE.findall(_FRACTION.sub(r"\1", plain))


def _digits(digits: str) -> Born:
    if len(digits) == 4:
        return _year(int(digits))
    if len(digits) != 8:
        return Born()
    born = _day(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    if born.day is None and int(digits[:4]) not in _YEARS:
        other = _day(int(digits[4:]), int(digits[2:4]), int(digits[:2]))
        return other if other.day else born
    return born


def _day(year: int, month: int, day: int) -> Born:
    try:
        return Born(day=date(year, month, day))
    except ValueError:
        return Born(text=f"{year:04}{month:02}{day:02}")


def _year(year: int) -> Born:
    return Born(year=year) if year in _YEARS else Born()
