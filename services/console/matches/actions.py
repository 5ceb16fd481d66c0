"""Decides about a pair: one person, two people, or a merge that was wrong. Registration never decides by itself."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from services.console.calls import Service
from services.console.forms import Form
from services.console.matches.queries import PATH

MERGE_POINTERS: Final = {"/into": "into", "/reason": "reason"}
DIFFERENT_POINTERS: Final = {"/reason": "different_reason"}


async def _send(form: Form, path: str, body: dict[str, str]) -> None:
    told = {name: value for name, value in body.items() if value}
    await form.person.calls.send("POST", Service.REGISTRATION, path, told, key=form.key, etag=form.text("version"))


async def merge(form: Form, match_id: UUID) -> None:
    """Both records are one person, who continues as `into`."""
    await _send(form, f"{PATH}/{match_id}/merge", {"into": form.text("into"), "reason": form.text("reason")})


async def tell_apart(form: Form, match_id: UUID) -> None:
    """The records are two people."""
    await _send(form, f"{PATH}/{match_id}/different", {"reason": form.text("different_reason")})


async def unmerge(form: Form, returnee_id: UUID) -> None:
    """The merge of this record was wrong. `version` is that of the record, not of the pair."""
    await _send(form, f"/v1/returnees/{returnee_id}/unmerge", {"reason": form.text("different_reason")})
