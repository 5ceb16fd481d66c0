"""Refusals about the release of children, access in an emergency, and checks of who a person is."""

from typing import ClassVar

from libs.chassis.errors import Conflict, Refusal


class NotAChildAlone(Conflict):
    """Only a child who is alone is released. Member `because`: `adult` or `with-an-adult`."""

    code: ClassVar[str] = "not-a-child-alone"
    title: ClassVar[str] = "The person is not a child who is alone"


class ReleaseOpen(Conflict):
    """The child has an open release. Cancel it first, or continue it."""

    code: ClassVar[str] = "child-release-open"
    title: ClassVar[str] = "The child already has an open release"


class ReleaseEnded(Conflict):
    """The child was handed over, or the release was cancelled. Nothing of it changes any more."""

    code: ClassVar[str] = "child-release-ended"
    title: ClassVar[str] = "The release has already ended"


class RelativeExcluded(Conflict):
    """An earlier release of this child to this relative was cancelled because of danger, or the child excludes them."""

    code: ClassVar[str] = "relative-excluded"
    title: ClassVar[str] = "The child must not be released to this relative"


class FourEyes(Conflict):
    """One person may not take two of these steps. Member `step` names the earlier one."""

    code: ClassVar[str] = "four-eyes"
    title: ClassVar[str] = "Another person must take this step"


class AlreadyDone(Conflict):
    """The step was taken before, and is not repeated."""

    code: ClassVar[str] = "step-already-taken"
    title: ClassVar[str] = "This step has already been taken"


class ReleaseNotReady(Conflict):
    """Steps are missing or do not hold. Member `missing` lists their codes."""

    code: ClassVar[str] = "child-release-not-ready"
    title: ClassVar[str] = "The child may not be released yet"


class NotTheAuthority(Refusal):
    """The token can do the work of the desk, so it is not that of the authority, which signs off what the desk did."""

    code: ClassVar[str] = "not-the-authority"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "The sign-off must come from the authority's own caller"


class EmergencyDecided(Conflict):
    """The request has been approved or refused, or nobody decided in time. Ask again if there is a new emergency."""

    code: ClassVar[str] = "emergency-decided"
    title: ClassVar[str] = "The emergency has already been decided, or its time is over"


class SecondPersonNeeded(Conflict):
    """Nobody approves or reviews what they asked for or approved themselves."""

    code: ClassVar[str] = "second-person-needed"
    title: ClassVar[str] = "Another person must take this step"


class EmergencyNotOpen(Refusal):
    """The access was not approved, or has ended. Member `state`."""

    code: ClassVar[str] = "emergency-not-open"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "The access is not open"


class EmergencyLasts(Conflict):
    """An emergency is reviewed after its access has ended, or after a refusal."""

    code: ClassVar[str] = "emergency-lasts"
    title: ClassVar[str] = "The access has not ended yet"


class EmergencyReviewed(Conflict):
    """The review is done, and is never changed."""

    code: ClassVar[str] = "emergency-reviewed"
    title: ClassVar[str] = "The emergency has already been reviewed"


class ChildDeskOnly(Refusal):
    """For a child, and for a person of unsure age, only the desk that decides for children checks who asks."""

    code: ClassVar[str] = "child-desk-only"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "Only the desk that decides for children may do this"


class IdentityCheckLocked(Conflict):
    """The tries of the day are used up, those of the person or those of the caller. Papers still prove who it is."""

    code: ClassVar[str] = "identity-check-locked"
    title: ClassVar[str] = "There are no more tries today"


class TooLittleKnown(Conflict):
    """Not enough is known of the person for the questions of a check. Nothing was counted."""

    code: ClassVar[str] = "identity-check-too-little-known"
    title: ClassVar[str] = "Too little is known of the person to ask questions"


class IdentityCheckEnded(Conflict):
    """The check was judged, its time is over, or a newer check of the person has ended it."""

    code: ClassVar[str] = "identity-check-ended"
    title: ClassVar[str] = "The check has ended"


class IdentityNotProven(Refusal):
    """No check with this id proves now, for this caller, who this person is. It may be unknown, unproven or too old."""

    code: ClassVar[str] = "identity-not-proven"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "The check does not prove who the person is"
