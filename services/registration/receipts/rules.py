"""What a receipt says, in the languages that exist, and its page (pure).

A person takes the page along, and somebody else may find it. So it names the person only by the case code. The page
loads nothing and runs nothing. A language is added only by somebody who speaks it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from html import escape
from typing import Final

from babel.dates import format_date

_NAME = re.compile(r"\{([a-z_]+)\}")


class ReceiptLanguage(StrEnum):
    """The languages in which the texts of a receipt exist."""

    ES = "es"
    EN = "en"


OF_SPEAKERS: Final[Mapping[str, ReceiptLanguage]] = {"spa": ReceiptLanguage.ES, "eng": ReceiptLanguage.EN}
"""The text for each language that a person speaks (ISO 639-3)."""
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""The Content Security Policy of the page."""


@dataclass(frozen=True, slots=True)
class ReceiptFacts:
    """The facts of a receipt, as they are stored."""

    consent_id: str
    case_code: str
    discloser: str
    purpose: str
    recipient_class: str | None
    recipient_name: str | None
    """The name of the only organisation that the consent is for."""
    data_described: str
    given_by: str
    method: str
    staff_reference: str
    witness_reference: str | None
    given_at: datetime
    """In the time zone of the reception, like the other times."""
    expires_at: datetime
    withdrawn_at: datetime | None
    standing: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One element of the consent: its code, its name in the language of the receipt, and what it is."""

    element: str
    label: str
    text: str


def filled(text: str, **values: object) -> str:
    """The text with these values in place of `{name}`. A value is never read for names again."""
    return _NAME.sub(lambda found: str(values[found[1]]), text)


def language_of(
    spoken: Sequence[str], *, explained_in: str, known: Sequence[str], wanted: ReceiptLanguage | None
) -> tuple[ReceiptLanguage, bool]:
    """The language of the receipt, and whether it is one of the person's.

    The wanted one; otherwise the first that the person speaks, or in which the consent was explained, and in which the
    pack (`known`) and these texts exist; otherwise the first of the pack.
    """
    theirs = [OF_SPEAKERS[one] for one in (*spoken, explained_in) if one in OF_SPEAKERS]
    if wanted is not None:
        return wanted, wanted in theirs
    of_pack = [one for one in ReceiptLanguage if one.value in known]
    for language in theirs:
        if language in of_pack:
            return language, True
    first = next((one for one in known if one in of_pack), ReceiptLanguage.ES)
    return ReceiptLanguage(first), False


def lines_of(facts: ReceiptFacts, language: ReceiptLanguage) -> list[Line]:
    """The nine elements of the consent (domain P2), and how it stands."""
    words = _WORDS[language]

    def line(element: str, text: str) -> Line:
        return Line(element, words[f"label.{element}"], text)

    return [
        line("subject", facts.case_code),
        line("purpose", words[f"purpose.{facts.purpose}"]),
        line("recipients", _recipients(facts, language)),
        line("data", facts.data_described),
        line("discloser", filled(words["discloser"], source=facts.discloser)),
        line("given_by", f"{words[f'given_by.{facts.given_by}']}, {words[f'method.{facts.method}']}"),
        line("date", _date(facts, language)),
        line("expiry", _day(facts.expires_at, language)),
        line("withdrawal", words["withdrawal"]),
        line("state", _state(facts, language)),
    ]


def texts_of(facts: ReceiptFacts, language: ReceiptLanguage, *, is_theirs: bool) -> dict[str, str]:
    """The title and the sentences around the elements."""
    words = _WORDS[language]
    return {
        "title": words["title"],
        "rights": words["rights"],
        "number": filled(words["number"], consent_id=facts.consent_id),
        "notice": "" if is_theirs else words["notice"],
    }


def page_of(lines: Sequence[Line], texts: Mapping[str, str], language: ReceiptLanguage) -> str:
    """The page to print. Everything is escaped, and each value is isolated, so that marks of direction in it have no
    effect outside."""
    rows = "".join(f"<dt>{escape(one.label)}</dt><dd><bdi>{escape(one.text)}</bdi></dd>" for one in lines)
    notice = f"<p><strong>{escape(texts['notice'])}</strong></p>" if texts["notice"] else ""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(texts["title"])}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(texts['title'])}</h1>{notice}<dl>{rows}</dl>"
        f"<p>{escape(texts['rights'])}</p><p><small>{escape(texts['number'])}</small></p></body></html>"
    )


def _recipients(facts: ReceiptFacts, language: ReceiptLanguage) -> str:
    words = _WORDS[language]
    if facts.recipient_class is not None:
        return words[f"recipients.{facts.recipient_class}"]
    return filled(words["recipients.one"], organization=facts.recipient_name)


def _date(facts: ReceiptFacts, language: ReceiptLanguage) -> str:
    words, day = _WORDS[language], _day(facts.given_at, language)
    if facts.witness_reference is None:
        return filled(words["date"], day=day, staff=facts.staff_reference)
    return filled(words["date.heard"], day=day, staff=facts.staff_reference, witness=facts.witness_reference)


def _state(facts: ReceiptFacts, language: ReceiptLanguage) -> str:
    words = _WORDS[language]
    if facts.withdrawn_at is not None:
        return filled(words["state.withdrawn"], day=_day(facts.withdrawn_at, language))
    return words["state.standing" if facts.standing else "state.ended"]


def _day(moment: datetime, language: ReceiptLanguage) -> str:
    return format_date(moment.date(), format="long", locale=language.value)


_STYLE: Final = (
    "body{font:12pt sans-serif;margin:12mm;max-width:170mm}h1{font-size:16pt}"
    "dt{font-weight:bold;margin-top:3mm}dd{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}"
)
_WORDS: Final[Mapping[ReceiptLanguage, Mapping[str, str]]] = {
    ReceiptLanguage.ES: {
        "title": "Recibo de su permiso",
        "label.subject": "De quién son los datos (su código)",
        "label.purpose": "Para qué",
        "label.recipients": "Quién puede recibirlos",
        "label.data": "Qué datos",
        "label.discloser": "Quién los da",
        "label.given_by": "Quién dio el permiso y cómo",
        "label.date": "Cuándo",
        "label.expiry": "Hasta cuándo vale",
        "label.withdrawal": "Cómo retirarlo",
        "label.state": "Estado de hoy",
        "purpose.registration_services": "Para atenderle en la recepción",
        "purpose.referral": "Para encontrarle ayuda",
        "purpose.family_contact": "Para que pueda hablar con su familia",
        "purpose.follow_up": "Para preguntarle más adelante cómo está",
        "purpose.employer_sharing": "Para encontrar trabajo",
        "purpose.statistics": "Para estadísticas, sin su nombre",
        "purpose.research": "Para investigación, sin su nombre",
        "purpose.justice": "Para presentar una denuncia",
        "recipients.providers": "La organización que acepte ayudarle",
        "recipients.family": "Su familia",
        "recipients.network_staff": "El personal de esta red",
        "recipients.employers": "Empresas que dan trabajo",
        "recipients.statistics_office": "La oficina de estadística",
        "recipients.one": "Solo {organization}, y ninguna otra organización",
        "recipients.justice_bodies": "La fiscalía o el juzgado",
        "discloser": "La recepción de esta red (registrado por {source})",
        "given_by.self": "Usted",
        "given_by.guardian": "La madre, el padre o quien tiene la tutela",
        "given_by.authority": "La autoridad que tiene la tutela",
        "method.signature": "con firma",
        "method.voice": "de palabra",
        "method.witnessed": "de palabra, ante testigo",
        "date": "{day}, ante {staff}",
        "date.heard": "{day}, ante {staff}; testigo: {witness}",
        "withdrawal": "Diga «retiro mi permiso» a cualquier persona de esta red o en cualquier centro de recepción."
        " No tiene que dar razones. Basta con su código; este papel ayuda, pero no hace falta. Desde ese momento no se"
        " comparte nada más, y se pide a quien recibió los datos que los borre. Lo que alguien ya leyó no se puede"
        " deshacer.",
        "rights": "Usted decide. Quien dice que no, o retira un permiso, no pierde ninguna ayuda básica. Puede pedir la"
        " lista de quién vio sus datos.",
        "number": "Número del permiso: {consent_id}",
        "notice": "Este texto todavía no existe en el idioma de esta persona. Alguien que lo hable debe leérselo.",
        "state.standing": "Vale.",
        "state.ended": "Ya no vale.",
        "state.withdrawn": "Retirado el {day}.",
    },
    ReceiptLanguage.EN: {
        "title": "Receipt for your permission",
        "label.subject": "Whose data (your code)",
        "label.purpose": "What for",
        "label.recipients": "Who may receive them",
        "label.data": "Which data",
        "label.discloser": "Who gives them",
        "label.given_by": "Who gave the permission, and how",
        "label.date": "When",
        "label.expiry": "Until when it is valid",
        "label.withdrawal": "How to take it back",
        "label.state": "State today",
        "purpose.registration_services": "To look after you at the reception",
        "purpose.referral": "To find help for you",
        "purpose.family_contact": "So that you can talk to your family",
        "purpose.follow_up": "To ask later how you are",
        "purpose.employer_sharing": "To find work",
        "purpose.statistics": "For statistics, without your name",
        "purpose.research": "For research, without your name",
        "purpose.justice": "To make a complaint",
        "recipients.providers": "The organisation that agrees to help you",
        "recipients.family": "Your family",
        "recipients.network_staff": "The staff of this network",
        "recipients.employers": "Employers",
        "recipients.statistics_office": "The statistics office",
        "recipients.one": "Only {organization}, and no other organisation",
        "recipients.justice_bodies": "The prosecutor or the court",
        "discloser": "The reception of this network (recorded by {source})",
        "given_by.self": "You",
        "given_by.guardian": "The mother, the father or the guardian",
        "given_by.authority": "The authority that acts as guardian",
        "method.signature": "signed",
        "method.voice": "spoken",
        "method.witnessed": "spoken before a witness",
        "date": "{day}, before {staff}",
        "date.heard": "{day}, before {staff}; witness: {witness}",
        "withdrawal": "Say «I take back my permission» to anybody of this network or at any reception centre. You do"
        " not have to say why. Your code is enough; this paper helps, but you do not need it. From that moment nothing"
        " more is shared, and those who received the data are asked to delete them. What somebody has already read"
        " cannot be undone.",
        "rights": "You decide. If you say no, or take back a permission, you lose no basic help. You can ask for the"
        " list of those who saw your data.",
        "number": "Number of the permission: {consent_id}",
        "notice": "This text does not exist yet in a language of this person. Somebody who speaks it must read it out.",
        "state.standing": "It is valid.",
        "state.ended": "It is not valid any more.",
        "state.withdrawn": "Taken back on {day}.",
    },
}
