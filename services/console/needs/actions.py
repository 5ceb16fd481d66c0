"""Reports needs, says what exactly is needed, and withdraws needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from services.console.answers import Json
from services.console.calls import Answer, Service
from services.console.forms import Form
from services.console.intake.queries import path_of
from services.console.needs import rules

REPORT_POINTERS: Final = {
    "/category": "what",
    "/kind": "what",
    "/urgency": "urgency",
    "/people_count": "people_count",
    "/after_category": "after_category",
    "/second_reason": "second_reason",
}


def details_of(form: Form, document: Mapping[str, Any]) -> list[Json]:
    """The answers to the questions of the chosen kind."""
    asked = rules.questions(document, rules.split(form.text("what"))[1])
    return rules.answers(asked, one=form.text, several=form.all, number=form.number)


async def report(form: Form, returnee_id: UUID, document: Mapping[str, Any]) -> Answer:
    """Report a need. Status 200 instead of 201 means that it was open already."""
    category, kind = rules.split(form.text("what"))
    told = {
        "category": category,
        "kind": kind,
        "urgency": form.text("urgency"),
        "people_count": form.number("people_count"),
        "after_category": form.text("after_category"),
        "second_reason": form.text("second_reason"),
        "detail_values": details_of(form, document),
    }
    body = {name: value for name, value in told.items() if value not in (None, "", [])}
    return await form.person.calls.send(
        "POST", Service.REGISTRATION, f"{path_of(returnee_id)}/needs", body, key=form.key
    )


async def refine(form: Form, returnee_id: UUID, need_id: UUID, document: Mapping[str, Any]) -> None:
    """Say what exactly is needed."""
    body: Json = {"kind": rules.split(form.text("what"))[1] or ""}
    details = details_of(form, document)
    if details:
        body["detail_values"] = details
    path = f"{path_of(returnee_id)}/needs/{need_id}/refine"
    await form.person.calls.send("POST", Service.REGISTRATION, path, body, key=form.key)


async def withdraw(form: Form, returnee_id: UUID, need_id: UUID) -> None:
    """The person does not want it any more, or it was an error."""
    path = f"{path_of(returnee_id)}/needs/{need_id}/withdraw"
    await form.person.calls.send("POST", Service.REGISTRATION, path, key=form.key)
