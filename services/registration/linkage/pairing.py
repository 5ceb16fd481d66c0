"""The candidate pairs of a file: by the keys of the index, and by addresses and single fields, which a file allows."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from services.registration.linkage.blocking import (
    form_keys,
    parts_of_day,
    sounds_of_family,
    sounds_of_given,
)
from services.registration.linkage.forms import Form
from services.registration.linkage.sounds import skeleton

BLOCK_MAX = 40
"""In a larger block only neighbours are compared, so that the number of pairs grows with the number of records."""
WINDOW = 10
_ADDRESS_LETTERS = 5

Kind = Callable[[Form], Iterable[str]]


def candidate_pairs(forms: Sequence[Form]) -> Iterator[tuple[int, int]]:
    """The pairs of positions, the smaller one first, in an order that depends on the file only. A pair may be
    repeated."""
    for kind in KINDS:
        blocks: defaultdict[str, list[int]] = defaultdict(list)
        for place, form in enumerate(forms):
            for value in {*kind(form)}:
                blocks[value].append(place)
        for block in blocks.values():
            yield from _pairs(block, forms)


def _pairs(block: list[int], forms: Sequence[Form]) -> Iterator[tuple[int, int]]:
    if len(block) > BLOCK_MAX:
        block = sorted(block, key=lambda place: (_sorted_by(forms[place]), place))
    reach = len(block) if len(block) <= BLOCK_MAX else WINDOW
    for at, one in enumerate(block):
        for other in block[at + 1 : at + 1 + reach]:
            yield (one, other) if one < other else (other, one)


def _sorted_by(form: Form) -> tuple[str, ...]:
    return (*map(skeleton, form.family[:1] + form.given[:1]), form.date_digits, form.address_1, form.postcode)


def _of_index(*kinds: str) -> Kind:
    return lambda form: (f"{kind}:{value}" for kind, value in form_keys(form) if kind in kinds)


def _dates(form: Form) -> Iterator[str]:
    if day := parts_of_day(form):
        yield "".join(day)


def _names(form: Form) -> Iterator[str]:
    for given in sounds_of_given(form)[:1]:
        for family in sounds_of_family(form):
            yield "|".join(sorted((given, family)))


def _skeletons(form: Form) -> Iterator[str]:
    words = [*form.given[:1], *form.family[:2]]
    if len(words) > 1:
        yield "|".join(sorted(map(skeleton, words)))


def _lines(form: Form) -> list[str]:
    """What narrows an address: its places, and its lines without their last letters."""
    lines = (form.suburb, form.postcode, form.address_1[:_ADDRESS_LETTERS], form.address_2[:_ADDRESS_LETTERS])
    return [line for line in lines if line]


def _name_and_line(form: Form) -> Iterator[str]:
    for name in {*form.given[:1], *form.family[:2]}:
        for line in _lines(form):
            yield f"{skeleton(name)}|{line}"


def _two_lines(form: Form) -> Iterator[str]:
    lines = _lines(form)
    for at, one in enumerate(lines):
        for other in (*lines[at + 1 :], form.street_number):
            if other:
                yield f"{one}|{other}"


def _line_and_date(form: Form) -> Iterator[str]:
    day = parts_of_day(form)
    for line in _lines(form) if day else ():
        for part in day or ():
            yield f"{line}|{part}"


def _name_and_date_part(form: Form) -> Iterator[str]:
    day = parts_of_day(form)
    for name in {*form.given[:1], *form.family[:2]} if day else ():
        for part in day or ():
            yield f"{skeleton(name)}|{part}"


KINDS: tuple[Kind, ...] = (
    _of_index("document", "phone"),
    _of_index("name-date", "names-year", "names-day"),
    _of_index("names", "names-place"),
    _dates,
    _names,
    _skeletons,
    _name_and_line,
    _two_lines,
    _line_and_date,
    _name_and_date_part,
)
