"""What a decline and a completion have to state, and what the demo's and the simulation's services state."""

from collections.abc import Mapping
from typing import Final

from deploy.demo.client import Caller
from libs.events.codes import DeclineReason

FACTS: Final[dict[str, bool | int]] = {"document_issued": True, "nights_stayed": 2, "certificate_awarded": True}
"""What invented services state when they are done."""


def decline_body(reason: DeclineReason) -> dict[str, str]:
    """A decline for this reason; `other` has to be put in words."""
    note = {"note": "Said by an invented partner"} if reason is DeclineReason.OTHER else {}
    return {"reason": reason.value, **note}


async def facts_of(
    referral_id: str, caller: Caller, *, url: str, known: Mapping[str, bool | int] = FACTS
) -> dict[str, bool | int]:
    """The facts that the type of this referral's service has to state, of those that are known."""
    service_type = (await caller.get(f"{url}/v1/referrals/{referral_id}"))["service_type"]
    wanted = (await caller.get(f"{url}/v1/referrals/completion-facts"))["completion_facts"].get(service_type, [])
    return {fact: known[fact] for fact in wanted}
