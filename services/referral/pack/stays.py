"""The part of `routing.yaml` about stays with a limited length."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from libs.chassis.yaml_files import PackPart
from libs.events.codes import ServiceType
from services.referral.pack.clocks import Seconds


class StayOfType(PackPart):
    """The limits that the law or the network sets for stays at services of one type."""

    maximum: Seconds
    """The longest stay. If the service itself declares a shorter one, that applies."""
    extension_max: Annotated[float, Field(ge=0)]
    """The longest time by which a person may extend such a stay, all extensions together. 0: no extension."""


class StayPolicy(PackPart):
    """The alarms and limits of stays (domain C1-C4). The length of a stay is the service's `max_stay_hours`."""

    alarms_before_end: Annotated[list[Seconds], Field(min_length=1, max_length=10)]
    """Time from each alarm to the end, the earliest alarm first. In a stay of 72 hours, alarms after 24, 48 and 60
    hours are 48, 24 and 12 hours before the end."""
    owned_from_alarm: Annotated[int, Field(ge=1)]
    """The number of the alarm, counted from 1, from which on the lead desk owns a need whose exit plan has gaps."""
    extension_max: Annotated[float, Field(ge=0)]
    """The longest time by which a person may extend a stay, all extensions together."""
    leaving_within: Seconds
    """How long before its end a stay without a next step is on the list, if the caller gives no other time."""
    of_type: dict[ServiceType, StayOfType] = {}
    """Service types with their own limits, such as shelters for children."""

    @model_validator(mode="after")
    def _nearer_and_nearer(self) -> Self:
        if list(self.alarms_before_end) != sorted(set(self.alarms_before_end), reverse=True):
            raise ValueError("alarms_before_end must descend")
        if self.owned_from_alarm > len(self.alarms_before_end):
            raise ValueError("owned_from_alarm must name one of the alarms")
        return self
