"""Codes of wristbands, the states of a band, and the stages of a check-in (pure)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

ALPHABET: Final = "23456789BCDFGHJKLMNPQRSTVWXYZ"  # pragma: allowlist secret
"""29 characters. There are no vowels, so that a code contains no words, and no 0, 1, O and I, which look alike. 29 is a
prime number, which the check character needs."""
_RANDOM: Final = 7
_GROUP: Final = 4
CODES: Final = len(ALPHABET) ** _RANDOM
"""The number of codes, 17 billion. With 20,000 bands in use, fewer than two in a million guesses name one of them."""
SHEET_MAX: Final = 500
ITEMS_MAX: Final = 500


class BandStatus(StrEnum):
    """The status of a wristband. `in_use`: a person has it, and nobody has registered them yet."""

    ISSUED = "issued"
    IN_USE = "in_use"
    REGISTERED = "registered"
    VOID = "void"


class VoidReason(StrEnum):
    """Why a wristband is no longer used.

    `lost` and `torn`: the person gets another band. `left`: the person went away before they were registered.
    `unused`: nobody got it.
    """

    LOST = "lost"
    TORN = "torn"
    LEFT = "left"
    UNUSED = "unused"


VOID_FROM: Final[Mapping[VoidReason, frozenset[BandStatus]]] = {
    VoidReason.LOST: frozenset({BandStatus.ISSUED, BandStatus.IN_USE, BandStatus.REGISTERED}),
    VoidReason.TORN: frozenset({BandStatus.ISSUED, BandStatus.IN_USE, BandStatus.REGISTERED}),
    VoidReason.LEFT: frozenset({BandStatus.IN_USE}),
    VoidReason.UNUSED: frozenset({BandStatus.ISSUED}),
}
"""The states in which a band can be given up for a reason. No reason makes a person without a record disappear: they
get another band, or somebody states that they left."""


def needs_replacement(reason: VoidReason, status: BandStatus) -> bool:
    """Whether a person has the band, so that another one must take its place."""
    return reason in (VoidReason.LOST, VoidReason.TORN) and status in (BandStatus.IN_USE, BandStatus.REGISTERED)


class Stage(StrEnum):
    """The stages of a check-in that are reported. A registration records the stage `registered` itself."""

    WELCOMED = "welcomed"
    INFORMED = "informed"
    """The person was told their rights, and what happens with their data."""
    EXITED = "exited"


class ExitedTo(StrEnum):
    """Where a person went from the reception centre."""

    HOME = "home"
    FAMILY = "family"
    TRANSPORT_TERMINAL = "transport_terminal"
    SHELTER = "shelter"
    PROVIDER = "provider"
    HEALTH_CENTRE = "health_centre"
    AUTHORITY = "authority"
    OTHER = "other"
    NOT_STATED = "not_stated"


class StageOutcome(StrEnum):
    """The result of one reported stage."""

    RECORDED = "recorded"
    ALREADY_RECORDED = "already_recorded"
    """The stage has a time already, which is kept."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Subject:
    """The band or the returnee of a check-in. Exactly one of the two ids is set."""

    wristband_id: UUID | None = None
    returnee_id: UUID | None = None


def check_character(body: str) -> str:
    """The check character of the random part. It detects one wrong character, and two characters that are swapped."""
    total = sum(weight * ALPHABET.index(one) for weight, one in enumerate(body, start=2))
    return ALPHABET[-total % len(ALPHABET)]


def new_code(draw: Callable[[int], int]) -> str:
    """A code such as `7K3M-9QXC`; `draw(n)` returns an unpredictable number below n."""
    body = "".join(ALPHABET[draw(len(ALPHABET))] for _ in range(_RANDOM))
    whole = body + check_character(body)
    return f"{whole[:_GROUP]}-{whole[_GROUP:]}"


def read_code(told: str) -> str | None:
    """The code in its one form; None if this is not a code. Small letters, spaces and dashes make no difference."""
    plain = "".join(told.split()).replace("-", "").upper()
    if len(plain) != _RANDOM + 1 or any(one not in ALPHABET for one in plain):
        return None
    if check_character(plain[:-1]) != plain[-1]:
        return None
    return f"{plain[:_GROUP]}-{plain[_GROUP:]}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many people of a batch have reached each stage, and since when the first of those who wait has waited."""

    welcomed: int = 0
    informed: int = 0
    registered: int = 0
    exited: int = 0
    not_informed_since: datetime | None = None
    not_registered_since: datetime | None = None
    not_exited_since: datetime | None = None
