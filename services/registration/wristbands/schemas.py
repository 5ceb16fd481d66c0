"""Inputs of the actions: what a registration and a check-in know of bands."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from services.registration.wristbands.rules import ExitedTo, Stage, StageOutcome, Subject, read_code


def _code(told: str) -> str:
    code = read_code(told)
    if code is None:
        raise PydanticCustomError("check_character", "This is not the code of a wristband: read it again")
    return code


BandCode = Annotated[str, StringConstraints(max_length=20), AfterValidator(_code)]
"""The code of a wristband, such as `7K3M-9QXM`, however it was typed. Its last character checks the others."""


@dataclass(frozen=True, slots=True)
class BandClaim:
    """A person who was registered under a band, or registered again."""

    wristband_id: UUID
    returnee_id: UUID
    arrival_batch_id: UUID | None
    """The batch that the registration named, or that of the band."""


@dataclass(frozen=True, slots=True)
class StageTold:
    """One stage of one person, with its subject found."""

    subject: Subject
    arrival_batch_id: UUID | None
    stage: Stage
    at: datetime
    exited_to: ExitedTo | None = None


@dataclass(frozen=True, slots=True)
class StageResult:
    """What was done with one reported stage."""

    outcome: StageOutcome
    at: datetime | None = None
    """The time that is recorded now."""
    rule: str | None = None
    """The rule that a refused stage breaks."""
