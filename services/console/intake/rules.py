"""What the forms about a person begin with, and the texts of the slip in the languages of the people (pure).

The slip is read by the person and not by the clerk, so its texts are not in the catalogues of the console. A language
is added only by somebody who speaks it: for the others the slip is in Spanish and is read to the person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Final

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Slip:
    """The texts of the slip. None of them says what a person needs, who they are, or that they have returned."""

    own_name: str
    title: str
    keep: str
    next_title: str
    next_steps: Sequence[str]
    rights_title: str
    rights: Sequence[str]


SLIPS: Final[Mapping[str, Slip]] = {
    "es": Slip(
        own_name="Español",
        title="Su código",
        keep="Guarde este papel. Muestre el código solo a personas de su confianza.",
        next_title="Qué pasa ahora",
        next_steps=(
            "Buscamos quién puede ayudarle.",
            "Le avisamos solo de la manera que usted nos dijo que es segura.",
            "Cuando le avisemos, diga este código. No hace falta decir nada más.",
            "Si pasan tres días sin noticias, pregunte con este código donde se lo dieron.",
        ),
        rights_title="Usted decide",
        rights=(
            "La ayuda es gratuita. Nadie puede pedirle dinero ni favores por ella.",
            "Puede decir que no, cambiar de opinión y retirar un permiso en cualquier momento.",
            "Puede preguntar qué datos suyos tenemos y quién los ha visto.",
        ),
    ),
    "en": Slip(
        own_name="English",
        title="Your code",
        keep="Keep this paper. Show the code only to people whom you trust.",
        next_title="What happens next",
        next_steps=(
            "We look for somebody who can help you.",
            "We contact you only in the way that you told us is safe.",
            "When we contact you, say this code. You need to say nothing more.",
            "If you hear nothing for three days, ask with this code where you got it.",
        ),
        rights_title="You decide",
        rights=(
            "The help is free. Nobody may ask you for money or favours for it.",
            "You can say no, change your mind, and take back a permission at any time.",
            "You can ask which data about you we have, and who has seen them.",
        ),
    ),
}
_SHORT: Final = {"spa": "es", "eng": "en"}
FALLBACK: Final = "es"


def text_language(languages: Sequence[str], texts: Mapping[str, Any]) -> tuple[str, bool]:
    """The language of these texts for a person who speaks these languages, and whether the person speaks it.

    The texts in Spanish stand in for those that do not exist.
    """
    for language in languages:
        if _SHORT.get(language, language) in texts:
            return _SHORT.get(language, language), True
    return FALLBACK, False


def profile_values(row: Row) -> dict[str, list[str]]:
    """What the form for the profile begins with."""
    profile, facts = row["profile"], row["return_facts"]
    values = {name: list(profile[name]) for name in _LISTS}
    values |= {"client_kind": [profile["client_kind"]], "destination": [profile["destination"] or ""]}
    values |= {f"return_{name}": [facts.get(name) or ""] for name in ("kind", "order", "mode")}
    return {**values, "return_signs": list(facts.get("signs") or ())}


_LISTS: Final = ("documents_held", "languages", "access_needs", "protection_flags", "avoid_places")


def identity_values(row: Row) -> dict[str, list[str]]:
    """What the form for names and age begins with. The age group is empty: only a new statement is sent."""
    identity, profile = row["identity"], row["profile"]
    names = ("given_names", "family_names", "birth_date", "document_number")
    values = {name: [identity[name] or ""] for name in names}
    values |= {name: [profile[name] or ""] for name in ("sex", "nationality", "identity_document")}
    return {**values, "age_group": [""], "age_basis": [profile["age_basis"] or "own_word"]}


def with_present(options: Sequence[tuple[str, str]], present: Sequence[str]) -> list[tuple[str, str]]:
    """The options, and those values that are chosen at present and not among them, so that saving does not lose them.

    A place inside an area has the name of its area and its own code.
    """
    names = dict(options)
    more = [(code, " ".join(filter(None, (names.get(code[:4]), code)))) for code in present if code not in names]
    return [*options, *more]


def typed_codes(values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The case codes of people whom the form for the household lists, by id."""
    return {name.removeprefix("code_"): one[0] for name, one in values.items() if name.startswith("code_") and one}


def with_member(fields: Mapping[str, Sequence[str]], member: tuple[str, str] | None) -> dict[str, list[str]]:
    """The fields of the form for the household with one more member; the field for the search is empty again then."""
    values = {name: list(one) for name, one in fields.items() if name not in ("csrf", "form_key")}
    if member is not None:
        id, code = member
        values["member"] = list(dict.fromkeys([*values.get("member", ()), id]))
        values |= {f"code_{id}": [code], "case_code": [""]}
    return values


def end_of_day(told: str | None, *, zone: tzinfo) -> str | None:
    """The end of a typed day in this zone. A text that is no day stays as it is, and the service refuses it."""
    if not told:
        return None
    try:
        after = date.fromisoformat(told) + timedelta(days=1)
    except (ValueError, OverflowError):
        return told
    return datetime.combine(after, time.min, tzinfo=zone).isoformat()
