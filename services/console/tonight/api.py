"""The page and the part of it that refreshes itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.console.pages import render
from services.console.people import Person, seen_by
from services.console.tonight import queries

router = APIRouter(include_in_schema=False)
Watcher = Annotated[Person, seen_by("progress:read")]


@router.get("/tonight")
async def read_tonight(request: Request, person: Watcher) -> Response:
    """The state of the network now."""
    return render(request, "tonight/page.html", person=person, **await queries.read(person))


@router.get("/tonight/now")
async def read_now(request: Request, person: Watcher) -> Response:
    """The numbers alone: what the page asks for while it is open."""
    return render(request, "tonight/now.html", person=person, **await queries.read(person))
