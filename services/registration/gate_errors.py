"""Refusals at the gate: wristbands, and batches that change."""

from typing import ClassVar

from libs.chassis.errors import Conflict


class WristbandTaken(Conflict):
    """Another person is registered under this wristband. Member `case_code`, if the caller may see the person."""

    code: ClassVar[str] = "wristband-taken"
    title: ClassVar[str] = "Another person is registered under this wristband"


class WristbandNotUsable(Conflict):
    """The wristband was given up, or it is in a state in which this cannot be done with it."""

    code: ClassVar[str] = "wristband-not-usable"
    title: ClassVar[str] = "The wristband cannot be used for this"


class ReturneeHasWristband(Conflict):
    """The person has another wristband. Give that one up first, with this one as its replacement."""

    code: ClassVar[str] = "returnee-has-wristband"
    title: ClassVar[str] = "The person has another wristband"


class ArrivalBatchHasCome(Conflict):
    """The flight or bus has landed, or somebody of it is registered, so it can be neither cancelled nor diverted."""

    code: ClassVar[str] = "arrival-batch-has-come"
    title: ClassVar[str] = "The arrival batch has come already"
