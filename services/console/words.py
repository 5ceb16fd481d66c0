"""The words of the pages: gettext catalogues. English is in the code; each other language is one file in `locales`.

`python -m services.console.cli words` brings the catalogues up to date; a test finds missing and unused texts.
"""

from __future__ import annotations

import gettext
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Final

from babel import Locale
from babel.core import UnknownLocaleError, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER: Final = Path(__file__).parent / "locales"
SOURCE: Final = "en"
DEFAULT: Final = "es"
"""The language for a browser that asks for none of the console's languages."""


def N_(text: str) -> str:  # noqa: N802 (the usual name of this marker)
    """Marks a text for translation where it is written down; it is translated where it is shown."""
    return text


@dataclass(frozen=True)
class Words:
    """The words of one language."""

    language: str
    locale: Locale
    catalogue: gettext.NullTranslations

    def __call__(self, text: str, **values: object) -> str:
        """The text in this language, with its values."""
        told = self.catalogue.gettext(text)
        return told % values if values else told

    def some(self, one: str, more: str, count: int, **values: object) -> str:
        """The text for this number of things; `%(num)s` is the number."""
        return self.catalogue.ngettext(one, more, count) % {"num": count, **values}

    @property
    def own_name(self) -> str:
        """The name of the language in itself."""
        return (self.locale.get_display_name(self.locale) or self.language).capitalize()


@cache
def all_words() -> Mapping[str, Words]:
    """Every language by its code, English first."""
    found = {SOURCE: Words(SOURCE, Locale.parse(SOURCE), gettext.NullTranslations())}
    for file in sorted(FOLDER.glob("*.po")):
        with file.open("rb") as lines:
            catalogue = read_po(lines, locale=file.stem, abort_invalid=True)
        compiled = BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        found[file.stem] = Words(file.stem, Locale.parse(file.stem), gettext.GNUTranslations(compiled))
    return found


@lru_cache(maxsize=200)
def words_for(chosen: str | None, accept_language: str | None) -> Words:
    """The words of the chosen language; without a choice, of the one that the browser prefers (RFC 9110, 12.5.4)."""
    known = all_words()
    if chosen is not None and chosen in known:
        return known[chosen]
    asked = _preferred(accept_language or "")
    try:
        found = negotiate_locale(asked, list(known), sep="-")
    except (UnknownLocaleError, ValueError):
        found = None
    return known.get(found or DEFAULT, known[SOURCE])


def _preferred(header: str) -> Sequence[str]:
    """The languages of an Accept-Language header, the preferred one first; wrong parts are left out."""
    weighed: list[tuple[float, int, str]] = []
    for nth, text in enumerate(header[:500].split(",")):
        tag, _, weight = text.strip().partition(";q=")
        try:
            quality = float(weight or 1)
        except ValueError:
            continue
        if tag.replace("-", "").isalnum() and 0 < quality <= 1:
            weighed.append((-quality, nth, tag))
    return [tag for _, _, tag in sorted(weighed)]
