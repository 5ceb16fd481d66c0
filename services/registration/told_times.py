"""Which times registration is told from outside, and how far each may lie from our clock: data of the pack (pure)."""

from pydantic import BaseModel, ConfigDict

from libs.chassis.time_bounds import Tolerance


class ToldTimes(BaseModel):
    """By kind; of a consent `given_at` and `expires_at`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arrived_at: Tolerance
    landed_at: Tolerance
    expected_at: Tolerance
    given_at: Tolerance
    expires_at: Tolerance
