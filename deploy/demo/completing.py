"""The data that a decline and a completion must contain, as the services of the demo and the simulation send them."""

from collections.abc import Mapping
from typing import Final

from deploy.demo.client import Caller
from libs.events.codes import DeclineReason

FACTS: Final[dict[str, bool | int]] = {"document_issued": True, "nights_stayed": 2, "certificate_awarded": True}
"""The completion facts that the invented services state."""


def decline_body(reason: DeclineReason) -> dict[str, str]:
    """The body of a decline with this reason; the reason `other` needs a note."""
    note = {"note": "Said by an invented partner"} if reason is DeclineReason.OTHER else {}
    return {"reason": reason.value, **note}


async def facts_of(
    referral_id: str, caller: Caller, *, url: str, known: Mapping[str, bool | int] = FACTS
) -> dict[str, bool | int]:
    """The facts of `known` that a service of this referral's type must state when it completes."""
    service_type = (await caller.get(f"{url}/v1/referrals/{referral_id}"))["service_type"]
    wanted = (await caller.get(f"{url}/v1/referrals/completion-facts"))["completion_facts"].get(service_type, [])
    return {fact: known[fact] for fact in wanted}
