"""The steps of a release: name the relative, hear the child, verify, sign off, hand over, cancel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from services.console.calls import Service
from services.console.forms import ABOUT_PERSON, Form
from services.console.intake.queries import id_of
from services.console.releases import rules
from services.console.releases.queries import PATH
from services.console.sessions import Rights
from services.console.words import N_

BEGIN_POINTERS: Final = {
    "/case_code": "case_code",
    "/relation": "relation",
    "/relative/given_names": "given_names",
    "/relative/family_names": "family_names",
    "/relative/document_number": "document_number",
    "/relative": "given_names",
}
_RELATIVE: Final = ("given_names", "family_names", "document_number")


@dataclass(frozen=True)
class Step:
    """One step: who may take it, what its form sends, and what is said afterwards."""

    may: Callable[[Rights], bool]
    body: Callable[[Form], dict[str, Any]]
    said: str
    pointers: Mapping[str, str]


def _view(form: Form) -> dict[str, Any]:
    told = {name: form.text(name) for name in ("wish", "not_heard_because", "heard_by", "language")}
    return {**told, "heard_at": form.moment("heard_at"), "words": form.text(ABOUT_PERSON)}


def _handover(form: Form) -> dict[str, Any]:
    told = {"relative_shown_by": form.text("relative_shown_by"), "place": form.text("place")}
    moment = form.moment("handed_over_at")
    return {**told, "handed_over_at": moment, "namesake_confirmed": form.ticked("namesake_confirmed")}


STEPS: Final[Mapping[str, Step]] = {
    "child-view": Step(
        rules.is_desk,
        _view,
        N_("What the child says is recorded. The authority signs off after this."),
        {
            **{f"/{name}": name for name in ("wish", "not_heard_because", "heard_by", "heard_at", "language")},
            "/words": ABOUT_PERSON,
        },
    ),
    "verification": Step(
        rules.is_desk,
        lambda form: {"verified": form.all("verified"), "verified_at": form.moment("verified_at")},
        N_("It is recorded that the relative is verified."),
        {"/verified": "verified", "/verified_at": "verified_at"},
    ),
    "sign-off": Step(
        rules.is_authority,
        lambda form: {"reference": form.text("reference")},
        N_("The release is signed off."),
        {"/reference": "reference"},
    ),
    "sign-off-withdrawal": Step(
        rules.is_authority,
        lambda form: {"reason": form.text("withdrawal_reason")},
        N_("The sign-off is withdrawn. The child may not be handed over."),
        {"/reason": "withdrawal_reason"},
    ),
    "handover": Step(
        rules.is_desk,
        _handover,
        N_("It is recorded that the child was handed over."),
        {f"/{name}": name for name in ("handed_over_at", "relative_shown_by", "place")},
    ),
    "cancellation": Step(
        rules.is_desk,
        lambda form: {"reason": form.text("cancellation_reason")},
        N_("The release is cancelled."),
        {"/reason": "cancellation_reason"},
    ),
}


async def begin(form: Form) -> str:
    """Name the relative of the child with this case code; the id of the release. Raises Refused."""
    relative = rules.without_empty({name: form.text(name) for name in _RELATIVE})
    told = {
        "returnee_id": await id_of(form.person, form.text("case_code")),
        "relation": form.text("relation"),
        "relative": relative,
        "namesake_confirmed": form.ticked("namesake_confirmed"),
    }
    body = rules.without_empty(told)
    answer = await form.person.calls.send("POST", Service.REGISTRATION, PATH, body, key=form.key)
    return str(answer.body["id"])


async def take(form: Form, release_id: UUID, name: str) -> None:
    """Take a step on the version that was read."""
    path, body = f"{PATH}/{release_id}/{name}", rules.without_empty(STEPS[name].body(form))
    await form.person.calls.send("POST", Service.REGISTRATION, path, body, key=form.key, etag=form.text("version"))
