"""Asks for access in an emergency, decides as the second person, reviews."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from services.console.calls import Service
from services.console.emergencies.queries import PATH
from services.console.errors import FieldFault, Problem, Refused
from services.console.forms import ABOUT_PERSON, Form, case_code

POINTERS: Final = {"/case_code": "case_code", "/reason": "reason", "/words": ABOUT_PERSON, "/verdict": "verdict"}


async def ask(form: Form) -> None:
    """Ask for access to the person with this case code. Whom the person excludes is told that the code is wrong."""
    told = {
        "case_code": case_code(form.text("case_code")),
        "reason": form.text("reason"),
        "words": form.text(ABOUT_PERSON),
    }
    body = {name: value for name, value in told.items() if value}
    try:
        await form.person.calls.send("POST", Service.REGISTRATION, PATH, body, key=form.key)
    except Refused as refused:
        if refused.problem.status != 404:
            raise
        faults = [FieldFault("/case_code", "nobody-found", "")]
        raise Refused(Problem(Service.REGISTRATION, 422, "invalid-input", "", faults)) from None


async def decide(form: Form, emergency_id: UUID) -> None:
    """Approve or refuse, as it was read."""
    await _step(form, emergency_id, "decision", {"decision": form.text("decision")})


async def review(form: Form, emergency_id: UUID) -> None:
    """Record what was found."""
    await _step(form, emergency_id, "review", {"verdict": form.text("verdict")} if form.text("verdict") else {})


async def _step(form: Form, emergency_id: UUID, name: str, body: dict[str, str]) -> None:
    path = f"{PATH}/{emergency_id}/{name}"
    await form.person.calls.send("POST", Service.REGISTRATION, path, body, key=form.key, etag=form.text("version"))
