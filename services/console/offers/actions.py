"""The calls that change something. Each carries the key of its form, so that a repetition has one effect."""

from __future__ import annotations

from typing import Any, Final

from services.console.answers import Json
from services.console.calls import Service
from services.console.forms import Form
from services.console.offers import rules

DECLINE_POINTERS: Final = {"/reason": "reason", "/note": "note"}
COMPLETE_POINTERS: Final = {"/outcome": "outcome", "/given_kind": "given_kind"}


async def _step(form: Form, path: str, body: Any = None) -> Json:
    answer = await form.person.calls.send("POST", Service.REFERRAL, path, body, key=form.key)
    found: Json = answer.body
    return found


async def answer_offer(form: Form, offer_id: str, answer: str) -> Json:
    """Acknowledge or accept an offer."""
    return await _step(form, f"/v1/offers/{offer_id}/{answer}")


async def decline_offer(form: Form, offer_id: str) -> Json:
    """Decline an offer with a coded reason."""
    body = {name: form.text(name) for name in ("reason", "note") if form.text(name)}
    return await _step(form, f"/v1/offers/{offer_id}/decline", body)


async def answer_offers(form: Form) -> rules.Results:
    """The same answer to all chosen offers; each has its own result."""
    chosen, answer = list(dict.fromkeys(form.all("offer")))[: rules.AT_ONCE], form.text("answer")
    body = {"answers": rules.answers(answer, chosen, reason=form.optional("reason"), note=form.optional("note"))}
    told = await _step(form, "/v1/offers/answers", body)
    return rules.results(answer, told["results"], {one: form.text(f"case-{one}") for one in chosen})


async def start_service(form: Form, referral_id: str) -> Json:
    """Report that the service has started."""
    return await _step(form, f"/v1/referrals/{referral_id}/start")


async def complete_service(form: Form, referral_id: str) -> Json:
    """Report the outcome and the facts of a completed service."""
    typed = {name: form.number(name) if name.startswith("number-") else form.text(name) for name in form.fields}
    body: dict[str, Any] = {"outcome": form.text("outcome"), "facts": rules.stated(typed)}
    if form.optional("given_kind"):
        body["given_kind"] = form.text("given_kind")
    return await _step(form, f"/v1/referrals/{referral_id}/complete", body)


async def report_not_delivered(form: Form, referral_id: str) -> Json:
    """Report that an accepted service was not given."""
    return await _step(form, f"/v1/referrals/{referral_id}/not-delivered", {"reason": form.text("reason")})


async def uphold(form: Form, referral_id: str) -> Json:
    """Let a halted offer continue (staff)."""
    return await _step(form, f"/v1/referrals/{referral_id}/uphold", {"reason": form.text("reason")})


async def enter_in_error(form: Form, referral_id: str) -> Json:
    """Mark a referral as recorded by mistake (staff)."""
    note = form.optional("note")
    return await _step(form, f"/v1/referrals/{referral_id}/enter-in-error", {} if note is None else {"note": note})
