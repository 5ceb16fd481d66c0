"""The sections of `routing.yaml` about the order of candidates, rounds, searches and distances. Durations are in
seconds."""

from typing import Annotated

from pydantic import Field

from libs.chassis.time_bounds import Tolerance
from libs.chassis.yaml_files import PackPart
from services.referral.pack.clocks import Seconds

Weight = Annotated[float, Field(ge=0, le=100)]


class Weights(PackPart):
    """The weight of each part of the score. Scores order candidates; they never admit or exclude one."""

    distance: Weight
    free_places: Weight
    capacity_freshness: Weight
    answer_record: Weight
    language: Weight
    same_provider: Weight
    fairness: Weight


class Rounds(PackPart):
    """The limits and times of the router's rounds."""

    batch_timeout: Seconds
    """How long the normal needs of a flight wait until its intake is complete."""
    household_timeout: Seconds
    """How long a need of a household waits until the household is complete, before the lead desk owns it."""
    offers_max: Annotated[int, Field(ge=1, le=5000)] = 1000
    """The maximum number of ready referrals in one round."""
    keep_places_for: Seconds = 3600
    """How long the free places of a pool are kept for the household at the head of a queue, if it needs more."""
    capacity_fresh_for: Seconds = 86_400
    """The age at which the freshness of a capacity figure is one half."""


class Pacing(PackPart):
    """How many non-urgent offers one service may get in a period, so that it is not overloaded after an outage."""

    offers_per_service: Annotated[int, Field(ge=1, le=10_000)]
    per_seconds: Seconds


class Search(PackPart):
    """The rules for the search for a person who could not be found."""

    attempts: Annotated[int, Field(ge=1, le=30)]
    """The number of missed attempts after which the steward becomes the owner of the need."""
    every: Seconds
    """The time from one attempt to the next."""


class Place(PackPart):
    """The centre of an area, used for distances between areas."""

    name: str
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]


class AbsenceTimes(PackPart):
    """How far the beginning and the end of an absence may be from the present time."""

    starts_at: Tolerance
    ends_at: Tolerance
