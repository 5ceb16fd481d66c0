"""Which kinds are offered, which details are asked, and how answers are told to registration (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Document = Mapping[str, Any]
NO_KIND: Final = ""
_NO_ANSWER: Final = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A category with its kinds, as a list for choice shows them. The value is `category/kind`."""

    name: str
    options: Sequence[tuple[str, str]]


def groups(document: Document, *, unknown: str, category: str | None = None) -> list[Group]:
    """Every category (or this one) with its kinds. `unknown` names the entry for a need whose kind is not known."""
    found = []
    for one in document.get("categories", ()):
        if category not in (None, one["code"]):
            continue
        kinds = [
            (f"{one['code']}/{kind['code']}", kind["label"])
            for kind in document.get("kinds", ())
            if kind["category"] == one["code"] and not kind.get("deprecated_by")
        ]
        open_kind = [] if category else [(f"{one['code']}/", f"{one['label']}: {unknown}")]
        found.append(Group(one["label"], [*kinds, *open_kind]))
    return found


def split(what: str) -> tuple[str, str | None]:
    """Category and kind of a choice."""
    category, _, kind = what.partition("/")
    return category, kind or None


def questions(document: Document, kind: str | None) -> list[Mapping[str, Any]]:
    """The details that this kind asks for, in the order of the taxonomy."""
    found = next((one for one in document.get("kinds", ()) if one["code"] == kind), None)
    asked: Sequence[str] = () if found is None else found["details"]
    details = {one["code"]: one for one in document.get("details", ())}
    return [details[code] for code in asked if code in details]


def is_asked(document: Document, what: str, *, asked: str) -> bool:
    """Whether nothing more has to be asked: the kind has no details, or the form has shown them for this choice."""
    return asked == what or not questions(document, split(what)[1])


def answers(
    asked: Iterable[Mapping[str, Any]],
    *,
    one: Callable[[str], str],
    several: Callable[[str], list[str]],
    number: Callable[[str], int | str | None],
) -> list[dict[str, Any]]:
    """The details that were answered, as registration takes them. A detail without an answer is left out."""
    told = []
    for question in asked:
        name = f"detail_{question['code']}"
        value: Any
        match question["form"]:
            case "choices" | "languages":
                value = several(name)
            case "number":
                value = number(name)
            case "yes_no":
                value = {"yes": True, "no": False}.get(one(name))
            case _:
                value = one(name)
        if value not in (None, _NO_ANSWER, []):
            told.append({"detail": question["code"], "value": value})
    return told


def pointers(told: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The name of the field by the pointer that registration uses for a detail."""
    return {f"/detail_values/{nth}": f"detail_{one['detail']}" for nth, one in enumerate(told)}


def told_words(
    document: Document, details: Sequence[Mapping[str, Any]], *, names: Mapping[str, str], yes: str, no: str
) -> list[tuple[str, str]]:
    """Questions and answers of a need in words. `names` has the names of places and languages."""
    known = {one["code"]: one for one in document.get("details", ())}
    found = []
    for one in details:
        question = known.get(one["detail"])
        values = {} if question is None else {value["code"]: value["label"] for value in question["values"]}
        told = one["value"] if isinstance(one["value"], list) else [one["value"]]
        words = [_word(value, values, names, yes, no) for value in told]
        label = one["detail"].replace("_", " ") if question is None else question["label"]
        found.append((label, ", ".join(words)))
    return found


def _word(value: Any, values: Mapping[str, str], names: Mapping[str, str], yes: str, no: str) -> str:
    if isinstance(value, bool):
        return yes if value else no
    return values.get(value) or names.get(value) or str(value).replace("_", " ")
