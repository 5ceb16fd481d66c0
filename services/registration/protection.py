"""Limits of the pack for the release of children, and for access in an emergency (pure)."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from libs.chassis.yaml_files import PackPart


class ReleasePolicy(PackPart):
    """Who signs off the release of a child who is alone, and for how long the sign-off is valid."""

    authority: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,39}$")]
    """The code of the authority that the law of the country names, such as `pgn`."""
    sign_off_days: Annotated[int, Field(ge=1, le=90)]

    @property
    def valid_for(self) -> timedelta:
        """The time in which the child must be handed over after the sign-off."""
        return timedelta(days=self.sign_off_days)


class EmergencyPolicy(PackPart):
    """How long access to save a life lasts."""

    minutes: Annotated[int, Field(ge=5, le=240)]
    """After the approval of the second person."""
    approve_within_minutes: Annotated[int, Field(ge=5, le=240)]
    """After the request. A later approval is refused: an old emergency is another one."""

    @property
    def lasts(self) -> timedelta:
        """The time of the access."""
        return timedelta(minutes=self.minutes)

    @property
    def approve_within(self) -> timedelta:
        """The time for the decision."""
        return timedelta(minutes=self.approve_within_minutes)
