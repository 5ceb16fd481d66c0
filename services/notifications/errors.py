"""All refusals of notifications, in addition to those of `libs.chassis`."""

from typing import ClassVar

from libs.chassis.errors import Conflict


class StepNotAllowed(Conflict):
    """The status does not allow this step. Members `state` and `step` say which."""

    code: ClassVar[str] = "step-not-allowed"
    title: ClassVar[str] = "The current status does not allow this step"


class EndpointLimitReached(Conflict):
    """The organisation has the maximum number of endpoints."""

    code: ClassVar[str] = "endpoint-limit-reached"
    title: ClassVar[str] = "The organisation has the maximum number of endpoints; delete one first"


class EndpointNotEnabled(Conflict):
    """Nothing is sent to a disabled endpoint."""

    code: ClassVar[str] = "endpoint-not-enabled"
    title: ClassVar[str] = "The endpoint is not enabled"
