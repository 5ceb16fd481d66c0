"""Forms that a browser sends. Each carries the token of its session (against forged requests) and a key of its own, so
that a double click or a reload repeats nothing (`Idempotency-Key` of the services)."""

from __future__ import annotations

import hmac
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile

from libs.chassis.errors import InvalidInput
from services.console.errors import Problem, SignedOut
from services.console.filled import Filled
from services.console.people import Person, console_of, require, session_of

CSRF_FIELD: Final = "csrf"
KEY_FIELD: Final = "form_key"
NOT_KEPT: Final = "answer"
"""The name of fields that no page shows again, also not for sending the form again: somebody else may sit there now."""
ABOUT_PERSON: Final = "about_person"
"""The name of fields with words about a person. A refused form shows them again to who typed them. They are not kept
for sending the form again after the session has ended."""
_OWN_FIELDS: Final = frozenset({CSRF_FIELD, NOT_KEPT, ABOUT_PERSON})
_MOST_FIELDS: Final = 500
_NUMBER: Final = re.compile("-?[0-9]{1,9}")
_NOT_IN_A_CODE: Final = re.compile(r"[\s–—-]+")


class FormOutdated(Exception):  # noqa: N818 (a state)
    """The form belongs to another session of this browser, for example to one that ended before the form was sent."""


class ForeignForm(Exception):  # noqa: N818 (a refusal is not an error)
    """Another site has sent the form."""


@dataclass(frozen=True)
class Form:
    """The fields of a form that this session has sent."""

    person: Person
    fields: Mapping[str, Sequence[str]]

    @property
    def key(self) -> str:
        """The form's own key. Every repetition of the same form has the same key."""
        return self.text(KEY_FIELD) or str(uuid.uuid4())

    def text(self, name: str) -> str:
        """The field without blanks around it; an empty text if it was not sent."""
        values = self.fields.get(name, ())
        return values[0].strip() if values else ""

    def optional(self, name: str) -> str | None:
        """The field; None if it is empty."""
        return self.text(name) or None

    def all(self, name: str) -> list[str]:
        """All values of a field that may occur several times, without empty ones."""
        return [value.strip() for value in self.fields.get(name, ()) if value.strip()]

    def number(self, name: str) -> int | str | None:
        """The field as a whole number; as it was typed if it is none, so that the service names the mistake."""
        told = self.text(name)
        if not told:
            return None
        return int(told) if _NUMBER.fullmatch(told) else told

    def moment(self, name: str) -> str:
        """A time that was typed in the zone of the pack, with its zone; as it was typed if it is no time, so that the
        service names the mistake."""
        told = self.text(name)
        try:
            return datetime.fromisoformat(told).replace(tzinfo=self.person.console.pack.zone).isoformat()
        except ValueError:
            return told

    def ticked(self, name: str) -> bool:
        """Whether a box was ticked."""
        return bool(self.text(name))


def case_code(typed: str) -> str:
    """A case code as people type it, with the lines between its parts."""
    plain = _NOT_IN_A_CODE.sub("", typed).upper()
    return "-".join((plain[:2], plain[2:6], plain[6:])) if plain else ""


def refilled(form: Form, problem: Problem, pointers: Mapping[str, str] | None = None) -> Filled:
    """The same form again after a refusal: nothing that was typed is lost. It gets a new key, because the service has
    not done what the old one stood for."""
    typed = {name: values for name, values in form.fields.items() if name not in (CSRF_FIELD, KEY_FIELD, NOT_KEPT)}
    return Filled(values=typed, problem=problem, pointers=pointers or {})


async def sent_fields(request: Request) -> dict[str, list[str]]:
    """The fields of the request's form, kept for the page that is shown if the session has ended."""
    kept: dict[str, list[str]] | None = getattr(request.state, "fields", None)
    if kept is not None:
        return kept
    form: FormData = await request.form(max_files=0, max_fields=_MOST_FIELDS)
    fields: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            continue
        if "\0" in value or "\0" in name:
            raise InvalidInput("The form contains a NUL character.", pointer="")
        fields.setdefault(name, []).append(value)
    request.state.fields = fields
    return fields


def typed_fields(request: Request) -> list[tuple[str, str]]:
    """What the person has typed, without the session's token: for the page that asks to send it again."""
    fields: Mapping[str, Sequence[str]] = getattr(request.state, "fields", {})
    return [(name, value) for name, values in fields.items() if name not in _OWN_FIELDS for value in values]


async def read_form(request: Request) -> Form:
    """The form of a person who is signed in. Raises SignedOut, FormOutdated or ForeignForm."""
    _refuse_foreign(request)
    fields = await sent_fields(request)
    session = session_of(request)
    if session is None:
        raise SignedOut
    told = (fields.get(CSRF_FIELD) or [""])[0]
    if not hmac.compare_digest(told.encode(), session.csrf.encode()):
        raise FormOutdated
    person = Person(request, session, console_of(request))
    await person.token()
    return Form(person, fields)


def _refuse_foreign(request: Request) -> None:
    """Browsers say which site sends a form (Fetch Metadata, Origin); only the console itself may."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site not in (None, "same-origin", "none"):
        raise ForeignForm
    if origin is not None and origin != console_of(request).settings.console_url:
        raise ForeignForm


SentForm = Annotated[Form, Depends(read_form)]


def sent_by(*scopes: str, staff: bool = False) -> Any:
    """A dependency: a form whose sender holds all of these scopes, as `seen_by` for pages."""

    async def admitted(form: SentForm) -> Form:
        require(form.person, *scopes, staff=staff)
        return form

    return Depends(admitted)
