"""Every reason for which referral says no."""

from typing import ClassVar

from libs.chassis.errors import Conflict


class StepNotAllowed(Conflict):
    """The state does not allow this step. Members `subject`, `state` and `step` say which."""

    code: ClassVar[str] = "step-not-allowed"
    title: ClassVar[str] = "The current state does not allow this step"


class OfferRecalled(Conflict):
    """An answer came after the network had taken the offer back."""

    code: ClassVar[str] = "offer-recalled"
    title: ClassVar[str] = "The offer has been recalled"


class OfferExpired(Conflict):
    """An answer came after the offer's clock had run out."""

    code: ClassVar[str] = "offer-expired"
    title: ClassVar[str] = "The offer has expired"


class OfferIsHalted(Conflict):
    """The accepted offer may not go on as things stand now: nothing begins until a desk of the network has decided."""

    code: ClassVar[str] = "offer-halted"
    title: ClassVar[str] = "The offer is halted until a desk has decided"


class PrerequisiteCycle(Conflict):
    """The other need waits, through however many needs, on this one."""

    code: ClassVar[str] = "prerequisite-cycle"
    title: ClassVar[str] = "The prerequisites of the needs would form a cycle"


class JourneyEnded(Conflict):
    """The person has died, left the country, or goes on under another record. Member `reason` says which."""

    code: ClassVar[str] = "journey-ended"
    title: ClassVar[str] = "The journey of this person has ended"


class NotACandidate(Conflict):
    """The service may not take this need. Member `reasons` lists the codes of the rules that say so."""

    code: ClassVar[str] = "not-a-candidate"
    title: ClassVar[str] = "The service may not take this need"


class DeskIsAway(Conflict):
    """The desk has a deputy in a part of that time already."""

    code: ClassVar[str] = "desk-is-away"
    title: ClassVar[str] = "The desk already has a deputy at that time"


class DeputiesInACircle(Conflict):
    """At some moment nobody would be there: the deputy's work would come back to the desk."""

    code: ClassVar[str] = "deputies-in-a-circle"
    title: ClassVar[str] = "The deputies would form a cycle"


class NoPlaceFree(Conflict):
    """No pool of the service has places for all the people of this need."""

    code: ClassVar[str] = "no-place-free"
    title: ClassVar[str] = "The service has no free place for this need"


class ExtensionTooLong(Conflict):
    """The country pack lets nobody lengthen the stay by so much. Member `hours_left` says by how much it may be."""

    code: ClassVar[str] = "extension-too-long"
    title: ClassVar[str] = "The extension of the stay is too long"


class ExtensionTooShort(Conflict):
    """The stay ran out longer ago than it is to be lengthened."""

    code: ClassVar[str] = "extension-too-short"
    title: ClassVar[str] = "The stay would be over even after the extension"


class ProfileMissing(Conflict):
    """Registration has not yet told enough of the people whom this need is for."""

    code: ClassVar[str] = "profile-missing"
    title: ClassVar[str] = "The routing profile has not arrived yet"
