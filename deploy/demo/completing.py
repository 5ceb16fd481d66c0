"""The data that a decline and a completion must contain, as the services of the demo and the simulation send them."""

from collections.abc import Mapping
from typing import Any

from deploy.demo.client import Caller
from libs.events.codes import DeclineReason

Facts = dict[str, bool | int | str]
"""What a completion states, by fact."""


def decline_body(reason: DeclineReason) -> dict[str, str]:
    """The body of a decline with this reason; the reason `other` needs a note."""
    note = {"note": "Said by an invented partner"} if reason is DeclineReason.OTHER else {}
    return {"reason": reason.value, **note}


def facts_to_state(
    wanted: Mapping[str, Any], *, offered_kind: str | None, service_type: str | None, known: Mapping[str, int]
) -> Facts:
    """The facts that a completion must state, with answers that meet the need; those of `known` have that answer.

    `wanted` is the answer to `GET /v1/referrals/completion-facts`.
    """
    by_type, by_kind = wanted["completion_facts"], wanted["by_kind"]
    names = by_type.get(service_type, []) if offered_kind is None else by_kind.get(offered_kind, [])
    return {fact: known[fact] if fact in known else wanted["met_by"].get(fact, [True])[0] for fact in names}


async def facts_of(referral_id: str, caller: Caller, *, url: str, known: Mapping[str, int] | None = None) -> Facts:
    """The facts that the completion of this referral must state."""
    referral = await caller.get(f"{url}/v1/referrals/{referral_id}")
    wanted = await caller.get(f"{url}/v1/referrals/completion-facts")
    kind, service_type = referral["offered_kind"], referral["service_type"]
    return facts_to_state(wanted, offered_kind=kind, service_type=service_type, known=known or {})
