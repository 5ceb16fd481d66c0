"""Checks codes that somebody sends against the taxonomy. Pure: each fault names the field, the rule and codes that are
near to the wrong one."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from libs.chassis.errors import FieldError
from libs.events.detail_values import DetailValue, FactValue, ToldDetail
from libs.taxonomy.model import Taxonomy
from libs.taxonomy.questions import Fact, Form, Question

_NEAREST: Final = 3
_LIKENESS: Final = 0.4
"""How alike two codes must be, from 0 to 1, to be called near."""
_LANGUAGE: Final = re.compile("[a-z]{3}")
_PLACE: Final = re.compile("[A-Z]{2}[0-9]{2,6}")


def category_faults(taxonomy: Taxonomy, category: str | None, *, pointer: str) -> list[FieldError]:
    """At most one fault of a category; None was not sent and has none."""
    if category is None or category in taxonomy.categories:
        return []
    near = _near(category, taxonomy.categories)
    return [FieldError(pointer, "unknown-category", f"The taxonomy has no such category{near}")]


def document_faults(taxonomy: Taxonomy, document: str, *, pointer: str) -> list[FieldError]:
    """At most one fault of a document that a person has or must have."""
    if document in taxonomy.documents:
        return []
    near = _near(document, taxonomy.documents)
    return [FieldError(pointer, "unknown-document", f"The taxonomy has no such document{near}")]


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


def detail_faults(
    taxonomy: Taxonomy, kind: str | None, details: Sequence[ToldDetail], *, pointer: str
) -> list[FieldError]:
    """The faults of the details of a need. The kind is known; None: no kind is named."""
    if kind is None:
        needless = "Details belong to a kind; name the kind of the need"
        return [FieldError(pointer, "details-without-kind", needless)] if details else []
    faults: list[FieldError] = []
    possible = taxonomy.kinds[kind].details
    for number, told in enumerate(details):
        at = f"{pointer}/{number}"
        if told.detail not in possible:
            nearest = f"A need of the kind {kind} has no such detail{_near(told.detail, possible)}"
            faults.append(FieldError(f"{at}/detail", "unknown-detail", nearest))
        elif told.detail in [earlier.detail for earlier in details[:number]]:
            faults.append(FieldError(f"{at}/detail", "detail-repeated", "A detail may occur only once"))
        else:
            fault = _value_fault(told.detail, taxonomy.details[told.detail], told.value)
            faults += [] if fault is None else [FieldError(f"{at}/value", *fault)]
    return faults


def fact_faults(
    taxonomy: Taxonomy, required: Collection[str], stated: Mapping[str, FactValue], *, owner: str, pointer: str
) -> list[FieldError]:
    """The faults of facts that a completion states: missing, not asked, or of another form.

    `owner` says what asks for them, such as `kind`; it is the end of the names of the rules.
    """
    faults = [
        FieldError(f"{pointer}/{fact}", f"required-by-{owner}", "The completion must state this fact")
        for fact in required
        if fact not in stated
    ]
    for fact, value in stated.items():
        if fact not in required:
            told = f"It is not asked here{_near(fact, required)}"
            faults.append(FieldError(f"{pointer}/{fact}", f"not-of-{owner}", told))
            continue
        fault = _value_fault(fact, taxonomy.facts[fact], value)
        faults += (
            [] if fault is None else [FieldError(f"{pointer}/{fact}", fault[0].replace("detail", "fact"), fault[1])]
        )
    return faults


def documents_issued(taxonomy: Taxonomy, kind: str | None, stated: Mapping[str, FactValue]) -> tuple[str, ...]:
    """The documents that a person has after a completion of this kind with these facts: those that the kind yields, if
    the facts say that it was given. A kind that the pack does not have yields nothing."""
    known = None if kind is None else taxonomy.kinds.get(kind)
    if known is None or not set(known.completion) <= stated.keys() or unmet_facts(taxonomy, stated):
        return ()
    return known.yields


def unmet_facts(taxonomy: Taxonomy, stated: Mapping[str, FactValue]) -> list[str]:
    """The stated facts with which a need does not count as met (`met_by` of the fact)."""
    return [
        fact for fact, value in stated.items() if fact in taxonomy.facts and not _meets(taxonomy.facts[fact], value)
    ]


def _meets(fact: Fact, value: FactValue) -> bool:
    if not fact.met_by:
        return True
    if fact.form is Form.NUMBER:
        return int(value) >= int(fact.met_by[0])
    return value in fact.met_by


def _value_fault(detail: str, question: Question, value: DetailValue) -> tuple[str, str] | None:
    """The rule that the value breaks, and the explanation; None if it is a possible value."""
    fits, form = _FORMS[question.form]
    if not fits(value):
        return "detail-form", f"The value of {detail} must be {form}"
    if question.form is Form.NUMBER and not question.at_least <= int(str(value)) <= question.at_most:
        return "detail-limits", f"{detail} must be from {question.at_least} to {question.at_most}"
    if question.form in (Form.CHOICE, Form.CHOICES):
        chosen = value if isinstance(value, list) else [str(value)]
        unknown = next((code for code in chosen if code not in question.values), None)
        if unknown is not None:
            return "unknown-value", f"{detail} has no such value{_near(unknown, question.values)}"
    return None


def _is_number(value: DetailValue) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_different_texts(value: DetailValue) -> bool:
    return isinstance(value, list) and len(set(value)) == len(value)


def _are_languages(value: DetailValue) -> bool:
    return _are_different_texts(value) and all(_LANGUAGE.fullmatch(one) for one in value)  # type: ignore[union-attr]


def _is_place(value: DetailValue) -> bool:
    return isinstance(value, str) and _PLACE.fullmatch(value) is not None


_FORMS: Final[Mapping[Form, tuple[Callable[[DetailValue], bool], str]]] = {
    Form.CHOICE: (lambda value: isinstance(value, str), "one code"),
    Form.CHOICES: (_are_different_texts, "a list of different codes"),
    Form.NUMBER: (_is_number, "a whole number"),
    Form.PLACE: (_is_place, "a place code, such as GT01"),
    Form.LANGUAGES: (_are_languages, "a list of different languages (ISO 639-3)"),
    Form.YES_NO: (lambda value: isinstance(value, bool), "true or false"),
}


def _near(code: str, valid: Collection[str]) -> str:
    """The end of a sentence: the valid codes that are most like this one; the first ones if none is."""
    near = get_close_matches(code, valid, n=_NEAREST, cutoff=_LIKENESS) or sorted(valid)[:_NEAREST]
    return f"; the nearest are {', '.join(near)}" if near else ""
