"""The kinds of times that registration receives from outside, and how far each may differ from our clock: data of the
pack (pure)."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict

from libs.chassis.time_bounds import Tolerance


class ToldTimes(BaseModel):
    """The tolerances by kind. `given_at` and `expires_at` belong to a consent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arrived_at: Tolerance
    landed_at: Tolerance
    expected_at: Tolerance
    given_at: Tolerance
    expires_at: Tolerance
    contact_expires_at: Tolerance = Tolerance(ahead=timedelta(days=366), back=timedelta(days=366))
    """The end of a safe contact."""
