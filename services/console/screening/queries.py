"""Reads the screening of one person. Registration records each look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.console.answers import Json
from services.console.calls import Service
from services.console.errors import Problem, Refused
from services.console.intake.queries import Registered, path_of, registered
from services.console.people import Person


@dataclass(frozen=True)
class Screened:
    """A person and their screening, if the reader may see it."""

    found: Registered
    row: Json | None
    """None if there is no screening, or if the reader may not see whether there is one (`problem`)."""
    etag: str = ""
    problem: Problem | None = None

    @property
    def path(self) -> str:
        """The page of the screening."""
        return f"{self.found.path}/screening"


def address_of(returnee_id: UUID) -> str:
    """The address of the screening at registration."""
    return f"{path_of(returnee_id)}/screening"


async def screening_of(person: Person, returnee_id: UUID, language: str | None) -> Screened:
    """The screening in this language. Raises Refused if the person does not exist for the reader."""
    found = await registered(person, returnee_id)
    asked = language or next(iter(found.languages), None)
    try:
        answer: Any = await person.calls.get(Service.REGISTRATION, address_of(returnee_id), language=asked)
    except Refused as refused:
        return Screened(found, None, problem=None if refused.problem.status == 404 else refused.problem)
    return Screened(found, answer.body, answer.etag or "")
