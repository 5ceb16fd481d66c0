"""Blocking keys: two records are compared only if they have a key in common.

Every key has two or more fields, so that few people share it, and no field is in all keys, so that one that is missing
or wrong hides nobody. A name is in a key by its sound, a short form by the name that it stands for. The given names and
surnames of a key stand in the order of the alphabet, so that exchanged names have the same key; so do month and day.
"""

from collections.abc import Iterator

from services.registration.linkage.common_names import FAMILY
from services.registration.linkage.forms import Form, form_of
from services.registration.linkage.nicknames import given_roots
from services.registration.linkage.records import Record
from services.registration.linkage.sounds import sound

_COMMON = frozenset(map(sound, FAMILY))
_SURNAMES = 2
_PHONE_MIN = 6


def keys(record: Record) -> frozenset[str]:
    """The keys of a record, as `kind:value`, at most 16. They contain clear text: an index stores keyed hashes only."""
    return frozenset(f"{kind}:{value}" for kind, value in form_keys(form_of(record)))


def form_keys(form: Form) -> Iterator[tuple[str, str]]:
    """The keys of a form, as kind and value."""
    given, family = sounds_of_given(form), sounds_of_family(form)
    if form.document:
        yield "document", form.document
    if len(form.phone) >= _PHONE_MIN:
        yield "phone", form.phone
    day = parts_of_day(form)
    if day:
        for name in {*given[:2], *family}:
            yield "name-date", f"{name}|{day[0]}{day[1]}"
    if given and len(family) == _SURNAMES:
        for name in given[:2]:
            yield "names", "|".join(sorted((name, *family)))
    for name in family if given else ():
        both = "|".join(sorted((given[0], name)))
        if form.year:
            yield "names-year", f"{both}|{form.year}"
        if day:
            yield "names-day", f"{both}|{day[1]}"
        if form.municipality:
            yield "names-place", f"{both}|{form.municipality}"
        if name not in _COMMON:
            yield "rare-names", both


def sounds_of_given(form: Form) -> list[str]:
    """The sounds of the given names; a short form has that of its name, if it has only one."""
    return [sound(_root(word)) for word in form.given if len(word) > 1]


def _root(word: str) -> str:
    roots = given_roots(word) - {word}
    return min(roots) if roots else word


def sounds_of_family(form: Form) -> list[str]:
    """The sounds of the first two surnames."""
    return [sound(word) for word in form.family[:_SURNAMES]]


def parts_of_day(form: Form) -> tuple[str, str] | None:
    """The year, and month and day in the order of their size; None without a date."""
    if not form.date_digits:
        return None
    month, day = form.date_digits[4:6], form.date_digits[6:]
    return form.date_digits[:4], "".join(sorted((month, day)))
