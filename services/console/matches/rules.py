"""What is compared of two records, and the reasons of a match in words (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.console.labels import LABELS, label
from services.console.words import Words

Json = Mapping[str, Any]
OPEN: Final = "open"
MERGED: Final = "merged"
FIELDS: Final = ("given_names", "family_names", "birth_date", "document_number", "sex", "destination")
"""The facts that the page compares, in its order."""


def value(person: Json, field: str) -> Any:
    """A fact of one of the two; None if it is not known or not for this reader."""
    held = person if field in person else person["identity"] or {}
    return held.get(field) or None


def differs(people: Sequence[Json], field: str) -> bool:
    """Whether both records have this fact and say different things."""
    values = [value(one, field) for one in people]
    return None not in values and values[0] != values[1]


def merged_record(match: Json) -> Json | None:
    """Of a merged pair, the record that ended, if the reader may see it: an undone merge lets it continue."""
    if match["status"] != MERGED:
        return None
    return next((one for one in match["people"] if one["merged"]), None)


def reason_in_words(words: Words, code: str) -> str:
    """What agrees or not, such as `birth_date.swapped`. Codes without a field have words of their own."""
    if code in LABELS["match_guard"]:
        return label(words, "match_guard", code)
    field, _, level = code.partition(".")
    return f"{label(words, 'match_field', field)}: {label(words, 'match_level', level)}"
