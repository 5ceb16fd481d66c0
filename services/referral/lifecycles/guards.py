"""What a step of the tables of states needs besides the state (`rules.py`)."""

from typing import Final

from services.referral.lifecycles.printed import Guard

GUARDS: Final[dict[str, Guard]] = {
    # Of needs.
    "unknown": Guard("the need is not known yet"),
    "met": Guard("its service ended with the outcome that meets it, or it was met elsewhere"),
    "desk": Guard("the country pack knows the desk", ("invalid-input",)),
    "answers": Guard("its referral is escalated, goes to review or was entered in error, or its owner is silent"),
    "forgotten": Guard("nothing works for it, against the first invariant"),
    "theirs": Guard("the desk that hands it over owns it still"),
    "owned": Guard("it has an owner", ("step-not-allowed",)),
    "silent": Guard("its owner, the network's steward, has given no sign of life in time"),
    "routable": Guard("no referral works for it, or that one is seeking or waitlisted", ("step-not-allowed",)),
    "going_on": Guard("the journey of the person goes on", ("journey-ended",)),
    "first": Guard(
        "the other is a need of the same person, open or met, in no circle, and nobody was asked or decides yet",
        ("invalid-input", "prerequisite-cycle", "step-not-allowed"),
    ),
    # Of referrals on their way to an offer.
    "free": Guard("it waits on no other need, or that one is met"),
    "waits": Guard("it waits on another need that is not met"),
    "person": Guard("policy, protection, or a provider that calls it unsafe says that a person decides first"),
    "told": Guard("a desk lets it wait on another need that is not met"),
    "will": Guard("a provider says that the person refused"),
    "looked_for": Guard("the person could not be found"),
    "searched": Guard("somebody looks for the person", ("step-not-allowed",)),
    "missed": Guard("nobody was found after as many attempts as the country pack allows"),
    "document": Guard("every service wants a document first, and the person has an open need for one"),
    "unblocked": Guard("the need that it waits on is met"),
    "farther": Guard("nobody is left to ask within the ring of distance so far"),
    "full": Guard("only a missing place keeps it from an offer"),
    "leaves": Guard("it gets an offer or a review, is blocked, or no service may take it any more"),
    "held": Guard("the ledger holds a place for each of its people", ("no-place-free",)),
    "allowed": Guard("law and interlocks let the service take it", ("not-a-candidate", "profile-missing")),
    # Of referrals with an offer, and of offers.
    "broken": Guard("what is known now of people, service or organisation breaks a rule or an interlock"),
    "stands": Guard("facts have changed, it breaks no rule now, and it is not halted"),
    "upheld": Guard("it is halted, and no law and no interlock speaks against it now", ("not-a-candidate",)),
    "going": Guard("it breaks no rule now and is not halted", ("offer-halted",)),
    "unmatched": Guard("its offer has ended without acceptance"),
    "accepted": Guard("its offer is accepted"),
    "outcome": Guard("an outcome is given", ("invalid-input",)),
    "reason": Guard("a coded reason is given", ("invalid-input",)),
    "due": Guard("its clock has run out"),
    # Of stays.
    "stays": Guard("it is a stay, and as it was when it was seen", ("not-found", "version-mismatch")),
    "ending": Guard("it is a stay, and its clock has run out"),
    "bounded": Guard(
        "it is a stay, not halted, that the country pack lets be lengthened by so much, and that then ends ahead",
        ("not-found", "offer-halted", "extension-too-long", "extension-too-short"),
    ),
    # Of naming an owner: a need that has one keeps it.
    "nobody": Guard("no service of the network may take it now, and its need has no owner"),
    "overdue": Guard("its clock has run out, and its need has no owner or a silent one"),
    "unfound": Guard("the person could not be found"),
    "unmet": Guard("the need that it waits on has ended unmet, and its own has no owner"),
    "incomplete": Guard("its outcome does not meet the need"),
    "consent": Guard("it rested on a consent that was withdrawn"),
}
"""What a step needs besides the state."""
