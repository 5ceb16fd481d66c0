"""The calls that change a stay."""

from __future__ import annotations

from services.console.calls import Service
from services.console.errors import Refused
from services.console.forms import Form
from services.console.stays import rules


async def plan_exit(form: Form, referral_id: str) -> None:
    """Replace the exit plan. Refused if somebody has changed it since the form was opened."""
    path = f"/v1/referrals/{referral_id}/stay"
    told = rules.plan(form.text)
    try:
        await form.person.calls.send("PUT", Service.REFERRAL, path, told, etag=form.text("etag"))
    except Refused as refused:
        present = (await form.person.calls.get(Service.REFERRAL, path)).body
        if refused.problem.code != "version-mismatch" or not rules.holds_already(present, told):
            raise


async def extend_stay(form: Form, referral_id: str) -> None:
    """Make the stay longer (staff)."""
    path, body = (
        f"/v1/referrals/{referral_id}/stay/extend",
        {"hours": form.number("hours"), "reason": form.text("reason")},
    )
    await form.person.calls.send("POST", Service.REFERRAL, path, body, key=form.key)
