"""Words that no question may contain, by language: nobody is asked directly about trafficking (domain P15).

A text is compared without accents and capitals. `*` stands for the rest of a word.
"""

import re
from collections.abc import Mapping
from typing import Final

from libs.wire.names import comparable

FORBIDDEN: Final[Mapping[str, tuple[str, ...]]] = {
    "es": (
        "trata", "tratante*", "trafic*", "esclav*", "servidumbre", "prostitu*", "proxenet*", "explota*", "padrote",
        "trabajo forzado", "trabajos forzados", "vendieron", "comercio sexual", "trabajo sexual",
    ),
    "en": (
        "traffick*", "slave*", "servitude", "prostitut*", "pimp*", "exploit*", "forced labour", "forced labor",
        "forced to work", "sold you", "were sold", "sex work*", "sexual services",
    ),
}  # fmt: skip
_WORD: Final = re.compile(r"\w+")
_OF_CODES: Final = "en"
"""Ids and codes are English words."""


def forbidden_in(text: str, language: str) -> str | None:
    """The first forbidden word in a text, or None. KeyError for a language without a list."""
    plain = f" {' '.join(_WORD.findall(comparable(text.replace('_', ' '))))} "
    return next((word for word in FORBIDDEN[language] if _sought(word) in plain), None)


def forbidden_in_code(code: str) -> str | None:
    """The first forbidden word in an id or code, or None."""
    return forbidden_in(code, _OF_CODES)


def _sought(word: str) -> str:
    return f" {word.removesuffix('*')}" if word.endswith("*") else f" {word} "
