"""The conditions of steps in the tables of states (`rules.py`), in addition to the state."""

from typing import Final

from services.referral.lifecycles.printed import Guard

GUARDS: Final[dict[str, Guard]] = {
    # Conditions of steps of needs.
    "unknown": Guard("the need is not known yet"),
    "met": Guard("its service ended with an outcome that meets the need, or it was met elsewhere"),
    "desk": Guard("the country pack contains the desk", ("invalid-input",)),
    "answers": Guard("its referral is escalated, in review or entered in error, or its owner did not act in time"),
    "forgotten": Guard("it breaks the first invariant"),
    "theirs": Guard("the desk that hands it over owns it still"),
    "owned": Guard("it has an owner", ("step-not-allowed",)),
    "silent": Guard("its owner is the steward, and gave no sign of life before the deadline"),
    "routable": Guard("it has no live referral, or its live referral is seeking or waitlisted", ("step-not-allowed",)),
    "going_on": Guard("the journey of the person has not ended", ("journey-ended",)),
    "first": Guard(
        "the other need is of the same person, open or met, forms no cycle, and no offer or review has begun",
        ("invalid-input", "prerequisite-cycle", "step-not-allowed"),
    ),
    # Conditions of steps of referrals before an offer.
    "free": Guard("it has no prerequisite, or the prerequisite is met"),
    "waits": Guard("it has a prerequisite that is not met"),
    "person": Guard("a policy, a protection rule, or the answer `unsafe` of a provider requires a review"),
    "told": Guard("a desk has set a prerequisite that is not met"),
    "will": Guard("a provider has reported that the person refused"),
    "looked_for": Guard("the person could not be found"),
    "searched": Guard("a search for the person is running", ("step-not-allowed",)),
    "missed": Guard("the person was not found after the number of attempts that the country pack sets"),
    "document": Guard("every service requires a document, and the person has an open need for one"),
    "unblocked": Guard("its prerequisite is met"),
    "farther": Guard("no candidate is left in the present ring"),
    "full": Guard("the only obstacle to an offer is that no place is free"),
    "leaves": Guard("it gets an offer or a review, is blocked, or has no candidate any more"),
    "held": Guard("the ledger holds a place for each of its people", ("no-place-free",)),
    "allowed": Guard("the law and the interlocks allow this service", ("not-a-candidate", "profile-missing")),
    # Conditions of steps of referrals with an offer, and of offers.
    "broken": Guard("the present facts about people, service or organisation break a rule or an interlock"),
    "stands": Guard("facts have changed, it breaks no rule, and it is not halted"),
    "upheld": Guard("it is halted, and no legal rule and no interlock forbids it", ("not-a-candidate",)),
    "going": Guard("it breaks no rule and is not halted", ("offer-halted",)),
    "unmatched": Guard("its offer has ended without acceptance"),
    "accepted": Guard("its offer is accepted"),
    "outcome": Guard("an outcome is given", ("invalid-input",)),
    "reason": Guard("a coded reason is given", ("invalid-input",)),
    "due": Guard("its deadline has passed"),
    # Conditions of steps of stays.
    "stays": Guard(
        "it is a stay, and its version is the one that the caller has read", ("not-found", "version-mismatch")
    ),
    "ending": Guard("it is a stay, and its deadline has passed"),
    "bounded": Guard(
        "it is a stay, not halted, the country pack allows the extension, and the new end is in the future",
        ("not-found", "offer-halted", "extension-too-long", "extension-too-short"),
    ),
    # Conditions for naming an owner. A need that has an owner keeps it.
    "nobody": Guard("no service of the network is a candidate, and its need has no owner"),
    "overdue": Guard("its deadline has passed, and its need has no owner or an owner who did not act"),
    "unfound": Guard("the person could not be found"),
    "unmet": Guard("its prerequisite has ended unmet, and its need has no owner"),
    "incomplete": Guard("its outcome does not meet the need"),
    "consent": Guard("it was based on a consent that was withdrawn"),
}
"""The conditions of steps, by the name that the tables use."""
