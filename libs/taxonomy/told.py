"""Checks codes that somebody sends against the taxonomy. Pure: each fault names the field, the rule and codes that are
near to the wrong one."""

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from libs.chassis.errors import FieldError
from libs.taxonomy.model import Form, Taxonomy

_NEAREST: Final = 3
_LIKENESS: Final = 0.4
"""How alike two codes must be, from 0 to 1, to be called near."""


def kind_faults(
    taxonomy: Taxonomy, kind: str, *, category: str | None, pointer: str, also_deprecated: bool = False
) -> list[FieldError]:
    """At most one fault of a kind that should be of this category (None: of any)."""
    known = taxonomy.kinds.get(kind)
    valid = [code for of, codes in taxonomy.kinds_of.items() if category in (None, of) for code in codes]
    if known is None:
        return [FieldError(pointer, "unknown-kind", f"The taxonomy has no such kind{_near(kind, valid)}")]
    if category not in (None, known.category):
        told = f"It is a kind of {known.category}, not of {category}{_near(kind, valid)}"
        return [FieldError(pointer, "kind-of-another-category", told)]
    if known.deprecated_by is not None and not also_deprecated:
        return [FieldError(pointer, "deprecated-kind", f"It is not used any more; use {known.deprecated_by}")]
    return []


def scope_faults(
    taxonomy: Taxonomy, kind: str, scope: Sequence[tuple[str, Collection[str]]], *, pointer: str
) -> list[FieldError]:
    """The faults of a scope: pairs of a detail and the values of it that a service covers. The kind is known."""
    faults: list[FieldError] = []
    details = taxonomy.kinds[kind].details
    for number, (detail, values) in enumerate(scope):
        at = f"{pointer}/{number}"
        if detail not in details:
            told = f"A need of the kind {kind} has no such detail{_near(detail, details)}"
            faults.append(FieldError(f"{at}/detail", "unknown-detail", told))
        elif detail in [earlier for earlier, _ in scope[:number]]:
            faults.append(FieldError(f"{at}/detail", "detail-repeated", "A detail may occur only once"))
        elif taxonomy.details[detail].form not in (Form.CHOICE, Form.CHOICES):
            told = f"The detail {detail} has no values to choose from; a service that meets the kind covers all of it"
            faults.append(FieldError(f"{at}/detail", "detail-without-values", told))
        else:
            known: Mapping[str, object] = taxonomy.details[detail].values
            faults += [
                FieldError(f"{at}/values/{index}", "unknown-value", f"{detail} has no such value{_near(value, known)}")
                for index, value in enumerate(values)
                if value not in known
            ]
    return faults


def _near(code: str, valid: Collection[str]) -> str:
    """The end of a sentence: the valid codes that are most like this one; the first ones if none is."""
    near = get_close_matches(code, valid, n=_NEAREST, cutoff=_LIKENESS) or sorted(valid)[:_NEAREST]
    return f"; the nearest are {', '.join(near)}" if near else ""
