"""What forms offer for choice and no API lists: countries, languages, the areas and reception places of the pack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from babel.languages import get_official_languages

from services.console.labels import LABELS, label
from services.console.pack import Pack
from services.console.people import Person
from services.console.words import Words

Options = Sequence[tuple[str, str]]
_NOT_A_COUNTRY: Final = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})
_LONG_CODES: Final[Mapping[str, str]] = {"es": "spa", "en": "eng", "am": "amh", "pt": "por", "fr": "fra", "ht": "hat"}
"""The code of ISO 639-3, which the services use, by that of ISO 639-1."""
_ALSO_SPOKEN: Final = ("spa", "eng", "por", "fra", "hat", "ara", "sgn")


def coded(words: Words, table: str, *, without: Iterable[str] = ()) -> Options:
    """All codes of a table of labels with their words, in the order of the table."""
    left_out = frozenset(without)
    return [(code, label(words, table, code)) for code in LABELS[table] if code not in left_out]


def countries(words: Words) -> Options:
    """The countries of the world, by name."""
    names = ((code, str(name)) for code, name in words.locale.territories.items())
    found = [(code, name) for code, name in names if len(code) == 2 and code.isalpha() and code not in _NOT_A_COUNTRY]
    return sorted(found, key=lambda one: one[1])


def own_language(pack: Pack) -> str:
    """The official language of the pack's country (ISO 639-3), which is chosen if nobody chooses another one."""
    official = get_official_languages(pack.country)
    return next((_LONG_CODES[one] for one in official if one in _LONG_CODES), "spa")


def short_code(language: str) -> str | None:
    """The code of ISO 639-1 for a language, such as `es` for `spa`; None if it is not among those of the console."""
    return next((short for short, long in _LONG_CODES.items() if long == language), None)


def language_name(words: Words, code: str) -> str:
    """The name of a language. A language that the console does not know has its code."""
    if code in LABELS["spoken_language"]:
        return label(words, "spoken_language", code)
    return str(words.locale.languages.get(code, code))


def languages(words: Words, pack: Pack, *, also: Iterable[str] = ()) -> Options:
    """The languages that people here may speak: the official one first, then those of the country, then others."""
    codes = dict.fromkeys([own_language(pack), *pack.languages, *_ALSO_SPOKEN, *also])
    return [(code, language_name(words, code)) for code in codes]


def areas(pack: Pack) -> Options:
    """The areas of the country, by name."""
    return sorted(pack.areas.items(), key=lambda one: one[1])


def own_places(person: Person) -> Options:
    """The reception places of a person, each name once. The longer code of the same place is left out."""
    found: dict[str, str] = {}
    for code, name in sorted(person.console.pack.reception_places.items()):
        if code.startswith(person.rights.reception_places) and name not in found.values():
            found[code] = name
    return list(found.items())
