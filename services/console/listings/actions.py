"""The calls that change listings. A repetition of a form has one effect."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from services.console.answers import Json
from services.console.calls import Service
from services.console.directory import rules as directory
from services.console.errors import Problem, Refused
from services.console.forms import Form
from services.console.listings import rules
from services.console.listings.queries import Kind, path_of

VALIDITY_POINTERS: Final = {"/valid_until": "valid_until", "category": "category", "/category": "category"}


async def replace(form: Form, kind: Kind, id: UUID, row: Json) -> None:
    """Replace a listing by what the form says."""
    pack = form.person.console.pack
    try:
        if kind == "organizations":
            body = rules.organization_body(row, form)
        elif kind == "locations":
            body = rules.location_body(row, form, country=pack.country)
        else:
            body = rules.service_body(row, form, country=pack.country)
    except rules.Unreadable as unreadable:
        raise Refused(Problem(Service.DIRECTORY, 422, "invalid-input", "", unreadable.faults)) from None
    await _put(form, path_of(kind, id), body)


async def _put(form: Form, path: str, body: Json) -> None:
    calls = form.person.calls
    try:
        await calls.send("PUT", Service.DIRECTORY, path, body, etag=form.optional("etag"))
    except Refused as refused:
        if refused.problem.code != "version-mismatch":
            raise
        present: Any = (await calls.get(Service.DIRECTORY, path)).body
        if not rules.holds_already(present, body):
            raise


async def take_step(form: Form, kind: Kind, id: UUID, row: Json, step: str) -> None:
    """Suspend, resume or withdraw. The status of an organisation is a part of it; a service has a step of its own."""
    if kind == "organizations":
        await _put(form, path_of(kind, id), {**rules.body_of(row), "status": directory.AFTER[step]})
        return
    await form.person.calls.send("POST", Service.DIRECTORY, f"{path_of(kind, id)}/{step}", key=form.key)


async def record_validity(form: Form, organization_id: UUID) -> None:
    """Record an accreditation or agreement with its last valid day."""
    kind, category = form.text("kind"), form.text("category")
    path = path_of("organizations", organization_id)
    told = {"valid_until": form.text("valid_until")}
    calls = form.person.calls
    try:
        await calls.send("PUT", Service.DIRECTORY, f"{path}/{kind}/{category}", told, etag=form.optional("etag"))
    except Refused as refused:
        if refused.problem.code != "version-mismatch":
            raise
        present: Any = (await calls.get(Service.DIRECTORY, path)).body
        if {"category": category, **told} not in present[kind]:
            raise
