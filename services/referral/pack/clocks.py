"""The clocks of the country pack, as closed pydantic models. All times are in seconds."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from libs.chassis.yaml_files import PackPart

Seconds = Annotated[float, Field(gt=0)]


def _ascending(reminders: list[float]) -> list[float]:
    if reminders != sorted(set(reminders)):
        raise ValueError("reminders must ascend")
    return reminders


Reminders = Annotated[list[Seconds], AfterValidator(_ascending)]
"""The times of reminders, ascending, from the beginning of the wait."""


class OfferClock(PackPart):
    """How long a provider has for its answer, and when it is reminded."""

    answer_within: Seconds
    """From the offer to its expiry."""
    remind_after: Reminders
    """From the offer to each reminder, each before `answer_within`."""
    acknowledge_within: Seconds | None = None
    """From the offer to its acknowledgement by the provider. None: no acknowledgement is expected."""
    unacknowledged: Literal["remind", "expire"] = "remind"
    """What happens if the offer is not acknowledged in time: a reminder, or the next candidate at once."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _require_before(self.remind_after, self.answer_within, "answer_within")
        if self.acknowledge_within is not None and self.acknowledge_within >= self.answer_within:
            raise ValueError("acknowledge_within must come before answer_within")
        return self


class Wait(PackPart):
    """How long a provider that has accepted has for its next step, and when it is reminded."""

    within: Seconds
    """From the acceptance to the start of the service, or from its start to its outcome. Then the lead desk is
    owner."""
    remind_after: Reminders = []
    """From the same time to each reminder, each before `within`."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _require_before(self.remind_after, self.within, "within")
        return self


def _require_before(reminders: list[float], end: float, name: str) -> None:
    if any(after >= end for after in reminders):
        raise ValueError(f"every reminder must come before {name}")


ProviderWait = Literal["acknowledge", "answer", "start", "report"]
"""The steps that are expected of a provider."""


class Holidays(PackPart):
    """Days on which offices are closed."""

    every_year: frozenset[Annotated[str, Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]] = frozenset()
    """Holidays of every year, as month and day."""
    days: frozenset[date] = frozenset()
    """Holidays of one year only, such as those around Easter."""

    def includes(self, day: date) -> bool:
        """True on a holiday."""
        return day in self.days or f"{day:%m-%d}" in self.every_year


class OwnerClock(PackPart):
    """How long the owner of a need may give no sign of life before the desk above it becomes the owner."""

    see_within: Seconds
    """From becoming the owner to the first sign of life."""
    act_within: Seconds
    """From one sign of life to the next; at least `see_within`."""

    @model_validator(mode="after")
    def _longer_once_seen(self) -> Self:
        if self.act_within < self.see_within:
            raise ValueError("act_within must be at least see_within")
        return self
