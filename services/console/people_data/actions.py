"""Finds a person, withdraws a consent, erases a person."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from services.console.calls import Service
from services.console.errors import FieldFault, Problem, Refused
from services.console.forms import Form, case_code
from services.console.intake.queries import id_of
from services.console.people_data.queries import Subject, path_of

SEARCH_POINTERS: Final = {"/case_code": "case_code"}


def _fault(rule: str) -> Refused:
    faults = [FieldFault("/case_code", rule, "")]
    return Refused(Problem(Service.REGISTRATION, 422, "invalid-input", "", faults))


async def find(form: Form) -> str:
    """The id of the person with the case code of the form. Raises Refused."""
    return await id_of(form.person, form.text("case_code"))


async def withdraw_consent(form: Form, returnee_id: UUID, consent_id: UUID) -> None:
    """The person takes a consent back."""
    path = f"{path_of(returnee_id)}/consents/{consent_id}/withdraw"
    await form.person.calls.send("POST", Service.REGISTRATION, path, key=form.key)


async def erase(form: Form, about: Subject) -> None:
    """Erase the person if the typed case code is theirs. Raises Refused."""
    if about.case_code is None or case_code(form.text("case_code")) != about.case_code:
        raise _fault("case-code-differs")
    if not form.ticked("understood"):
        raise Refused(
            Problem(Service.REGISTRATION, 422, "invalid-input", "", [FieldFault("/understood", "missing", "")])
        )
    await form.person.calls.send("POST", Service.REGISTRATION, f"{path_of(about.id)}/erasure", key=form.key)
