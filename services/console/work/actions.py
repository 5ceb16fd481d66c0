"""What a desk decides. Each action is one call of the API; the form's key makes a repetition harmless."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from services.console.answers import Json
from services.console.calls import Service
from services.console.errors import NoSuchPage, Refused
from services.console.forms import Form
from services.console.words import N_

REFERRAL: Final = Service.REFERRAL
EXIT_ITEMS: Final = ("family_reached", "money", "transport", "next_address", "documents")


def _fields(*names: str, optional: tuple[str, ...] = ()) -> Callable[[Form], Json]:
    def read(form: Form) -> Json:
        told: Json = {name: form.text(name) for name in names}
        return told | {name: form.text(name) for name in optional if form.text(name)}

    return read


def _plan(form: Form) -> Json:
    return {"next_step": form.text("next_step"), "items": {item: form.text(item) for item in EXIT_ITEMS}}


def _extension(form: Form) -> Json:
    return {"hours": form.number("hours"), "reason": form.text("reason")}


@dataclass(frozen=True, slots=True)
class Act:
    """An action: its call, the scope it needs, and what the next page says about it."""

    scope: str
    path: str
    done: str
    body: Callable[[Form], Json] | None = None
    method: str = "POST"
    conditional: bool = False
    """Whether the call names the version that the person has seen (`If-Match`)."""
    pointers: Mapping[str, str] = field(default_factory=dict)
    """The fields whose names in the form differ from those of the API; all others are equal."""


ACTS: Final[Mapping[tuple[str, str], Act]] = {
    ("needs", "acknowledge"): Act(
        "needs:write", "/v1/needs/{id}/acknowledge", N_("It is recorded that the desk works on it.")
    ),
    ("needs", "assign"): Act(
        "needs:write", "/v1/needs/{id}/assign", N_("The need was assigned to the desk."), _fields("owner")
    ),
    ("needs", "refuse"): Act(
        "needs:write", "/v1/needs/{id}/refuse", N_("It is recorded that the person does not want help with it.")
    ),
    ("needs", "close"): Act("needs:write", "/v1/needs/{id}/close", N_("The need was closed."), _fields("reason")),
    ("needs", "reopen"): Act("needs:write", "/v1/needs/{id}/reopen", N_("The need is open again.")),
    ("needs", "seek-again"): Act(
        "needs:write", "/v1/needs/{id}/seek-again", N_("A service is being looked for again.")
    ),
    ("needs", "set-prerequisite"): Act(
        "needs:write",
        "/v1/needs/{id}/prerequisite",
        N_("The need waits for the other one now."),
        _fields("need_id"),
        method="PUT",
    ),
    ("needs", "remove-prerequisite"): Act(
        "needs:write",
        "/v1/needs/{id}/prerequisite",
        N_("The need does not wait for another one any more."),
        method="DELETE",
    ),
    ("referrals", "override"): Act(
        "referrals:write",
        "/v1/referrals/{id}/override",
        N_("The need was offered to the service that you chose."),
        _fields("provider_service_id", "reason"),
    ),
    ("referrals", "cancel"): Act(
        "referrals:write", "/v1/referrals/{id}/cancel", N_("The referral was cancelled."), _fields("reason")
    ),
    ("referrals", "enter-in-error"): Act(
        "referrals:write",
        "/v1/referrals/{id}/enter-in-error",
        N_("The referral was marked as recorded by mistake."),
        _fields(optional=("note",)),
    ),
    ("referrals", "uphold"): Act(
        "referrals:write", "/v1/referrals/{id}/uphold", N_("The accepted offer goes on."), _fields("reason")
    ),
    ("referrals", "search-attempt"): Act(
        "needs:write",
        "/v1/referrals/{id}/search-attempts",
        N_("The attempt was recorded."),
        _fields("channel", "result", optional=("note",)),
    ),
    ("referrals", "plan"): Act(
        "referrals:write",
        "/v1/referrals/{id}/stay",
        N_("The exit plan was saved."),
        _plan,
        method="PUT",
        conditional=True,
        pointers={f"/items/{item}": item for item in EXIT_ITEMS},
    ),
    ("referrals", "extend"): Act(
        "referrals:write", "/v1/referrals/{id}/stay/extend", N_("The stay was extended."), _extension
    ),
    ("reviews", "approve"): Act(
        "reviews:decide",
        "/v1/reviews/{id}/approve",
        N_("Approved. A service is being looked for."),
        _fields(optional=("note",)),
    ),
    ("reviews", "reject"): Act(
        "reviews:decide",
        "/v1/reviews/{id}/reject",
        N_("Rejected. Nothing is offered, and the desk stays responsible."),
        _fields(optional=("note",)),
    ),
    ("reviews", "resolve"): Act(
        "reviews:decide", "/v1/reviews/{id}/resolve", N_("The review was closed."), _fields("note")
    ),
    ("reviews", "decide-age"): Act(
        "ages:decide",
        "/v1/reviews/{id}/decide-age",
        N_("The decision about the age was recorded."),
        _fields("group", "basis", optional=("note", "returnee_id")),
    ),
    ("returnees", "end-journey"): Act(
        "needs:write",
        "/v1/returnees/{id}/journey/end",
        N_("It is recorded that the journey has ended. All needs of the person ended with it."),
        _fields("reason"),
    ),
    ("returnees", "reopen-journey"): Act(
        "needs:write",
        "/v1/returnees/{id}/journey/reopen",
        N_("The journey goes on. The needs that ended with it are open again."),
    ),
}


def act_of(form: Form, of: str, name: str) -> Act:
    """The action of this name. Raises NoSuchPage if there is none, or if the person has no right to it."""
    act = ACTS.get((of, name))
    if act is None or not form.person.rights.staff or not form.person.may(act.scope):
        raise NoSuchPage
    return act


def pointers_of(act: Act, form: Form) -> Mapping[str, str]:
    """The names of the form's fields by the API's pointers."""
    told = {} if act.body is None else act.body(form)
    return {f"/{name}": name for name in told} | dict(act.pointers)


async def carry_out(form: Form, act: Act, id: UUID) -> None:
    """Do it. Raises Refused."""
    body = None if act.body is None else act.body(form)
    path = act.path.format(id=id)
    etag = form.optional("etag") if act.conditional else None
    try:
        await form.person.calls.send(act.method, REFERRAL, path, body, key=form.key, etag=etag)
    except Refused as refused:
        if not (act.conditional and refused.problem.code == "version-mismatch"):
            raise
        if not await _is_done_already(form, path, body):
            raise


async def _is_done_already(form: Form, path: str, body: Any) -> bool:
    """Whether the plan is already what this form says, because the form was sent twice: then nothing is wrong."""
    stay = (await form.person.calls.get(REFERRAL, path)).body
    present = {item: one["status"] for item, one in stay["items"].items()}
    return bool(body == {"next_step": stay["next_step"], "items": present})


async def hand_over(form: Form) -> str:
    """Transfer needs of a desk to another; returns the id of the hand-over.

    A chosen need is told as `desk:need`, because a list can show needs of several desks.
    """
    sender = form.text("from")
    body: Json = {"from": sender, "to": form.text("to"), "reason": form.text("reason")}
    if form.text("which") == "person":
        body["returnee_id"] = form.text("returnee_id")
    elif form.text("which") == "chosen":
        told = [one.partition(":") for one in form.all("need")]
        body["need_ids"] = [need_id for desk, _, need_id in told if desk == sender]
    answer = await form.person.calls.send("POST", REFERRAL, "/v1/work-lists/hand-over", body, key=form.key)
    return str(answer.body["id"])


async def add_absence(form: Form, desk: str) -> None:
    """Name a deputy for a period."""
    body = {
        "deputy": form.text("deputy"),
        "starts_at": form.moment("starts_at"),
        "ends_at": form.moment("ends_at"),
        "reason": form.text("reason"),
    }
    await form.person.calls.send("POST", REFERRAL, f"/v1/desks/{desk}/absences", body, key=form.key)


async def remove_absence(form: Form, desk: str, absence_id: UUID) -> None:
    """End an absence now, or cancel it. One that has ended already is no fault: a form may be sent twice."""
    try:
        await form.person.calls.send("DELETE", REFERRAL, f"/v1/desks/{desk}/absences/{absence_id}", key=form.key)
    except Refused as refused:
        if refused.problem.status != 404:
            raise
