"""What is read to a person before they decide, in the languages that exist, and what the record says (pure).

The person hears these texts, not the clerk, so they are not in the catalogues of the console. A language is added only
by somebody who speaks it. Each text names who gets what for which purpose, that nobody loses help by saying no, and
that the permission can be taken back; the form adds who decides, how, until when, and who records it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

RECIPIENTS: Final[Mapping[str, str]] = {
    "referral": "providers",
    "registration_services": "network_staff",
    "family_contact": "family",
    "follow_up": "network_staff",
    "employer_sharing": "employers",
    "statistics": "statistics_office",
    "research": "statistics_office",
    "justice": "justice_bodies",
}
"""The recipients to whom each purpose allows data to be given, in the order in which the form asks."""

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "es": {
        "referral": "Para encontrar ayuda, la organización que acepte ayudarle recibe su nombre, su edad, lo que usted"
        " necesita y cómo localizarle de manera segura. Recibe solo lo necesario para esa ayuda.",
        "registration_services": "El personal de esta red usa su nombre, su edad y lo que usted nos cuenta para"
        " atenderle aquí y para saber qué ayuda le falta.",
        "family_contact": "Para que pueda hablar con su familia o reunirse con ella, damos a su familia su nombre y"
        " dónde puede localizarle. No damos a su familia nada de lo que usted necesita.",
        "follow_up": "El personal de esta red le llama o le escribe más adelante, de la manera segura que usted diga,"
        " para preguntarle si la ayuda llegó y cómo está.",
        "employer_sharing": "Para encontrar trabajo, damos a empresas su nombre, lo que sabe hacer y cómo localizarle."
        " No les damos nada más.",
        "statistics": "La oficina de estadística recibe números sobre las personas que llegan y la ayuda que reciben."
        " No recibe su nombre ni nada que permita reconocerle.",
        "research": "La oficina de estadística da a investigadores números para mejorar la ayuda. No reciben su nombre"
        " ni nada que permita reconocerle.",
        "justice": "Para que usted pueda presentar una denuncia, damos a la fiscalía o al juzgado su nombre y lo que"
        " usted quiera contar. No lo damos a la policía de migración.",
    },
    "en": {
        "referral": "To find help, the organisation that agrees to help you receives your name, your age, what you need"
        " and how to reach you safely. It receives only what that help requires.",
        "registration_services": "The staff of this network use your name, your age and what you tell us to look after"
        " you here and to know which help you still need.",
        "family_contact": "So that you can talk to your family or join them, we tell your family your name and where"
        " they can reach you. We tell your family nothing about what you need.",
        "follow_up": "The staff of this network call or write to you later, in the safe way that you choose, to ask"
        " whether the help reached you and how you are.",
        "employer_sharing": "To find work, we tell employers your name, what you can do and how to reach you. We tell"
        " them nothing else.",
        "statistics": "The statistics office receives numbers about the people who arrive and the help they received."
        " It receives neither your name nor anything by which you could be recognised.",
        "research": "The statistics office gives researchers numbers that help to improve the help. They receive"
        " neither your name nor anything by which you could be recognised.",
        "justice": "So that you can make a complaint, we give the prosecutor or the court your name and what you want"
        " to tell. We do not give it to the migration police.",
    },
}
"""By language and purpose: which data are shared, with whom, for what."""
ALWAYS: Final[Mapping[str, str]] = {
    "es": "Usted decide. Si dice que no, no pierde ninguna ayuda básica. Puede retirar este permiso cuando quiera, aquí"
    " o con cualquier persona de la red, y desde ese momento no se comparte nada más.",
    "en": "You decide. If you say no, you lose no basic help. You can take back this permission whenever you want, here"
    " or with anybody of the network, and from that moment nothing more is shared.",
}
"""What is read with each of them."""
ONLY: Final[Mapping[str, str]] = {
    "es": "Este permiso vale solo para {organization}, y para ninguna otra organización.",
    "en": "This permission is only for {organization}, and for no other organisation.",
}
"""What is read besides if the person allows it to one organisation only."""
OF_ONE: Final = ("referral", "employer_sharing")
"""The purposes for which a person may name one organisation."""
LONG_CODES: Final[Mapping[str, str]] = {"es": "spa", "en": "eng"}
MONTHS: Final = (6, 12, 24)
_DAYS_OF_A_MONTH: Final = 30.4375
_NOT_IN_A_REFERENCE: Final = re.compile(r"[^A-Za-z0-9._:/-]")


def described(purpose: str, language: str, organization: str | None = None) -> str:
    """The words that were read to the person: what the record keeps as the data described."""
    only = "" if organization is None else ONLY[language].replace("{organization}", organization) + " "
    return f"{TEXTS[language][purpose]} {only}{ALWAYS[language]}"


def expires_at(given_at: str, months: str) -> str | None:
    """When a consent ends; None if the form does not say it in a way that can be read."""
    if not months.isdigit() or int(months) not in MONTHS:
        return None
    try:
        given = datetime.fromisoformat(given_at)
    except ValueError:
        return None
    return (given + timedelta(days=round(int(months) * _DAYS_OF_A_MONTH))).isoformat(timespec="seconds")


def staff_reference(subject: str) -> str:
    """The reference of who records a consent: the subject of the token, without characters that are not allowed."""
    return _NOT_IN_A_REFERENCE.sub("-", subject)[:120] or "-"
