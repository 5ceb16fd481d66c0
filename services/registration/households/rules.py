"""Whom a reference makes a member of a household, and who has to wait for a person's decision (pure)."""

from collections.abc import Iterable
from enum import StrEnum

MEMBERS_MAX = 30


class ClaimReason(StrEnum):
    """Why somebody who names a household is not made its member by that alone."""

    SIZE_EXCEEDED = "size_exceeded"
    """It would have more members than it was told to have."""
    SIZE_DIFFERS = "size_differs"
    """Another member has told another size."""


class ClaimDecision(StrEnum):
    """What a person decides on a claim."""

    KEEP_TOGETHER = "keep_together"
    SEPARATE = "separate"


def claims_in_doubt(
    told_sizes: Iterable[int | None], *, members_count: int, told_size: int | None
) -> list[ClaimReason | None]:
    """For each who names one household, in the order in which they came: why they have to wait, or None.

    `members_count` and `told_size` are the household's before them. A number that two families were given by mistake
    shows in the size: better that a family waits for a desk than that a stranger is told of it.
    """
    reasons: list[ClaimReason | None] = []
    for told in told_sizes:
        reason = None
        if None not in (told, told_size) and told != told_size:
            reason = ClaimReason.SIZE_DIFFERS
        elif members_count + 1 > (told_size or told or MEMBERS_MAX):
            reason = ClaimReason.SIZE_EXCEEDED
        else:
            members_count += 1
            told_size = told_size or told
        reasons.append(reason)
    return reasons
