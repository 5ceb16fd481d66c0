"""The comparable forms of a record: folded words, digits, parts of a date."""

import re
from dataclasses import dataclass
from functools import lru_cache

from libs.wire.names import comparable
from services.registration.linkage.nicknames import written_out
from services.registration.linkage.records import Record

_WORD = re.compile(r"\w+")
_PARTICLE_WORDS = "de del la las los el y e da do dos das van von den der di vda viuda sr sra srta don dona ignoto"
_PARTICLES = frozenset(_PARTICLE_WORDS.split())
_NAMES_MAX = 4
PHONE_DIGITS = 8
"""A telephone number is compared without the code of its country, which is often missing."""
_YEARS = range(1850, 2101)
_SEXES = {"f": "f", "m": "m", "h": "m", "w": "f"}
_FEMALE_M = frozenset({"mujer"})


@dataclass(frozen=True, slots=True)
class Form:
    """A record in the form in which it is compared. Empty text, an empty tuple and None: it says nothing."""

    given: tuple[str, ...]
    family: tuple[str, ...]
    day: tuple[int, int, int] | None
    """Year, month, day."""
    year: int | None
    """The year of birth, also where only a year is known."""
    date_digits: str
    """The eight digits of the date as written."""
    sex: str
    document: str
    phone: str
    municipality: str
    street_number: str
    address_1: str
    address_2: str
    suburb: str
    postcode: str
    state: str


@lru_cache(maxsize=50_000)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a name, folded, without particles. An apostrophe is a letter of Mayan names, not a gap."""
    found = tuple(_WORD.findall(comparable(text).replace("'", "").replace("_", " ")))
    return tuple(word for word in found if word not in _PARTICLES) or found


def _plain(text: str | None) -> str:
    return " ".join(_WORD.findall(comparable(text))) if text else ""


def _alphanumeric(text: str | None) -> str:
    return "".join(one for one in comparable(text) if one.isalnum()) if text else ""


def _digits(text: str | None) -> str:
    return "".join(one for one in text if one.isdecimal() and one.isascii()) if text else ""


def _sex(text: str | None) -> str:
    plain = _plain(text)
    return "f" if plain in _FEMALE_M else _SEXES.get(plain[:1], "")


def _date(record: Record) -> tuple[tuple[int, int, int] | None, int | None, str]:
    if (born := record.birth_date) is not None:
        return (born.year, born.month, born.day), born.year, f"{born.year:04}{born.month:02}{born.day:02}"
    digits = _digits(record.birth_text)
    if len(digits) != 8:
        return None, record.birth_year, ""
    year = int(digits[:4])
    return None, year if record.birth_year is None and year in _YEARS else record.birth_year, digits


def form_of(record: Record) -> Form:
    """The form of a record."""
    day, year, digits = _date(record)
    return Form(
        given=words_of(record.given_names or "")[:_NAMES_MAX],
        family=tuple(map(written_out, words_of(record.family_names or "")[:_NAMES_MAX])),
        day=day,
        year=year,
        date_digits=digits,
        sex=_sex(record.sex),
        document=_alphanumeric(record.document_number),
        phone=_digits(record.phone)[-PHONE_DIGITS:],
        municipality=_plain(record.municipality),
        street_number=_alphanumeric(record.street_number),
        address_1=_plain(record.address_1),
        address_2=_plain(record.address_2),
        suburb=_plain(record.suburb),
        postcode=_alphanumeric(record.postcode),
        state=_alphanumeric(record.state),
    )
