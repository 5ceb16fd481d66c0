"""The pages of the local issuer for people, in Spanish and English: plain HTML without scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from babel import negotiate_locale
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploy.local.person import Person

FOLDER: Final = Path(__file__).with_name("pages")
STYLE: Final = (FOLDER / "sign-in.css").read_text(encoding="utf-8")
LANGUAGES: Final = ("es", "en")
TEXTS: Final[dict[str, dict[str, str]]] = {
    "es": {
        "title": "Iniciar sesión – Enlace",
        "heading": "¿Quién inicia sesión?",
        "only_here": "Esta página es solo para su propia computadora. Las personas son inventadas y no hay "
        "contraseñas. Una instalación real usa su propio proveedor de OpenID.",
        "nobody": "El paquete del país no tiene personas de muestra (people.yaml).",
        "cancel": "Cancelar",
        "refused": "El inicio de sesión no es posible",
        "refused_text": "La solicitud no es válida. Vuelva a la consola e inicie sesión de nuevo.",
        "signed_out": "Sesión cerrada",
        "signed_out_text": "Puede cerrar esta ventana.",
    },
    "en": {
        "title": "Sign in – Enlace",
        "heading": "Who signs in?",
        "only_here": "This page is for your own machine only. The people are invented and there are no passwords. "
        "A real installation uses its own OpenID provider.",
        "nobody": "The country pack has no sample people (people.yaml).",
        "cancel": "Cancel",
        "refused": "The sign-in is not possible",
        "refused_text": "The request is not valid. Go back to the console and sign in again.",
        "signed_out": "Signed out",
        "signed_out_text": "You can close this window.",
    },
}
ROLES: Final[dict[str, dict[str, str]]] = {
    "es": {
        "reception_clerk": "Recepción",
        "intake_desk": "Mesa de ingreso",
        "lead_desk": "Mesas de instituciones líderes",
        "child_desk": "Mesa de niñez",
        "child_authority": "Autoridad de niñez",
        "restricted_desk": "Mesa de casos restringidos",
        "screener": "Conversaciones protegidas",
        "steward_desk": "Mesa de coordinación de la red",
        "network_steward": "Coordinación de la red",
        "operator": "Operación",
        "data_protection_officer": "Protección de datos",
        "provider": "Organizaciones",
        "restricted_provider": "Organizaciones con servicios restringidos",
    },
    "en": {
        "reception_clerk": "Reception",
        "intake_desk": "Intake desk",
        "lead_desk": "Desks of lead agencies",
        "child_desk": "Desk for children",
        "child_authority": "Authority for children",
        "restricted_desk": "Desk for restricted cases",
        "screener": "Protected conversations",
        "steward_desk": "Desk of the network's steward",
        "network_steward": "Network stewards",
        "operator": "Operators",
        "data_protection_officer": "Data protection",
        "provider": "Organisations",
        "restricted_provider": "Organisations with restricted services",
    },
}
_ENVIRONMENT: Final = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined)


def language_of(request: Request) -> str:
    """The language of the page: what the client asks for (`ui_locales`), or else the browser."""
    asked = request.query_params.get("ui_locales", "").split()
    accepted = [_weighted(part) for part in request.headers.get("accept-language", "").split(",")]
    preferred = [*asked, *(tag for _, tag in sorted(accepted, key=lambda one: -one[0]))]
    return negotiate_locale(preferred, LANGUAGES, sep="-") or LANGUAGES[0]


def _weighted(part: str) -> tuple[float, str]:
    tag, _, weight = part.strip().partition(";q=")
    try:
        return float(weight or 1), tag.strip()
    except ValueError:
        return 0.0, tag.strip()


def sign_in_page(
    language: str,
    people: Iterable[Person],
    *,
    fields: Sequence[tuple[str, str]],
    form_token: str,
    preselected: str,
) -> str:
    """The page that lists the sample people by role."""
    labels, groups = ROLES[language], dict[str, list[Person]]()
    for person in people:
        groups.setdefault(person.roles[0], []).append(person)
    named = [(labels.get(role, role.replace("_", " ")), members) for role, members in groups.items()]
    return _page("sign_in.html", language, fields=fields, form_token=form_token, groups=named, preselected=preselected)


def refused_page(language: str, code: str, *, status: int = 400) -> HTMLResponse:
    """The page for a request that must not be sent back to the client, with the code of the error."""
    return _message(language, "refused", code=code, status=status)


def signed_out_page(language: str) -> HTMLResponse:
    """The page after signing out if the client has named no address to return to."""
    return _message(language, "signed_out")


def _message(language: str, name: str, *, code: str = "", status: int = 200) -> HTMLResponse:
    texts = TEXTS[language]
    page = _page("message.html", language, heading=texts[name], text=texts[f"{name}_text"], code=code)
    return HTMLResponse(page, status_code=status)


def _page(template: str, language: str, **values: Any) -> str:
    return _ENVIRONMENT.get_template(template).render(language=language, texts=TEXTS[language], **values)
