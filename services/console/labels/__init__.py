"""The words for the codes of the APIs: states, reasons, steps, refusals. No code reaches a page without its words.

A test compares these tables with the codes in the API documents of the services. Names of categories, kinds, documents
and facts are data of the country pack: they come from `GET /v1/taxonomy` (`taxonomy.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from services.console.labels import (
    all_views,
    directory,
    matches,
    notifications,
    offers,
    operations,
    protection,
    referrals,
    registration,
)
from services.console.labels.refusals import REFUSALS
from services.console.words import Words

_FILES = (all_views, referrals, offers, registration, matches, directory, notifications, operations, protection)
LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    table: codes for file in _FILES for table, codes in file.LABELS.items()
}
"""The words by table and code. A table is in one file only."""


def label(words: Words, table: str, code: str | None) -> str:
    """The words for a code. A code without words is shown as not known; `pages` logs it."""
    if code is None:
        return "–"
    text = LABELS[table].get(code)
    if text is None:
        return words("not known here")
    return words(text)


def options(words: Words, table: str) -> list[tuple[str, str]]:
    """All codes of a table with their words, for a list of choices."""
    return [(code, words(text)) for code, text in LABELS[table].items()]


def refusal(words: Words, code: str) -> str:
    """What a refusal means for the person, and what to do next."""
    text = REFUSALS.get(code)
    if text is None:
        return words("This was not possible. Reload the page to see the present state.")
    return words(text)


def fields_in_words(words: Words, fields: Iterable[str]) -> str:
    """The data that somebody has seen or changed. Fields without words here, such as ids and versions, are counted."""
    known, further = [], 0
    for field in fields:
        text = LABELS["access_field"].get(field)
        if text is None:
            further += 1
        else:
            known.append(words(text))
    told = list(dict.fromkeys(known))
    if further:
        told.append(words.some("one further field", "%(num)s further fields", further))
    return ", ".join(told) or "–"
