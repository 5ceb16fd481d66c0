"""Which facts a completion must state. The pack defines them for each service type. Pure."""

from collections.abc import Collection, Mapping

from libs.chassis.errors import FieldError
from libs.events.codes import Outcome
from services.referral.pack.policy import CompletionFact


def completion_faults(
    required: Collection[CompletionFact], *, outcome: Outcome, stated: Mapping[CompletionFact, bool | int]
) -> list[FieldError]:
    """The errors in these facts: missing, of another service type, or in conflict with the outcome."""
    faults = [
        FieldError(f"/facts/{fact.value}", "required-by-service-type", "This type of service requires this fact")
        for fact in required
        if fact not in stated
    ]
    faults += [
        FieldError(f"/facts/{fact.value}", "not-of-service-type", "This type of service has no such fact")
        for fact in stated
        if fact not in required
    ]
    if outcome is Outcome.NEED_MET and stated.get(CompletionFact.DOCUMENT_ISSUED) is False:
        faults.append(
            FieldError("/outcome", "document-not-issued", "If no document was issued, the outcome cannot be `need_met`")
        )
    return faults
