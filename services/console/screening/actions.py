"""Opens a screening, saves one answer at a time, and ends it. The console keeps no answer."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from services.console.calls import Service
from services.console.forms import NOT_KEPT, Form
from services.console.screening.queries import address_of
from services.console.screening.rules import value_told

POINTERS: Final = {"/answers/0/value": NOT_KEPT}
ENDS: Final = ("complete", "stop")


async def open_screening(form: Form, returnee_id: UUID) -> None:
    """Open it. After a stop the person must have asked for it."""
    told = {"asked_by_person": form.ticked("asked_by_person")}
    await form.person.calls.send("POST", Service.REGISTRATION, address_of(returnee_id), told, key=form.key)


async def answer(form: Form, returnee_id: UUID) -> None:
    """Save the answer to one question, or that the person does not want to answer it."""
    told = None if form.ticked("no_answer") else value_told(form.text("type"), form.all(NOT_KEPT))
    body = {"answers": [{"question": form.text("question"), "value": told}]}
    await form.person.calls.send(
        "PATCH", Service.REGISTRATION, address_of(returnee_id), body, etag=form.text("version")
    )


async def end(form: Form, returnee_id: UUID) -> None:
    """Complete the screening, or stop it. A stop has no reason."""
    path = f"{address_of(returnee_id)}/end"
    await form.person.calls.send("POST", Service.REGISTRATION, path, {"how": form.text("how")}, key=form.key)
