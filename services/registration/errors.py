"""Every reason for which registration says no."""

from typing import ClassVar

from libs.chassis.errors import Conflict, NotFound, Refusal


class MediaTypeUnknown(Refusal):
    """A body is neither JSON nor CSV."""

    code: ClassVar[str] = "media-type-unknown"
    status: ClassVar[int] = 415
    title: ClassVar[str] = "The body must be application/json or text/csv"


class ArrivalBatchNotLanded(Conflict):
    """Intake cannot be complete before the flight or bus has landed."""

    code: ClassVar[str] = "arrival-batch-not-landed"
    title: ClassVar[str] = "The arrival batch has not landed"


class ArrivalBatchNotAnnounced(Conflict):
    """A batch that is known from its people only lands with its mode and place: announce it first."""

    code: ClassVar[str] = "arrival-batch-not-announced"
    title: ClassVar[str] = "The arrival batch has not been announced"


class BatchReferenceReused(Conflict):
    """A batch that has come is told again with another mode, place or time: it is another flight or bus.

    Give each flight or bus a `sender_reference` of its own.
    """

    code: ClassVar[str] = "batch-reference-reused"
    title: ClassVar[str] = "This reference belongs to another flight or bus"
    parked_as: ClassVar[str] = code


class ManifestAgedOut(Conflict):
    """The names of people announced but not met are not kept any longer, so no more are taken (domain P17)."""

    code: ClassVar[str] = "manifest-aged-out"
    title: ClassVar[str] = "The manifest of this arrival batch has been deleted because of its age"


class IntakeIncomplete(Conflict):
    """People of the batch are neither registered nor marked absent. Members `open_count`, `registered_count`."""

    code: ClassVar[str] = "intake-incomplete"
    title: ClassVar[str] = "Some people of the arrival batch are neither registered nor absent"


class EntryAlreadyRegistered(Conflict):
    """A person who has been registered cannot be marked absent."""

    code: ClassVar[str] = "entry-already-registered"
    title: ClassVar[str] = "The person of this manifest entry is already registered"


class ReturneeErased(Refusal):
    """The person's key has been destroyed; nothing of their identity is left."""

    code: ClassVar[str] = "returnee-erased"
    status: ClassVar[int] = 410
    title: ClassVar[str] = "The returnee's data have been erased"


class MemberOfAnotherHousehold(Conflict):
    """A person belongs to one household at a time."""

    code: ClassVar[str] = "member-of-another-household"
    title: ClassVar[str] = "A member belongs to another household"


class HouseholdClaimDecided(Conflict):
    """A person has decided before whether these people belong together."""

    code: ClassVar[str] = "household-claim-decided"
    title: ClassVar[str] = "This claim has already been decided"


class HouseholdFull(Conflict):
    """A household has at most 30 members."""

    code: ClassVar[str] = "household-full"
    title: ClassVar[str] = "The household has the maximum number of members"


class ArrivalReferenceReused(Conflict):
    """This `sender_reference` was told before of another person, or of another arrival of the same one.

    Nothing is stored. A person who comes again, or another one, needs a reference of their own. A name or a birth date
    that was wrong is corrected with `PATCH /v1/returnees/{returnee_id}`.
    """

    code: ClassVar[str] = "arrival-reference-reused"
    title: ClassVar[str] = "This reference belongs to another arrival"
    parked_as: ClassVar[str] = code


class ArrivalToldDifferently(Conflict):
    """The same arrival is told again and contradicts what was told before. Member `differing`
    names the parts; nothing is stored.

    Needs, consents, a household and a safe contact that were not told before are taken up; what changes is corrected
    with `PATCH /v1/returnees/{returnee_id}` and the resources below it.
    """

    code: ClassVar[str] = "arrival-told-differently"
    title: ClassVar[str] = "This arrival was sent with different data before"


class DoubtfulPartClosed(Conflict):
    """A person has dealt with this part before."""

    code: ClassVar[str] = "doubtful-part-closed"
    title: ClassVar[str] = "This part has already been closed"


class NeedAlreadyWithdrawn(Conflict):
    """The need has been withdrawn before."""

    code: ClassVar[str] = "need-already-withdrawn"
    title: ClassVar[str] = "The need has already been withdrawn"


class NeedReferenceTaken(Conflict):
    """The sender's reference names another need of the person, of another category."""

    code: ClassVar[str] = "need-reference-taken"
    title: ClassVar[str] = "This reference belongs to another need"


class ConsentAlreadyWithdrawn(Conflict):
    """The consent has been withdrawn before."""

    code: ClassVar[str] = "consent-already-withdrawn"
    title: ClassVar[str] = "The consent has already been withdrawn"


class SafeContactMissing(NotFound):
    """The person has not said how they may be reached."""

    code: ClassVar[str] = "safe-contact-missing"
    title: ClassVar[str] = "No safe contact is known"


class ConsentMissing(Refusal):
    """The person has not allowed this, or has taken it back, or the consent has run out (domain P1)."""

    code: ClassVar[str] = "consent-missing"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "The person's consent to share this is missing"


class PacketNotReady(Conflict):
    """Registration has not yet heard of an acceptance of this offer, or facts have changed since and are judged again;
    ask again shortly."""

    code: ClassVar[str] = "packet-not-ready"
    title: ClassVar[str] = "The acceptance of this offer has not arrived yet"
    retry_after_seconds: ClassVar[int | None] = 1


class PacketHalted(Refusal):
    """What is known of person or organisation no longer allows the accepted offer; a desk of the network decides."""

    code: ClassVar[str] = "packet-halted"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "The packet is closed until a desk of the network has decided"


class PacketClosed(Refusal):
    """The referral ended and the days that the country pack grants after it are over."""

    code: ClassVar[str] = "packet-closed"
    status: ClassVar[int] = 410
    title: ClassVar[str] = "The packet is closed"
