"""Who becomes a member of a household by naming it, and who waits for a decision of staff (pure)."""

from collections.abc import Iterable
from enum import StrEnum

MEMBERS_MAX = 30


class ClaimReason(StrEnum):
    """Why somebody who names a household does not become its member at once."""

    SIZE_EXCEEDED = "size_exceeded"
    """The household would have more members than stated."""
    SIZE_DIFFERS = "size_differs"
    """Another member has stated another size."""
    EXCLUDED_PERSON = "excluded_person"
    """One of the two excludes the other, or somebody with this name."""


class ClaimDecision(StrEnum):
    """The decision of staff on a claim."""

    KEEP_TOGETHER = "keep_together"
    SEPARATE = "separate"


def claims_in_doubt(
    told_sizes: Iterable[int | None], *, members_count: int, told_size: int | None
) -> list[ClaimReason | None]:
    """For each person who names one household, in the order in which they came: why they have to wait, or None.

    `members_count` and `told_size` are those of the household before these people. If two families get the same
    reference by mistake, the sizes show it. Then those who come later wait for the decision of a desk, and until then
    neither family is shown the other.
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
