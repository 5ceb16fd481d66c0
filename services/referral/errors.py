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
