"""Names as people write them: which texts are names, and which spellings are the same name.

Mayan languages write a glottal stop with one of a dozen characters that look like an apostrophe; phones, spreadsheets
and typewriters each choose another. Names are stored as written; only comparisons use a common form.
"""

import re
import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

LONGEST = 120
APOSTROPHES = (
    "'`\u00b4\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u02ca\u02cb\u2018\u2019\u201b"
    "\u2032\u2035\ua78b\ua78c\uff07\u055a\u05f3\u07f4\u07f5\u1fbd\u1fbf\u1ffe\uff40"
)
"""Characters for a glottal stop, or for an apostrophe between two words."""
_TO_APOSTROPHE = str.maketrans(dict.fromkeys(APOSTROPHES, "'"))
_JOINERS = "\u200c\u200d"
"""They change how letters of Persian and of Indian scripts are joined, so they are kept."""
_BLANK_LETTERS = "\u115f\u1160\u3164\uffa0"
"""Invisible letters of Hangul."""
_WORD = re.compile(r"\w+")


def is_invisible(character: str) -> bool:
    """Whether a character is invisible and has no meaning: zero width, text direction, soft hyphen, byte order mark."""
    return character not in _JOINERS and (unicodedata.category(character) == "Cf" or character in _BLANK_LETTERS)


def without_invisible(text: str) -> str:
    """The text without invisible characters, and without white space around it."""
    return "".join(character for character in text if not is_invisible(character)).strip()


def has_letter(text: str) -> bool:
    """Whether the text contains a visible letter; an apostrophe alone does not count."""
    return any(unicodedata.category(one) in ("Lu", "Ll", "Lt", "Lo") and one not in _BLANK_LETTERS for one in text)


def has_control(text: str) -> bool:
    """Whether the text contains a control character or a line end, which names never have."""
    return any(unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs") for character in text)


def comparable(text: str) -> str:
    """The form in which names are compared: one kind of apostrophe, no accents, capitals or invisible characters."""
    plain = unicodedata.normalize("NFKC", text.translate(_TO_APOSTROPHE)).translate(_TO_APOSTROPHE)
    letters = unicodedata.normalize("NFKD", plain.casefold()).casefold()
    shown = (one for one in letters if not unicodedata.combining(one) and not is_invisible(one) and one not in _JOINERS)
    return " ".join("".join(shown).split())


def words(*names: str) -> frozenset[str]:
    """The words of names in their form for comparison; an apostrophe separates words, like any punctuation."""
    return frozenset(_WORD.findall(comparable(" ".join(names))))


def name_readings(text: str) -> list[frozenset[str]]:
    """The possible meanings of a searched name: as written, or without its apostrophes."""
    readings = [words(text), frozenset(_WORD.findall(comparable(text).replace("'", "")))]
    return readings[:1] if readings[0] == readings[1] else readings


def words_to_find(*names: str) -> frozenset[str]:
    """The words by which a name is found: its own, and those without the apostrophes."""
    return words(*names) | frozenset(_WORD.findall(comparable(" ".join(names)).replace("'", "")))


def written_number(told: str) -> str:
    """The number of a document as written, if it has a letter or a digit and no control character."""
    if has_control(told) or not any(character.isalnum() for character in told):
        raise PydanticCustomError(
            "letters_or_digits", "A number must have letters or digits, and no control characters"
        )
    return told


def _name(told: str) -> str:
    # Line ends at the beginning and at the end of a cell are allowed, like other white space.
    told = told.strip()
    if has_control(told):
        raise PydanticCustomError("control_character", "A name must not contain control characters")
    shown = without_invisible(told)
    if not has_letter(shown):
        raise PydanticCustomError("visible_letter", "A name must have at least one visible letter")
    if len(unicodedata.normalize("NFC", shown)) > LONGEST:
        raise PydanticCustomError("string_too_long", "A name may have at most 120 characters")
    return shown


_SCHEMA: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": LONGEST}
Name = Annotated[
    str,
    # Before normalisation a letter can consist of several characters.
    StringConstraints(max_length=8 * LONGEST),
    AfterValidator(_name),
    WithJsonSchema(_SCHEMA),
]
"""A person's name with at least one visible letter; invisible characters are removed."""
