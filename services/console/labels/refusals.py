"""What a refusal means for the person, and what to do next, by the code of the problem document."""

from collections.abc import Mapping
from typing import Final

from services.console.words import N_

REFUSALS: Final[Mapping[str, str]] = {
    "offer-expired": N_("The time for this offer is over, so it went to somebody else. Look at your other offers."),
    "offer-recalled": N_("This offer has been taken back. You need to do nothing."),
    "insufficient-scope": N_("You may not do this. Ask the network's office if you need this right."),
    "version-mismatch": N_("Somebody has changed this in the meantime. Check the present state and send it again."),
    "arrival-batch-not-landed": N_("The flight or bus has not landed yet. First press “landed”."),
    "arrival-batch-not-announced": N_("This flight or bus was never announced. Ask the sender to announce it first."),
    "intake-incomplete": N_("Some people are neither registered nor absent. Register them, or mark them absent."),
    "entry-already-registered": N_("This person is registered already, so they cannot be absent. Reload the page."),
    "batch-reference-reused": N_(
        "This does not fit the flight or bus that has landed. Check that you chose the right one."
    ),
    "returnee-erased": N_("The data of this person have been erased."),
    "member-of-another-household": N_("One of these people belongs to another household. Take them out there first."),
    "must-stay-apart": N_("One of these people excludes another one. They must be kept apart."),
    "may-be-excluded": N_(
        "Somebody excludes a person with this name. Keep them apart, and ask. If it is another person with the same"
        " name, tick the box and send it again."
    ),
    "household-full": N_("A household has at most 30 people. Begin another household."),
    "household-claim-decided": N_("Somebody has decided this already. Reload the page to see the decision."),
    "doubtful-part-closed": N_("Somebody has closed this already. Go back to the list."),
    "match-already-merged": N_("Somebody has decided already that they are one person. Reload the page."),
    "other-record-hidden": N_("You may not see both records, so you cannot decide about them."),
    "returnee-merged": N_(
        "One of the records continues under a third one already. Reload the list, and compare with that record."
    ),
    "members-of-one-household": N_(
        "They are members of one household. If they are one person, take one of them out of the household first."
    ),
    "certificate-missing": N_(
        "You hold no certificate that is valid now for this, or you may not see this. Ask the office of the network."
    ),
    "screening-exists": N_("It was done before, and nobody asks again."),
    "screening-ended": N_("It has ended, and nothing of it can be changed."),
    "screening-of-another": N_("Somebody else began it. Only they save answers. You may end it."),
    "returnee-not-merged": N_("This merge has been undone already. Reload the page."),
    "later-merge-stands": N_("The record was merged into a third one later. Undo that merge first."),
    "need-already-withdrawn": N_("This need was withdrawn already. Reload the page to see the present needs."),
    "need-ended": N_("This need is not open any more. Reload the page to see the present needs."),
    "need-kind-known": N_(
        "It is known already what exactly is needed. If it is wrong, withdraw the need and report it again."
    ),
    "need-of-kind-open": N_("The person has another open need of this kind. Withdraw one of the two."),
    "need-reference-taken": N_("This reference belongs to another need of the person."),
    "consent-already-withdrawn": N_("This consent was withdrawn already. Reload the page to see the present consents."),
    "arrival-reference-reused": N_(
        "This belongs to another arrival. Open the form again and register the person there."
    ),
    "arrival-told-differently": N_(
        "This person is registered already with other data. Find the person and correct the data there."
    ),
    "step-not-allowed": N_("This is not possible any more, because the state has changed. Look at the present state."),
    "offer-halted": N_(
        "This offer is halted until a desk of the network decides. Do not start the service before that."
    ),
    "packet-not-ready": N_("The data of the person are ready in a moment."),
    "packet-halted": N_("The data are closed until a desk of the network decides whether the offer may go on."),
    "packet-closed": N_("The time in which these data may be read is over."),
    "consent-missing": N_("The person has not agreed, or not any more, that these data are shared."),
    "not-a-candidate": N_("A rule that people cannot overrule forbids this service for the person."),
    "extension-too-long": N_("The rules of the country do not allow such a long extension. Choose fewer hours."),
    "extension-too-short": N_("With this extension the stay would still end in the past. Choose more hours."),
    "stale-declaration": N_("Newer figures have been declared in the meantime. Check them, then send yours again."),
    "pool-id-taken": N_("These places belong to another service. Open the page again and send the figures there."),
    "capacity-not-declared": N_("No places have been declared for this service yet."),
    "endpoint-limit-reached": N_("Your organisation has the largest number of connections. Delete one first."),
    "endpoint-not-enabled": N_("This connection is switched off. Switch it on first."),
    "organization-required": N_("This page is for people of an organisation."),
    "staff-only": N_("Only staff of the network may do this."),
    "wrong-caller": N_("This is not for your kind of account."),
    "precondition-required": N_("The page is too old. Open it again and send it there."),
    "nothing-chosen": N_("Choose at least one offer first."),
    "partly-refused": N_("Some answers were not possible. All others were taken."),
    "journey-ended": N_(
        "The journey of this person has ended, so nothing is looked for any more. Open the journey"
        " again first, if that was wrong."
    ),
    "prerequisite-cycle": N_(
        "These two needs would wait for each other. Choose another need, or remove the other one's condition first."
    ),
    "no-place-free": N_(
        "This service has no free place for all the people of this need. Choose another service, or"
        " call it and ask for its places."
    ),
    "profile-missing": N_("The person's data are not complete here yet. Try again in a minute."),
    "desk-is-away": N_(
        "The desk has a deputy in a part of this period already. Choose another period, or remove the"
        " other absence first."
    ),
    "deputies-in-a-circle": N_(
        "At some time nobody would be there, because each desk would stand in for the other. Choose another deputy."
    ),
    "admin-only": N_("Only the office that keeps the directory may change this."),
    "restricted-scope-missing": N_("Only people with the right to see protected services may change this."),
    "not-found": N_("This does not exist, or you may not see it."),
    "precondition-failed": N_("Somebody has changed this in the meantime. Check the present state and send it again."),
    "invalid-input": N_("Some fields need a correction."),
    "idempotency-key-reused": N_("This form has been sent already with other values. Check the present state."),
    "second-person-needed": N_("You asked for this, or decided about it before. Another person must do this step."),
    "not-a-child-alone": N_("This is no child who is alone: the person is an adult, or lives with one."),
    "child-release-open": N_("The child has an open release already. Continue it, or cancel it first."),
    "child-release-ended": N_("This release has ended, and nothing of it can be changed."),
    "child-release-not-ready": N_("Something is missing. The child may not be handed over yet."),
    "relative-excluded": N_("The child must not be released to this relative. Do not try it again."),
    "four-eyes": N_("You took another step of this release. Another person must do this one."),
    "step-already-taken": N_("This was done already. Reload the page to see it."),
    "not-the-authority": N_("Only the authority that the law names may do this, never the child desk."),
    "emergency-decided": N_(
        "This was decided already, or nobody decided in time. Ask again if the danger is still there."
    ),
    "emergency-not-open": N_("The access was not approved, or it has ended. Nobody is shown."),
    "emergency-lasts": N_("Review it after the access has ended."),
    "emergency-reviewed": N_("It was reviewed already. A review is never changed."),
    "incident-closed": N_("The incident is closed already. Record another one."),
    "whole-country-needed": N_(
        "Only who sees the whole country and all protected needs, with certificates that are valid now, gets this list:"
        " an incomplete one would look complete."
    ),
    "export-decided": N_("This export does not wait for a decision any more. Reload the page to see its state."),
    "export-not-approved": N_("A second person has not approved this export, so there is no file."),
    "export-ended": N_("The time of this export is over, and there is no file any more."),
    "export-too-large": N_(
        "Too many people arrived in this time at these places. Choose a shorter time or fewer places."
    ),
    "export-downloads-used": N_("The file was downloaded as often as it may be. Ask for a new export."),
    "export-recipient-inactive": N_("The organisation that gets the file does not take part at present."),
    "exports-of-the-day-used": N_("You have asked for as many exports today as you may. Ask again tomorrow."),
    "restricted-sight-needed": N_(
        "Only people who may see all protected needs, with certificates that are valid now, get a file with names."
    ),
    "foreign-form": N_("This form was not sent by the console. Open the page again and send it there."),
    "method-not-allowed": N_("This address is for sending a form. Begin again at the start."),
}
