"""The score of two records after Fellegi and Sunter."""

from dataclasses import dataclass
from enum import StrEnum
from math import log2

from libs.wire.names import words
from services.registration.linkage.priors import Priors
from services.registration.linkage.records import Record


class Band(StrEnum):
    """What a score means."""

    SAME = "same"
    REVIEW = "review"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Score:
    """How much speaks for one person."""

    weight: float
    """The sum of the log2 weights of all fields, without the prior."""
    probability: float
    band: Band
    reasons: tuple[str, ...]
    """Codes of what agrees and disagrees. They contain no value of a record."""


def compare(a: Record, b: Record, priors: Priors) -> Score:
    """The score of two records. It is the same in either order."""
    weight, reasons = 0.0, []
    for name, worth in (("given_names", 8.0), ("family_names", 10.0)):
        one, other = words(getattr(a, name) or ""), words(getattr(b, name) or "")
        if one and other:
            agrees = one == other
            weight += worth if agrees else -4.0
            reasons.append(f"{name}.{'exact' if agrees else 'different'}")
    if a.birth_date and b.birth_date:
        weight += 14.0 if a.birth_date == b.birth_date else -4.0
        reasons.append(f"birth_date.{'exact' if a.birth_date == b.birth_date else 'different'}")
    total = weight + log2(priors.match_prior)
    probability = 1 / (1 + 2 ** -max(-500.0, min(500.0, total)))
    band = Band.SAME if probability > 0.99 else Band.REVIEW if probability > 0.1 else Band.DIFFERENT
    return Score(weight, probability, band, tuple(reasons))
