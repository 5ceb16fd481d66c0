"""Limits of the pack: release of children, access in an emergency, checks of who a person is, duties after an incident
(pure)."""

from datetime import timedelta
from enum import StrEnum
from math import comb
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from libs.chassis.yaml_files import PackPart
from libs.events.codes import LanguageCode

LEAST_OPTIONS: Final = 4
"""A question with fewer options is not asked."""
OPTIONS_MAX: Final = 6
QUESTIONS_MAX: Final = 6
GUESSED_MAX: Final = 0.02
"""The greatest chance with which somebody who knows nothing may pass a check of one person on one day."""


class ReleasePolicy(PackPart):
    """Who signs off the release of a child who is alone, and for how long the sign-off is valid."""

    authority: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,39}$")]
    """The code of the authority that the law of the country names, such as `pgn`."""
    sign_off_days: Annotated[int, Field(ge=1, le=90)]

    @property
    def valid_for(self) -> timedelta:
        """The time in which the child must be handed over after the sign-off."""
        return timedelta(days=self.sign_off_days)


OTHER_REASON: Final = "other"
"""The only reason for withholding that may have words."""


class WithholdingPolicy(PackPart):
    """Why a person may say that they exclude somebody, or allow no sharing. Nobody must say it (domain P3, P8)."""

    reasons: Annotated[
        list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]], Field(min_length=1, max_length=20)
    ] = ["fear_of_harm", "will_tell_themselves", OTHER_REASON]
    """Without this line, those of Primero: they fear harm to themselves or others, they want to tell it themselves, or
    another reason."""


class Duty(StrEnum):
    """What must be done after an incident within a time (domain P23)."""

    AUTHORITY_TOLD = "authority_told"
    PEOPLE_TOLD = "people_told"


class DutySetBy(StrEnum):
    """Who sets the time of a duty: the law of the country, or the network itself because the law sets none."""

    LAW = "law"
    NETWORK = "network"


class DutyTime(PackPart):
    """The time for one duty. It begins when the incident becomes known."""

    hours: Annotated[int, Field(ge=1, le=8760)]
    set_by: DutySetBy

    @property
    def within(self) -> timedelta:
        """The same as a span of time."""
        return timedelta(hours=self.hours)


class IncidentPolicy(PackPart):
    """The times for the duties after an incident. The pack must name each duty; null means that nobody sets a time."""

    authority_told: DutyTime | None
    people_told: DutyTime | None

    @property
    def times(self) -> dict[Duty, DutyTime]:
        """The duties that have a time."""
        named = {Duty.AUTHORITY_TOLD: self.authority_told, Duty.PEOPLE_TOLD: self.people_told}
        return {duty: time for duty, time in named.items() if time is not None}


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


class IdentityCheckPolicy(PackPart):
    """How a person without papers proves who they are: by questions, with limited tries."""

    questions: Annotated[int, Field(ge=3, le=QUESTIONS_MAX)]
    options: Annotated[int, Field(ge=LEAST_OPTIONS, le=OPTIONS_MAX)]
    """Of one question, the right one included. A question with fewer possible answers has fewer."""
    wrong_allowed: Annotated[int, Field(ge=0, le=2)] = 0
    minutes: Annotated[int, Field(ge=2, le=60)]
    """For the answers, after the questions are given."""
    proof_minutes: Annotated[int, Field(ge=5, le=120)]
    """For the use of the proof, after the judgement."""
    tries_per_person: Annotated[int, Field(ge=1, le=10)]
    """Unproven checks of one person on one day, whoever makes them."""
    tries_per_caller: Annotated[int, Field(ge=1, le=200)]
    """Unproven checks of one caller on one day, of anybody. A program that many people use is one caller."""
    languages: dict[LanguageCode, Annotated[str, Field(min_length=1, max_length=40)]] = {}
    """Languages that may be asked for, with their names. Leave out those that nearly everybody speaks."""

    @property
    def answer_within(self) -> timedelta:
        """The time for the answers."""
        return timedelta(minutes=self.minutes)

    @property
    def proof_lasts(self) -> timedelta:
        """The time in which the proof can be used."""
        return timedelta(minutes=self.proof_minutes)

    @property
    def guessed(self) -> float:
        """The greatest chance to pass one check by chance, if every question has the least number of options."""
        right = 1 / LEAST_OPTIONS
        return sum(
            comb(self.questions, wrong) * right ** (self.questions - wrong) * (1 - right) ** wrong
            for wrong in range(self.wrong_allowed + 1)
        )

    @model_validator(mode="after")
    def _not_by_chance(self) -> Self:
        if self.guessed * self.tries_per_person > GUESSED_MAX:
            raise ValueError("a check can be passed by chance: ask more, allow fewer wrong answers, or fewer tries")
        return self
