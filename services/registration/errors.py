"""Refusals of registration. Those of devices and of the gate are in files of their own."""

from typing import ClassVar

from libs.chassis.errors import Conflict, NotFound, Refusal


class MediaTypeUnknown(Refusal):
    """A body is neither JSON, nor CSV, nor a workbook in XLSX."""

    code: ClassVar[str] = "media-type-unknown"
    status: ClassVar[int] = 415
    title: ClassVar[str] = "The body must be JSON, CSV or XLSX"


class ArrivalBatchNotLanded(Conflict):
    """Intake cannot be complete before the flight or bus has landed."""

    code: ClassVar[str] = "arrival-batch-not-landed"
    title: ClassVar[str] = "The arrival batch has not landed"


class ArrivalBatchNotAnnounced(Conflict):
    """The batch is known only from its people, so its mode and place are unknown: announce it before the landing."""

    code: ClassVar[str] = "arrival-batch-not-announced"
    title: ClassVar[str] = "The arrival batch has not been announced"


class BatchReferenceReused(Conflict):
    """A batch that has arrived is sent again with another mode, place or time: it is another flight or bus.

    Give each flight or bus a `sender_reference` of its own.
    """

    code: ClassVar[str] = "batch-reference-reused"
    title: ClassVar[str] = "This reference belongs to another flight or bus"
    parked_as: ClassVar[str] = code


class ManifestAgedOut(Conflict):
    """The names of people who were announced and not met are deleted by now, so none are accepted (domain P17)."""

    code: ClassVar[str] = "manifest-aged-out"
    title: ClassVar[str] = "The manifest of this arrival batch has been deleted because of its age"


class IntakeIncomplete(Conflict):
    """People of the batch are neither registered nor marked absent. Members `open_count`,
    `registered_count`, `open_wristbands`."""

    code: ClassVar[str] = "intake-incomplete"
    title: ClassVar[str] = "Some people of the arrival batch are neither registered nor absent"


class EntryAlreadyRegistered(Conflict):
    """A person who has been registered cannot be marked absent."""

    code: ClassVar[str] = "entry-already-registered"
    title: ClassVar[str] = "The person of this manifest entry is already registered"


class ReturneeErased(Refusal):
    """The person's key was destroyed; no identity data are left."""

    code: ClassVar[str] = "returnee-erased"
    status: ClassVar[int] = 410
    title: ClassVar[str] = "The returnee's data have been erased"


class MemberOfAnotherHousehold(Conflict):
    """A person belongs to one household at a time."""

    code: ClassVar[str] = "member-of-another-household"
    title: ClassVar[str] = "A member belongs to another household"


class HouseholdClaimDecided(Conflict):
    """Staff have already decided whether these people belong together."""

    code: ClassVar[str] = "household-claim-decided"
    title: ClassVar[str] = "This claim has already been decided"


class HouseholdFull(Conflict):
    """A household has at most 30 members."""

    code: ClassVar[str] = "household-full"
    title: ClassVar[str] = "The household has the maximum number of members"


class ArrivalReferenceReused(Conflict):
    """This `sender_reference` was used before for another person, or for another arrival of the same person.

    Nothing is stored. A person who comes again, or another one, needs a reference of their own. A name or a birth date
    that was wrong is corrected with `PATCH /v1/returnees/{returnee_id}`.
    """

    code: ClassVar[str] = "arrival-reference-reused"
    title: ClassVar[str] = "This reference belongs to another arrival"
    parked_as: ClassVar[str] = code


class ArrivalToldDifferently(Conflict):
    """The same arrival is sent again and contradicts the earlier data; nothing is stored.

    Member `differing` names the parts. Additional needs, consents, a household and a safe contact are accepted. Data
    that have changed are corrected with `PATCH /v1/returnees/{returnee_id}` and the resources below it.
    """

    code: ClassVar[str] = "arrival-told-differently"
    title: ClassVar[str] = "This arrival was sent with different data before"


class DoubtfulPartClosed(Conflict):
    """The part has already been closed."""

    code: ClassVar[str] = "doubtful-part-closed"
    title: ClassVar[str] = "This part has already been closed"


class NeedAlreadyWithdrawn(Conflict):
    """The need has already been withdrawn."""

    code: ClassVar[str] = "need-already-withdrawn"
    title: ClassVar[str] = "The need has already been withdrawn"


class NeedEnded(Conflict):
    """The need was withdrawn or has ended, so nothing can be found out about it any more."""

    code: ClassVar[str] = "need-ended"
    title: ClassVar[str] = "The need is not open"


class NeedKindKnown(Conflict):
    """The need has another kind already. Withdraw it and report another one if the kind is wrong."""

    code: ClassVar[str] = "need-kind-known"
    title: ClassVar[str] = "The need has another kind"


class NeedOfKindOpen(Conflict):
    """The person or the household has another open need of this kind. Withdraw one of the two."""

    code: ClassVar[str] = "need-of-kind-open"
    title: ClassVar[str] = "Another need of this kind is open"


class NeedReferenceTaken(Conflict):
    """The sender's reference belongs to another need of the person, of another category or kind."""

    code: ClassVar[str] = "need-reference-taken"
    title: ClassVar[str] = "This reference belongs to another need"


class InstrumentVersionDiffers(Conflict):
    """The person has begun another version of this instrument (member `instrument_version`); go on with that one."""

    code: ClassVar[str] = "instrument-version-differs"
    title: ClassVar[str] = "The person has begun another version of this instrument"


class AnswerChanged(Conflict):
    """Somebody else has changed an answer since you saw it. Member `questions` names them; nothing is stored."""

    code: ClassVar[str] = "answer-changed"
    title: ClassVar[str] = "An answer has been changed since you saw it"


class AnswersIncomplete(Conflict):
    """Required questions have no answer. Member `missing` names them."""

    code: ClassVar[str] = "answers-incomplete"
    title: ClassVar[str] = "Required questions have no answer"


class AlreadyAnswered(Conflict):
    """The person has answered the question, or it is not yours to ask. Do not ask again; ask the desk."""

    code: ClassVar[str] = "already-answered"
    title: ClassVar[str] = "Already answered; ask the desk"


class ConsentAlreadyWithdrawn(Conflict):
    """The consent has already been withdrawn."""

    code: ClassVar[str] = "consent-already-withdrawn"
    title: ClassVar[str] = "The consent has already been withdrawn"


class SafeContactMissing(NotFound):
    """The person has not stated a safe contact."""

    code: ClassVar[str] = "safe-contact-missing"
    title: ClassVar[str] = "No safe contact is known"


class ConsentMissing(Refusal):
    """The person has not consented to this, has withdrawn the consent, or it has expired (domain P1)."""

    code: ClassVar[str] = "consent-missing"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "The person's consent to share this is missing"


class MatchAlreadyMerged(Conflict):
    """The two records are merged. `POST /v1/returnees/{returnee_id}/unmerge` separates them again."""

    code: ClassVar[str] = "match-already-merged"
    title: ClassVar[str] = "The two records are already merged"


class OtherRecordHidden(Refusal):
    """You may see only one of the two people, so you cannot decide whether they are one."""

    code: ClassVar[str] = "other-record-hidden"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "A desk that may see both people has to decide"


class ReturneeMerged(Conflict):
    """One of the records continues under another one. Decide about the record that continues, or unmerge first."""

    code: ClassVar[str] = "returnee-merged"
    title: ClassVar[str] = "This record continues under another one"


class MembersOfOneHousehold(Conflict):
    """Both are members of one household, which would count one person twice.

    Take one of the records out of the household first (`PATCH /v1/households/{household_id}`).
    """

    code: ClassVar[str] = "members-of-one-household"
    title: ClassVar[str] = "Both records are members of the same household"


class ReturneeNotMerged(Conflict):
    """The record does not continue under another one, so there is nothing to undo."""

    code: ClassVar[str] = "returnee-not-merged"
    title: ClassVar[str] = "This record is not merged into another one"


class LaterMergeStands(Conflict):
    """The record that continues was merged into a third one later. Undo the later merge first."""

    code: ClassVar[str] = "later-merge-stands"
    title: ClassVar[str] = "A later merge has to be undone first"


class PacketNotReady(Conflict):
    """The acceptance of this offer has not arrived yet, or facts have changed and the offer is being evaluated again;
    the client repeats the request shortly."""

    code: ClassVar[str] = "packet-not-ready"
    title: ClassVar[str] = "The acceptance of this offer has not arrived yet"
    retry_after_seconds: ClassVar[int | None] = 1


class PacketHalted(Refusal):
    """The present facts about person or organisation do not allow the accepted offer; a desk decides."""

    code: ClassVar[str] = "packet-halted"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "The packet is closed until a desk of the network has decided"


class PacketClosed(Refusal):
    """The referral has ended, and the days that the country pack allows after it have passed."""

    code: ClassVar[str] = "packet-closed"
    status: ClassVar[int] = 410
    title: ClassVar[str] = "The packet is closed"


class MustStayApart(Conflict):
    """One of these people excludes another one: they are never in one household, and never one person."""

    code: ClassVar[str] = "must-stay-apart"
    title: ClassVar[str] = "These people must be kept apart"


class MayBeExcluded(Conflict):
    """Somebody here excludes a person with this name. If it is another person, say so: `namesakes_confirmed`."""

    code: ClassVar[str] = "may-be-excluded"
    title: ClassVar[str] = "A person with this name may be excluded"
