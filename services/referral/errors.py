"""All refusals of referral."""

from typing import ClassVar

from libs.chassis.errors import Conflict


class StepNotAllowed(Conflict):
    """The state does not allow this step. Members `subject`, `state` and `step` say which."""

    code: ClassVar[str] = "step-not-allowed"
    title: ClassVar[str] = "The current state does not allow this step"


class OfferRecalled(Conflict):
    """The answer arrived after the network had recalled the offer."""

    code: ClassVar[str] = "offer-recalled"
    title: ClassVar[str] = "The offer has been recalled"


class OfferExpired(Conflict):
    """The answer arrived after the deadline of the offer."""

    code: ClassVar[str] = "offer-expired"
    title: ClassVar[str] = "The offer has expired"


class OfferIsHalted(Conflict):
    """The accepted offer is not allowed any more: nothing may start until a desk of the network has decided."""

    code: ClassVar[str] = "offer-halted"
    title: ClassVar[str] = "The offer is halted until a desk has decided"


class PrerequisiteCycle(Conflict):
    """The other need depends on this one, directly or through further needs."""

    code: ClassVar[str] = "prerequisite-cycle"
    title: ClassVar[str] = "The prerequisites of the needs would form a cycle"


class JourneyEnded(Conflict):
    """The person has died, left the country, or has another record now. Member `reason` says which."""

    code: ClassVar[str] = "journey-ended"
    title: ClassVar[str] = "The journey of this person has ended"


class NotACandidate(Conflict):
    """The service is not a candidate for this need. Member `reasons` lists the codes of the violated rules."""

    code: ClassVar[str] = "not-a-candidate"
    title: ClassVar[str] = "The service may not take this need"


class DeskIsAway(Conflict):
    """The desk already has a deputy in a part of that period."""

    code: ClassVar[str] = "desk-is-away"
    title: ClassVar[str] = "The desk already has a deputy at that time"


class DeputiesInACircle(Conflict):
    """At some time no desk would be present, because the deputy's deputy would be the desk itself."""

    code: ClassVar[str] = "deputies-in-a-circle"
    title: ClassVar[str] = "The deputies would form a cycle"


class NoPlaceFree(Conflict):
    """No pool of the service has places for all the people of this need."""

    code: ClassVar[str] = "no-place-free"
    title: ClassVar[str] = "The service has no free place for this need"


class ExtensionTooLong(Conflict):
    """The country pack does not allow such a long extension. Member `hours_left` is the longest that is allowed."""

    code: ClassVar[str] = "extension-too-long"
    title: ClassVar[str] = "The extension of the stay is too long"


class ExtensionTooShort(Conflict):
    """The stay ended longer ago than the requested extension."""

    code: ClassVar[str] = "extension-too-short"
    title: ClassVar[str] = "The stay would be over even after the extension"


class ProfileMissing(Conflict):
    """The profiles of the people of this need have not all arrived from registration yet."""

    code: ClassVar[str] = "profile-missing"
    title: ClassVar[str] = "The routing profile has not arrived yet"
